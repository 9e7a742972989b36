"""A deterministic engine with known truth, for demonstration and tests: no server, no model, no randomness.

Every request gets its first token ``FIRST_TOKEN_S`` plus ``PREFILL_S_PER_TOKEN`` per prompt token after it was
sent, then one token every ``STEP_S``. The stamps are computed, not read from a clock, so they are exact; the
engine only sleeps until the last of them.
"""

from __future__ import annotations

import asyncio
import time

from planner.engines.base import EngineOptions
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import (
    CacheAudit,
    EngineFacts,
    Outcome,
    RequestReply,
    RequestStamps,
    TokenUsage,
)
from planner.units import NS_PER_S

FIRST_TOKEN_S = 0.020  # chosen: the shape of the public client comparisons (20 ms, then 5 ms per token)
STEP_S = 0.005
PREFILL_S_PER_TOKEN = 0.0


class FakeEngine:
    """Answers every request at exactly known times."""

    def __init__(self, options: EngineOptions) -> None:
        self._model = options.model

    async def open(self) -> EngineFacts:
        """Say what it is; there is nothing to reach."""
        return EngineFacts(
            kind="fake", name="planner fake engine", version="1", model=self._model, synthetic=True
        )

    async def send(self, request: RequestPlan, *, scheduled_ns: int) -> RequestReply:
        """Answer with computed stamps after the time they span has passed."""
        sent_ns = time.perf_counter_ns()
        chunks = _token_times(sent_ns, request)
        try:
            await asyncio.sleep((chunks[-1] - sent_ns) / NS_PER_S)
        except asyncio.CancelledError:
            return _reply(request, scheduled_ns, sent_ns, chunks, Outcome.CANCELLED)
        return _reply(request, scheduled_ns, sent_ns, chunks, Outcome.OK)

    async def cache_counters(self) -> CacheAudit:
        """Return an empty audit: it has no cache."""
        return CacheAudit()

    async def close(self) -> None:
        """Nothing to let go of."""


def _token_times(sent_ns: int, request: RequestPlan) -> tuple[int, ...]:
    first_s = FIRST_TOKEN_S + PREFILL_S_PER_TOKEN * request.input_tokens
    return tuple(
        sent_ns + round((first_s + step * STEP_S) * NS_PER_S) for step in range(max(1, request.output_tokens))
    )


def _reply(
    request: RequestPlan, scheduled_ns: int, sent_ns: int, chunks: tuple[int, ...], outcome: Outcome
) -> RequestReply:
    if outcome is Outcome.CANCELLED:
        now_ns = time.perf_counter_ns()
        chunks = tuple(stamp for stamp in chunks if stamp <= now_ns)
    return RequestReply(
        outcome=outcome,
        stamps=RequestStamps(
            scheduled_ns=scheduled_ns,
            ready_ns=sent_ns,
            connected_ns=sent_ns,
            sent_ns=sent_ns,
            headers_ns=sent_ns,
            first_any_ns=chunks[0] if chunks else None,
            first_token_ns=chunks[0] if chunks else None,
            last_token_ns=chunks[-1] if chunks else None,
            done_ns=chunks[-1] if chunks else sent_ns,
            chunk_ns=chunks,
            chunk_tokens=(1,) * len(chunks),
        ),
        usage=TokenUsage(input_tokens=request.input_tokens, output_tokens=len(chunks), cached_input_tokens=0),
        counted_tokens=True,
        http_status=None,
        finish_reason="length" if outcome is Outcome.OK else None,
        response_model="fake",
    )
