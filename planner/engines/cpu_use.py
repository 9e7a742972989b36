"""CPU time that was spent while something ran: by us, by the whole machine, and by the host's other guests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from planner.records import dataclass

PROCESSES = Path("/proc")
STAT_FILE = PROCESSES / "stat"
CPU_FIELDS = 8  # user nice system idle iowait irq softirq steal; guest time is part of user
IDLE_FIELDS = (3, 4)
STEAL_FIELD = 7
PARENT_FIELD = 1  # of proc(5)'s stat after the name in brackets
TIME_FIELDS = slice(11, 15)  # utime stime, and cutime cstime of children that have ended


@dataclass(kw_only=True, slots=True)  # state: filled when what it watches has ended
class CpuUse:
    """CPU time spent while something ran [s], filled when it has ended; ``None`` where the system does not tell."""

    wall_s: float = 0.0
    own_s: float = 0.0
    busy_s: float | None = None
    steal_s: float | None = None


@contextmanager
def cpu_use(own_s: Callable[[], float] = time.process_time) -> Iterator[CpuUse]:
    """Count the CPU time of this process, or of what ``own_s`` counts, and of the whole machine around a block."""
    use = CpuUse()
    before, own_before, start_s = _machine_s(), own_s(), time.perf_counter()
    yield use
    use.wall_s = time.perf_counter() - start_s
    use.own_s = own_s() - own_before
    after = _machine_s()
    if before and after:
        use.busy_s, use.steal_s = after[0] - before[0], after[1] - before[1]


def process_tree_s() -> float:
    """Return the CPU time so far of this process and of all that it has started, and they in turn [s]."""
    parents: dict[int, int] = {}
    spent_s: dict[int, float] = {}
    per_s = os.sysconf("SC_CLK_TCK")
    for folder in PROCESSES.glob("[0-9]*"):
        try:
            fields = (
                (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            )
        except OSError:
            continue  # it has ended meanwhile
        parents[int(folder.name)] = int(fields[PARENT_FIELD])
        spent_s[int(folder.name)] = sum(map(int, fields[TIME_FIELDS])) / per_s
    return sum(time_s for number, time_s in spent_s.items() if _descends(number, os.getpid(), parents))


def _descends(number: int, ancestor: int, parents: dict[int, int]) -> bool:
    while number in parents and number != ancestor:
        number = parents[number]
    return number == ancestor


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
