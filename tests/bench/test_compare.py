from dataclasses import replace

import pytest

from planner.bench.compare import StoredRun, compare_runs, differences, is_regression
from planner.errors import UsageError
from planner.report.bench.compare import (
    compare_csv,
    compare_json,
    compare_markdown,
    compare_table,
    regression_name,
)
from planner.specs.measured.load import TokenLengths
from planner.specs.measured.measurement import RunManifest
from tests.bench.stamps import closed, record, reply
from tests.bench.test_records import MANIFEST


def run(slower: float = 1.0, count: int = 100) -> StoredRun:
    """Back-to-back requests whose times are ``slower`` than 20, 25, 30 ms, with a little jitter."""
    records = []
    at_ms = 0.0
    for index in range(count):
        jitter = slower * (1 + index % 7 / 100)
        chunks = (20.0 * jitter, 25.0 * jitter, 30.0 * jitter)
        records.append(record(index, reply(at_ms, chunks)))
        at_ms += chunks[-1] + 1
    manifest: RunManifest = replace(MANIFEST, points=(closed(),))
    return StoredRun(name="r", manifest=manifest, records=tuple(records))


def test_the_same_run_has_not_changed() -> None:
    (point,) = compare_runs(run(), run())
    assert [change.metric for change in point.metrics] == ["ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s"]
    assert all(change.worse_fraction == 0 for change in point.metrics)
    assert not any(is_regression(change, 0.0) for change in point.metrics)


def test_ten_percent_slower_is_found_in_every_metric_with_its_interval() -> None:
    (point,) = compare_runs(run(), run(slower=1.1))
    for change in point.metrics:
        assert change.worse_fraction == pytest.approx(0.1, abs=0.015)
        assert change.worse_low_fraction < change.worse_fraction < change.worse_high_fraction
        assert change.smallest_detectable_fraction < 0.05
        assert is_regression(change, 0.05)
        assert not is_regression(change, 0.2)


def test_too_few_requests_are_not_compared() -> None:
    assert compare_runs(run(count=3), run())[0].metrics == ()


def test_unlike_runs_are_refused_by_name_unless_allowed() -> None:
    other = run()
    engine = replace(other.manifest.engine, version="2", flags={"dtype": "fp8"})
    other = replace(other, manifest=replace(other.manifest, engine=engine))
    assert set(differences(run().manifest, other.manifest)) == {"engine_version", "flag.dtype"}
    with pytest.raises(UsageError, match="engine_version: none against 2") as caught:
        compare_runs(run(), other)
    assert "--allow engine_version --allow flag.dtype" in (caught.value.cure or "")
    assert compare_runs(run(), other, allowed=("engine_version", "flag.dtype"))


def test_another_load_is_unlike() -> None:
    other = replace(run(), manifest=replace(run().manifest, points=(closed(concurrency=2),)))
    with pytest.raises(
        UsageError, match=r"load\.0: 1 in flight \(100 tokens in, 3 out\) against 2 in flight"
    ):
        compare_runs(run(), other)


def test_loads_that_differ_are_told_in_words() -> None:
    poisson = replace(closed(), kind="poisson", concurrency=None, rate_requests_per_s=2.5)
    gamma = replace(poisson, kind="gamma", burstiness=4.0, shared_prefix_tokens=7)
    gamma = replace(gamma, input_tokens=TokenLengths(values=(8, 32)))
    mine, theirs = (
        replace(run(), manifest=replace(run().manifest, points=(load,))) for load in (poisson, gamma)
    )
    theirs = replace(theirs, manifest=replace(theirs.manifest, points=(gamma, closed())))
    with pytest.raises(UsageError) as caught:
        compare_runs(mine, theirs)
    assert "load.1: none against 1 in flight" in caught.value.message
    assert "poisson at 2.5/s (" in caught.value.message
    assert "gamma at 2.5/s of burstiness 4 (8-32 tokens in, 7 of them shared, " in caught.value.message


def test_the_reports_name_the_regression() -> None:
    changes = compare_runs(run(), run(slower=1.1))
    names = tuple(regression_name(changes[0], change) for change in changes[0].metrics)
    table = compare_table(changes, names, width=100, color=False)
    assert table.count("REGRESSION") == 4
    assert max(len(line) for line in table.splitlines()) <= 100
    assert "REGRESSION" in compare_markdown(changes, names)
    assert '"1 in flight TTFT"' in compare_json(changes, names)
    assert compare_csv(changes).count("\n") == 5
    assert "better" in compare_table(compare_runs(run(), run(slower=0.9)), (), width=100, color=False)


def test_answers_that_end_together_do_not_make_a_rate_without_bounds() -> None:
    # 10 rounds of 4 streams that end within 0.1 ms of each other, 100 ms apart: 4 · 3 tokens in 100 ms are 120 tokens/s
    records = tuple(record(index, reply(100.0 * (index // 4) + 0.03 * (index % 4))) for index in range(40))
    lockstep = StoredRun(name="r", manifest=replace(MANIFEST, points=(closed(),)), records=records)
    (point,) = compare_runs(lockstep, lockstep)
    rate = point.metrics[-1]
    assert rate.metric == "output_tokens_per_s"
    assert rate.before == pytest.approx(120.0, rel=0.01)
    assert rate.smallest_detectable_fraction < 0.01
