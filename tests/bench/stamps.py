"""Replies with stamps in whole milliseconds, for tests of what is computed from them."""

from planner.specs.measured.load import LoadPoint, Phase, TokenLengths
from planner.specs.measured.measurement import (
    Outcome,
    PointFacts,
    RequestRecord,
    RequestReply,
    RequestStamps,
    TokenUsage,
)

MS = 1_000_000


def reply(
    sent_ms: float = 0.0,
    chunks_ms: tuple[float, ...] = (20.0, 25.0, 30.0),
    tokens: tuple[int, ...] | None = None,
    *,
    outcome: Outcome = Outcome.OK,
    usage: int | None = -1,
    cached: int | None = None,
    late_ms: float = 0.0,
) -> RequestReply:
    """Chunk times count from the sending; ``usage`` -1 is what the chunks carry."""
    counts = tokens or (1,) * len(chunks_ms)
    times = tuple(round((sent_ms + at) * MS) for at in chunks_ms)
    content = [at for at, count in zip(times, counts, strict=True) if count]
    return RequestReply(
        outcome=outcome,
        stamps=RequestStamps(
            scheduled_ns=round((sent_ms - late_ms) * MS),
            ready_ns=round((sent_ms - 2) * MS),
            connected_ns=round((sent_ms - 1) * MS),
            sent_ns=round(sent_ms * MS),
            first_token_ns=content[0] if content else None,
            last_token_ns=content[-1] if content else None,
            done_ns=(times[-1] if times else round(sent_ms * MS)) + 1 * MS,
            chunk_ns=times,
            chunk_tokens=counts,
        ),
        usage=TokenUsage(
            input_tokens=100,
            output_tokens=sum(counts) if usage == -1 else usage,
            cached_input_tokens=cached,
        ),
        counted_tokens=tokens is not None,
    )


def record(index: int, answer: RequestReply, phase: Phase = "steady", point: int = 0) -> RequestRecord:
    return RequestRecord(
        point=point, session=0, index=index, phase=phase, input_tokens=100, output_tokens=3, reply=answer
    )


def closed(concurrency: int = 1, requests: int = 10, ramp: int = 0) -> LoadPoint:
    return LoadPoint(
        kind="closed",
        requests=requests,
        input_tokens=TokenLengths(values=(100,)),
        output_tokens=TokenLengths(values=(3,)),
        concurrency=concurrency,
        ramp_requests=ramp,
    )


FACTS = PointFacts(point=0, session=0, start_ns=0)
