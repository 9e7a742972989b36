from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from planner.bench.records import RunWriter
from planner.bench.replay import replay, run_limits
from planner.bench.stream_steps import steps_of_records
from planner.cli.simulate import app
from planner.errors import UsageError
from planner.planning.prediction.calibrate import fit_profile
from planner.planning.prediction.step_profiles import with_doubts
from planner.report.bench.calibration import profile_yaml
from planner.specs.measured.measurement import Outcome, RequestRecord, RunManifest, Setting
from planner.specs.profiles.step import StepProfile
from tests.bench.priced_server import manifest, serve
from tests.bench.stamps import closed
from tests.bench.test_stream_steps import TRUTH, measured


@pytest.fixture(scope="module")
def fitted() -> StepProfile:
    return fit_profile(steps_of_records(measured(), manifest()))


def poisson() -> list[RequestRecord]:
    drawn = np.random.default_rng(11)
    arrival_s = np.cumsum(drawn.exponential(0.8, 100))
    sizes = [(int(drawn.integers(40, 300)), int(drawn.integers(10, 80))) for _ in arrival_s]
    return serve(TRUTH, arrival_s, sizes, slots=8)


def told() -> RunManifest:
    known = manifest()
    flags: dict[str, Setting] = {"sequences": 8, "batch_tokens": 2048}
    return replace(known, engine=replace(known.engine, flags=flags), points=(closed(8, 100),))


def test_a_run_is_repeated_within_two_percent_at_mean_median_and_p95(fitted: StepProfile) -> None:
    agreement = replay(with_doubts("p", fitted), poisson(), run_limits(fitted, told()), load="poisson")
    assert agreement.requests == 100
    assert [(row.metric, row.statistic) for row in agreement.rows[:3]] == [
        ("ttft_s", "mean"),
        ("ttft_s", "p50"),
        ("ttft_s", "p95"),
    ]
    assert max(abs(row.error_fraction) for row in agreement.rows) < 0.02


def test_the_scheduler_of_the_run_is_the_one_that_is_simulated(fitted: StepProfile) -> None:
    limits = run_limits(fitted, told())
    assert (limits.max_num_seqs, limits.max_num_batched_tokens, limits.pool_tokens) == (8, 2048, 65_536)
    launched = run_limits(fitted, manifest("serve m --max-num-seqs 16 --max-num-batched-tokens 512"))
    assert (launched.max_num_seqs, launched.max_num_batched_tokens) == (16, 512)
    slots = replace(told(), engine=replace(told().engine, flags={"sequences": 4, "context_tokens": 4096}))
    assert run_limits(fitted, slots).slot_tokens == 1024


def test_failed_requests_are_left_out(fitted: StepProfile) -> None:
    records = poisson()[:2]
    failed = [replace(each, reply=replace(each.reply, outcome=Outcome.RESET)) for each in records[:1]]
    with pytest.raises(UsageError, match="burst: 1 requests succeeded"):
        replay(with_doubts("p", fitted), [*failed, records[1]], run_limits(fitted, told()), load="burst")


def test_simulate_against_shows_measured_beside_predicted(fitted: StepProfile, tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "run")
    writer.begin(told())
    for record in poisson():
        writer.add(record)
    writer.close()
    profile = tmp_path / "p.yaml"
    profile.write_text(profile_yaml(fitted), encoding="utf-8")
    given = ["--against", str(tmp_path / "run"), "--profile", str(profile)]
    screen = CliRunner().invoke(app, given).stdout
    assert screen.startswith("8 in flight: 100 requests, profile")
    assert "TPOT" in screen
    (load,) = json.loads(CliRunner().invoke(app, [*given, "--format", "json"]).stdout)["loads"]
    assert abs(load["rows"][0]["error_fraction"]) < 0.02
    assert isinstance(CliRunner().invoke(app, [*given[:2], "--profile", "none"]).exception, UsageError)
    assert isinstance(CliRunner().invoke(app, [*given, "--format", "csv"]).exception, UsageError)
