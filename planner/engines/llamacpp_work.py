"""Measure one step point on a session, in the worker process."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from planner.engines.llamacpp_session import Row, Session
from planner.errors import UsageError
from planner.records import dataclass
from planner.specs.measured.step_point import StepPoint

FIRST_ORDINARY_TOKEN = 300  # ids below are control and byte tokens in most vocabularies
STAT_FILE = Path("/proc/stat")
CPU_FIELDS = 8  # user nice system idle iowait irq softirq steal; guest time is part of user
IDLE_FIELDS = (3, 4)
STEAL_FIELD = 7


@dataclass(kw_only=True, slots=True)
class CpuUse:
    """CPU time spent while something ran [s], filled when it has ended; ``None`` where the system does not tell."""

    wall_s: float = 0.0
    own_s: float = 0.0
    busy_s: float | None = None
    steal_s: float | None = None


@contextmanager
def cpu_use() -> Iterator[CpuUse]:
    """Count the CPU time of this process and of the whole machine around a block."""
    use = CpuUse()
    before, own_before, start_s = _machine_s(), time.process_time(), time.perf_counter()
    yield use
    use.wall_s = time.perf_counter() - start_s
    use.own_s = time.process_time() - own_before
    after = _machine_s()
    if before and after:
        use.busy_s, use.steal_s = after[0] - before[0], after[1] - before[1]


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


def _machine_s() -> tuple[float, float] | None:
    """Read busy and stolen CPU time of the whole machine since boot [s]; ``None`` where there is no /proc."""
    try:
        line = STAT_FILE.read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None
    ticks = [int(field) for field in line.split()[1 : CPU_FIELDS + 1]]
    per_s = os.sysconf("SC_CLK_TCK")
    idle = sum(ticks[index] for index in IDLE_FIELDS)
    return (sum(ticks) - idle) / per_s, ticks[STEAL_FIELD] / per_s
