from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from planner.bench.records import build_result
from planner.errors import EngineError, UsageError
from planner.report.bench.plot import check_plot, write_plot
from planner.specs.measured.load import SloTarget
from planner.specs.measured.measurement import RunResult
from tests.bench.stamps import closed, record, reply
from tests.bench.test_records import MANIFEST


def ladder() -> RunResult:
    manifest = replace(
        MANIFEST,
        points=(closed(1), closed(4)),
        slo=(SloTarget(metric="ttft_s", fraction=0.95, limit_s=0.035),),
    )
    records = tuple(
        record(index, reply(index * 50.0, (20.0 + 10 * point, 25.0, 30.0)), point=point)
        for point in (0, 1)
        for index in range(10)
    )
    return build_result(manifest, records, ())


def test_the_picture_has_percentiles_and_the_slo_line(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "run.svg"
    write_plot(ladder(), path)
    drawing = path.read_text(encoding="utf-8")
    assert "<svg" in drawing
    assert all(
        f"<!-- {text} -->" in drawing for text in ("p50", "p99", "requests in flight", "SLO p95 35 ms")
    )


def test_png_is_written_too(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_plot(ladder(), tmp_path / "run.PNG")
    assert (tmp_path / "run.PNG").read_bytes().startswith(b"\x89PNG")


def test_other_endings_and_places_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(UsageError, match=r"cannot plot to run\.pdf"):
        check_plot(tmp_path / "run.pdf")
    with pytest.raises(UsageError, match="cannot write"):
        write_plot(ladder(), tmp_path / "no" / "run.svg")


def test_without_matplotlib_the_cure_is_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(EngineError, match="a plot needs matplotlib") as missing:
        check_plot(Path("run.png"))
    assert missing.value.cure == "pip install 'llm-capacity-planner[report]'"
