"""The one place where time stamps become TTFT, ITL, TPOT and end-to-end latency, by ours or another tool's rules.

planner: TTFT counts from the sent request to the first event with content; ITL are the gaps between events with
content; TPOT is (last - first token) / (tokens - tokens of the first event), undefined when nothing is left.
The others are kept so that a stored run can be compared with their figures:

- ``vllm``: from before the connection is taken; the first event with ``choices`` counts, even an empty role event.
- ``guidellm``: from the connected socket; ITL is a mean per request; TPOT includes the first token.
- ``aiperf``: from before the connection is taken; ITL is a mean per request; there is no TPOT.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from planner.records import dataclass
from planner.specs.measured.measurement import Outcome, RequestReply
from planner.units import NS_PER_S


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestTimes:
    """The latencies of one request; ``None`` is undefined, never 0."""

    ttft_s: float | None = None
    tpot_s: float | None = None
    e2e_s: float | None = None
    itl_s: tuple[float, ...] = ()


def output_tokens(reply: RequestReply) -> int:
    """Return the tokens of an answer: as the server counts them, else by ids, else one per event. [tokens]"""
    stated = reply.usage.output_tokens
    return stated if stated is not None else sum(reply.stamps.chunk_tokens)


def _span_s(start_ns: int | None, end_ns: int | None) -> float | None:
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / NS_PER_S


def _content(reply: RequestReply) -> tuple[int, ...]:
    stamps = reply.stamps
    return tuple(at for at, tokens in zip(stamps.chunk_ns, stamps.chunk_tokens, strict=True) if tokens)


def _gaps_s(stamps_ns: tuple[int, ...]) -> tuple[float, ...]:
    return tuple((after - before) / NS_PER_S for before, after in pairwise(stamps_ns))


def _per_token_s(reply: RequestReply) -> float | None:
    """Return the mean time of the tokens after the first event. [s]"""
    first = next((tokens for tokens in reply.stamps.chunk_tokens if tokens), 0)
    rest = output_tokens(reply) - first
    span = _span_s(reply.stamps.first_token_ns, reply.stamps.last_token_ns)
    return span / rest if span is not None and rest > 0 else None


def _planner_times(reply: RequestReply) -> RequestTimes:
    stamps = reply.stamps
    return RequestTimes(
        ttft_s=_span_s(stamps.sent_ns, stamps.first_token_ns),
        tpot_s=_per_token_s(reply),
        e2e_s=_span_s(stamps.sent_ns, stamps.last_token_ns),
        itl_s=_gaps_s(_content(reply)),
    )


def _vllm_times(reply: RequestReply) -> RequestTimes:
    stamps = reply.stamps
    if not stamps.chunk_ns:
        return RequestTimes()
    first, last = stamps.chunk_ns[0], stamps.chunk_ns[-1]
    rest = output_tokens(reply) - 1
    return RequestTimes(
        ttft_s=_span_s(stamps.ready_ns, first),
        tpot_s=(last - first) / NS_PER_S / rest if rest > 0 else None,
        e2e_s=_span_s(stamps.ready_ns, last),
        itl_s=_gaps_s(stamps.chunk_ns),
    )


def _guidellm_times(reply: RequestReply) -> RequestTimes:
    stamps = reply.stamps
    tokens = output_tokens(reply)
    span = _span_s(stamps.first_token_ns, stamps.last_token_ns)
    whole = _span_s(stamps.connected_ns, stamps.last_token_ns)
    return RequestTimes(
        ttft_s=_span_s(stamps.connected_ns, stamps.first_token_ns),
        tpot_s=whole / tokens if whole is not None and tokens else None,
        e2e_s=_span_s(stamps.connected_ns, stamps.done_ns),
        itl_s=(span / (tokens - 1),) if span is not None and tokens > 1 else (),
    )


def _aiperf_times(reply: RequestReply) -> RequestTimes:
    stamps = reply.stamps
    per_token = _per_token_s(reply)
    return RequestTimes(
        ttft_s=_span_s(stamps.ready_ns, stamps.first_token_ns),
        e2e_s=_span_s(stamps.ready_ns, stamps.last_token_ns),
        itl_s=(per_token,) if per_token is not None else (),
    )


CONVENTIONS: dict[str, Callable[[RequestReply], RequestTimes]] = {
    "planner": _planner_times,
    "vllm": _vllm_times,
    "guidellm": _guidellm_times,
    "aiperf": _aiperf_times,
}


def request_times(reply: RequestReply, convention: str = "planner") -> RequestTimes:
    """Return the latencies of a request; a failed one has none."""
    return CONVENTIONS[convention](reply) if reply.outcome is Outcome.OK else RequestTimes()
