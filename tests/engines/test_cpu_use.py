from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from planner.engines import cpu_use as module
from planner.engines.cpu_use import cpu_use, process_tree_s

SPIN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def test_the_time_of_children_and_of_theirs_is_ours() -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIN!r}])"
    with cpu_use(process_tree_s) as tree, cpu_use() as alone:
        subprocess.run([sys.executable, "-c", nested], check=True)
    assert tree.own_s >= 0.3
    assert alone.own_s < 0.2
    assert tree.wall_s >= 0.3
    assert tree.busy_s is None or tree.busy_s >= 0.28  # in ticks of 10 ms


def test_a_child_that_still_runs_counts_too() -> None:
    with cpu_use(process_tree_s) as tree:
        child = subprocess.Popen([sys.executable, "-c", f"{SPIN}\ntime.sleep(60)"])
        deadline_s = time.monotonic() + 30
        while _spent_s(child.pid) < 0.3 and time.monotonic() < deadline_s:
            time.sleep(0.02)
    child.kill()
    child.wait()
    assert tree.own_s >= 0.28


def _spent_s(number: int) -> float:
    fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_system_that_does_not_tell_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "STAT_FILE", tmp_path / "stat")
    monkeypatch.setattr(module, "PROCESSES", tmp_path)
    with cpu_use(process_tree_s) as use:
        pass
    assert (use.own_s, use.busy_s, use.steal_s) == (0.0, None, None)
    (tmp_path / "7").mkdir()  # a process that has ended while it was looked at
    assert process_tree_s() == 0.0
