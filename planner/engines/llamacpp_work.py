"""Measure one step point on a session, in the worker process."""

from __future__ import annotations

import random
from collections.abc import Iterator

from planner.engines.cpu_use import CpuUse, cpu_use
from planner.engines.llamacpp_session import Row, Session
from planner.errors import UsageError
from planner.specs.measured.step_point import StepPoint

FIRST_ORDINARY_TOKEN = 300  # ids below are control and byte tokens in most vocabularies


def measure(
    session: Session, point: StepPoint, *, batch_tokens: int, seed: int
) -> tuple[list[float], CpuUse]:
    """Time `point.repetitions` steps after one untimed step; return times [s] and the CPU time they took.

    Raises
    ------
    UsageError
        If the step is larger than the engine's batch, or empty.
    """
    size = point.sequences + point.prompt_tokens
    if not 0 < size <= batch_tokens:
        raise UsageError(
            f"a step of {size} tokens cannot be measured with a batch of {batch_tokens}",
            cure=f"choose 1 to {batch_tokens} tokens, or raise --batch-tokens",
        )
    drawn = random.Random(seed)  # noqa: S311 - token ids, not secrets
    _fill(session, point, batch_tokens, drawn)
    session.step(_rows(session, point, 0, drawn))
    _rewind(session, point)
    with cpu_use() as use:
        times = list(_repeat(session, point, drawn))
    return times, use


def _repeat(session: Session, point: StepPoint, drawn: random.Random) -> Iterator[float]:
    """Yield the time of each step: decode grows its context, a step with a prompt is taken back each time."""
    for index in range(point.repetitions):
        grown = 0 if point.prompt_tokens else index
        yield session.step(_rows(session, point, grown, drawn))
        if point.prompt_tokens:
            _rewind(session, point)


def _fill(session: Session, point: StepPoint, batch_tokens: int, drawn: random.Random) -> None:
    """Bring all sequences to their depth: one prefill, then copies; untimed."""
    session.clear()
    if point.sequences:
        _prefill(session, 0, point.context_tokens, batch_tokens, drawn)
        for sequence in range(1, point.sequences):
            session.copy(0, sequence)
    if point.prompt_tokens:
        _prefill(session, point.sequences, point.prompt_offset_tokens, batch_tokens, drawn)


def _prefill(session: Session, sequence: int, tokens: int, batch_tokens: int, drawn: random.Random) -> None:
    for start in range(0, tokens, batch_tokens):
        stop = min(start + batch_tokens, tokens)
        session.step(
            [Row(_token(session, drawn), place, sequence, place == stop - 1) for place in range(start, stop)]
        )


def _rewind(session: Session, point: StepPoint) -> None:
    for sequence in range(point.sequences):
        session.trim(sequence, point.context_tokens)
    if point.prompt_tokens:
        session.trim(point.sequences, point.prompt_offset_tokens)


def _rows(session: Session, point: StepPoint, grown: int, drawn: random.Random) -> list[Row]:
    """Lay out the step: decoding sequences first, then the prompt, whose last token alone wants logits."""
    decode = [
        Row(_token(session, drawn), point.context_tokens + grown, sequence, output=True)
        for sequence in range(point.sequences)
    ]
    last = point.prompt_tokens - 1
    prompt = [
        Row(_token(session, drawn), point.prompt_offset_tokens + place, point.sequences, place == last)
        for place in range(point.prompt_tokens)
    ]
    return decode + prompt


def _token(session: Session, drawn: random.Random) -> int:
    vocabulary = session.facts.vocabulary
    return drawn.randrange(min(FIRST_ORDINARY_TOKEN, vocabulary - 1), vocabulary)
