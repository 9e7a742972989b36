"""Was a point measured undisturbed? Judged from its times and from what else the machine did meanwhile.

Why it matters: between two operators of a step llama.cpp's threads meet at a barrier and wait for each other by
spinning. When another process takes one of their processors, the spinning thread keeps the other processor for its whole
time slice while the one it waits for cannot run. A step of a 1B model has some 400 barriers, so a step of 23 ms was seen to
take 1.7 s (docs/decisions/0050-steady-llama-cpp-steps.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from planner.specs.measured.steps import Disturbance

SPREAD_LIMIT = 1.3  # p90 / median; seen: 1.05 to 1.2 undisturbed, 1.5 and more beside one busy process
FOREIGN_LIMIT = (
    0.08  # of all CPU time; seen: below 0.03 on an idle machine, 0.25 to 0.5 beside one busy process
)
STEAL_LIMIT = 0.02  # of all CPU time; a neighbour on the same host
FEWEST_FOR_SPREAD = 5


def reasons_not_to_trust(times_s: Sequence[float], disturbance: Disturbance) -> tuple[str, ...]:
    """List what was unsteady about a point; empty when nothing was."""
    reasons = []
    ratio = spread(times_s)
    if len(times_s) >= FEWEST_FOR_SPREAD and ratio > SPREAD_LIMIT:
        reasons.append(f"p90 of the steps is {ratio:.1f} times their median")
    if (disturbance.foreign_fraction or 0.0) > FOREIGN_LIMIT:
        reasons.append(f"other processes took {100 * (disturbance.foreign_fraction or 0.0):.0f} % of the CPU")
    if (disturbance.steal_fraction or 0.0) > STEAL_LIMIT:
        reasons.append(f"the host took {100 * (disturbance.steal_fraction or 0.0):.0f} % of the CPU away")
    return tuple(reasons)


def spread(times_s: Sequence[float]) -> float:
    """Return p90 over median of the times after their straight-line growth is divided out."""
    if not times_s:
        return 1.0
    level = _line(times_s)
    relative = sorted(time_s / expected for time_s, expected in zip(times_s, level, strict=True))
    return relative[min(len(relative) - 1, int(0.9 * len(relative)))] / median(relative)


def disturbance_of(
    *, wall_s: float, own_s: float, busy_s: float | None, steal_s: float | None, cpus: int
) -> Disturbance:
    """Turn CPU times into fractions of all the CPU time there was."""
    if busy_s is None or steal_s is None or wall_s <= 0:
        return Disturbance()
    total_s = wall_s * cpus
    return Disturbance(
        foreign_fraction=max(0.0, busy_s - own_s - steal_s) / total_s, steal_fraction=steal_s / total_s
    )


def _line(times_s: Sequence[float]) -> list[float]:
    """Fit a line through the medians of the first and the last third; flat when it would not stay positive."""
    third = max(1, len(times_s) // 3)
    first, last = median(times_s[:third]), median(times_s[-third:])
    slope = (last - first) / max(1, len(times_s) - third)
    start = first - slope * (third - 1) / 2
    line = [start + slope * index for index in range(len(times_s))]
    return line if slope > 0 and start > 0 else [median(times_s)] * len(times_s)
