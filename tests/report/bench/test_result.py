import csv
import json
from dataclasses import replace
from io import StringIO

import pytest

from planner.bench.records import build_result
from planner.report.bench.result import bench_csv, bench_json, bench_markdown, bench_table
from planner.specs.measured.load import SloTarget
from planner.specs.measured.measurement import Outcome, RunResult, Setting
from tests.bench.stamps import FACTS, closed, record, reply
from tests.bench.test_records import MANIFEST

LIMIT = (SloTarget(metric="ttft_s", fraction=0.95, limit_s=0.022),)


def result() -> RunResult:
    points = (closed(ramp=1), closed(concurrency=2), closed(concurrency=4))
    records = [record(i, reply(31.0 * i), "ramp" if i == 0 else "steady") for i in range(10)]
    records += [record(i, reply(31.0 * i, (24.0, 30.0, 36.0)), point=1) for i in range(10)]
    records += [record(i, reply(31.0 * i, (), outcome=Outcome.CONNECT), point=2) for i in range(4)]
    facts = (FACTS, replace(FACTS, point=1), replace(FACTS, point=2, stopped="server-died"))
    return build_result(replace(MANIFEST, points=points, slo=LIMIT), tuple(records), facts)


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_fits_names_errors_and_draws_the_limit(width: int) -> None:
    text = bench_table(result(), width=width, color=False)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "4 in flight: failed: connect 4" in text
    assert "the server no longer answers" in text
    assert "last good point: 2 in flight" in text
    assert "limit 22 ms" in text
    assert text.count("│") == 3
    assert "unknown" in text
    assert ("ITL p99" in text) == (width == 160)


def test_the_first_lines_say_which_loads_hold_the_limits() -> None:
    def second_line(*limits_s: float, points: slice = slice(None)) -> str:
        slo = tuple(SloTarget(metric="ttft_s", fraction=0.95, limit_s=limit) for limit in limits_s)
        run = replace(result(), points=result().points[points], last_good_point=None)
        changed = replace(run, manifest=replace(run.manifest, slo=slo))
        return bench_table(changed, width=80, color=False).splitlines()[1]

    both = slice(2)
    # TTFT p95 is 20 ms with one request in flight and 24 ms with two; with four everything failed
    assert (
        second_line(0.022) == "TTFT p95 within 22 ms: missed at 2 in flight, 4 in flight; held at 1 in flight"
    )
    assert second_line(0.030, points=both) == "TTFT p95 within 30 ms: held at every load"
    assert second_line(0.010, points=both) == "TTFT p95 within 10 ms: missed at every load"
    assert second_line(0.030, points=slice(1)) == "TTFT p95 within 30 ms: held"
    assert second_line(0.010, points=slice(1)) == "TTFT p95 within 10 ms: missed"
    assert second_line().startswith("load ")


def test_the_json_has_the_documented_keys() -> None:
    document = json.loads(bench_json(result()))
    point = document["points"][0]
    assert document["schema"] == "planner.bench/1"
    assert point["requests"] == {"ok": 10, "failed": 0, "by_error": {}}
    assert point["ttft_s"]["p50"] == pytest.approx(0.020)
    assert document["points"][2]["ttft_s"]["mean"] is None
    assert document["last_good_point"] == 1
    assert document["max_rate_requests_per_s"] is None


def test_csv_and_markdown_have_a_line_per_point() -> None:
    rows = list(csv.DictReader(StringIO(bench_csv(result()))))
    assert [row["ok"] for row in rows] == ["10", "10", "0"]
    assert float(rows[0]["tpot_s_p50"]) == pytest.approx(0.005)
    assert "| 2 in flight |" in bench_markdown(result())


def test_points_of_a_calibration_are_named_by_what_they_are_for() -> None:
    found = result()
    settings: dict[str, Setting] = {"reference_points": "0,2", "held_out_points": "1"}
    run = replace(found, manifest=replace(found.manifest, settings=settings))
    text = bench_table(run, width=80, color=False)
    assert "1 in flight, reference " in text
    assert "2 in flight, held out " in text
    assert "TTFT p95 against load" not in text  # a picture of so many loads of all kinds says nothing
    assert "| 4 in flight, reference |" in bench_markdown(run)


def test_a_search_names_its_answer() -> None:
    found = result()
    load = replace(found.points[0].load, kind="poisson", rate_requests_per_s=5.0)
    points = (replace(found.points[0], load=load, verdict="holds"),)
    searched = replace(found, points=points, stopped=None)
    assert "highest rate that holds the limits: 5 requests/s" in bench_table(searched, width=80, color=False)
    assert json.loads(bench_json(searched))["max_rate_requests_per_s"] == 5.0
    undecided = replace(searched, points=(replace(points[0], verdict="open"),))
    lines = bench_table(undecided, width=80, color=False).splitlines()
    assert lines[1] == "highest rate that holds the limits: none of the probed rates"
    assert lines[3] == "open: its requests did not decide it; --requests raises their number"
