"""A slot server whose steps take the time that a profile says: a known truth for what is found in its streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from planner.engines.llamacpp_session import Row, SessionFacts
from planner.engines.llamacpp_slots import SlotRequest, SlotServer
from planner.specs.measured.measurement import (
    EngineFacts,
    MachineFacts,
    Outcome,
    RequestRecord,
    RequestReply,
    RequestStamps,
    RunLabels,
    RunManifest,
    TokenUsage,
)
from planner.units import FloatArray

FACTS = SessionFacts(
    version="1", system="", description="", model_bytes=1, parameters=1, vocabulary=1000,
    trained_context_tokens=1, sequence_context_tokens=1, gpu_offload=False,
)  # fmt: skip
MACHINE = MachineFacts(host_id="h", system="Linux", cpu="EPYC", cpu_count=2, memory_bytes=None, python="3.11")


@dataclass
class PricedSession:
    """One pass and one row a token: passes, rows, lone rows, outputs, context, pairs, cached prompt, way."""

    prices: FloatArray
    now_s: float = 0.0
    facts: SessionFacts = FACTS
    depth: dict[int, int] = field(default_factory=dict)

    def step(self, rows: Sequence[Row]) -> float:
        prompts = {row.sequence for row in rows if row.position == self.depth.get(row.sequence, 0)}
        prompts -= {row.sequence for row in rows if row.sequence in self.depth}
        work = np.zeros(len(self.prices))
        work[:2] = 1, len(rows)
        work[3] = len({row.sequence for row in rows})
        for row in rows:
            if row.sequence in prompts:
                work[5] += row.position + 1
                work[6] += 1  # whole prompts only: the last position plus one is their number of tokens
            else:
                work[4] += row.position + 1
        self.depth |= dict.fromkeys(prompts, 0)
        time_s = float(work @ self.prices)
        self.now_s += time_s
        return time_s

    def clear(self) -> None:
        self.depth.clear()

    def trim(self, sequence: int, length: int) -> None:
        assert length == 0
        self.depth.pop(sequence)

    def copy(self, source: int, target: int) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to free."""


def serve(
    prices: FloatArray, arrival_s: FloatArray, sizes: Sequence[tuple[int, int]], *, slots: int, point: int = 0
) -> list[RequestRecord]:
    """Serve requests of (input, output) tokens; each stream is sent and received half the way time away."""
    session = PricedSession(prices)
    server = SlotServer(
        session=session, slots=slots, batch_tokens=2048, clock_ns=lambda: round(session.now_s * 1e9)
    )
    waiting = list(range(len(sizes)))
    stamps: dict[int, list[int]] = {number: [] for number in waiting}
    while waiting or server.busy:
        while waiting and (not server.busy or arrival_s[waiting[0]] <= session.now_s):
            number = waiting.pop(0)
            session.now_s = max(session.now_s, float(arrival_s[number]))
            server.add(SlotRequest(id=number, input_tokens=sizes[number][0], output_tokens=sizes[number][1]))
        event = server.step()
        for number in event.tokens:
            stamps[number].append(event.ns + round(prices[7] * 1e9))
    return [
        _record(number, point, round(float(arrival_s[number]) * 1e9), sizes[number], tuple(times))
        for number, times in stamps.items()
    ]


def _record(
    number: int, point: int, sent_ns: int, size: tuple[int, int], times: tuple[int, ...]
) -> RequestRecord:
    return RequestRecord(
        point=point,
        session=0,
        index=number,
        phase="steady",
        input_tokens=size[0],
        output_tokens=size[1],
        reply=RequestReply(
            outcome=Outcome.OK,
            stamps=RequestStamps(
                scheduled_ns=sent_ns,
                ready_ns=sent_ns,
                sent_ns=sent_ns,
                first_token_ns=times[0],
                last_token_ns=times[-1],
                done_ns=times[-1],
                chunk_ns=times,
                chunk_tokens=(1,) * len(times),
            ),
            usage=TokenUsage(input_tokens=size[0], output_tokens=size[1]),
            counted_tokens=True,
        ),
    )


def manifest(command: str = "serve m --max-num-seqs 8") -> RunManifest:
    return RunManifest(
        run_id="r",
        started_at="2026-11-23T12:00:00+00:00",
        wall_ns=0,
        perf_ns=0,
        planner_version="0",
        git_commit=None,
        machine=MACHINE,
        engine=EngineFacts(
            kind="vllm",
            name="vllm",
            version="0.32.0",
            model="m",
            kv_cache_tokens=65_536,
            flags={"command": command},
        ),
        labels=RunLabels(),
        points=(),
    )
