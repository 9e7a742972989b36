from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from planner.bench.stream_steps import steps_of_records
from planner.planning.prediction.calibrate import fit_profile
from planner.planning.prediction.profile_engine import profile_limits, serve as simulate
from planner.planning.prediction.step_work import TERMS
from planner.specs.answers.simulation import RequestBatch
from planner.specs.measured.measurement import ClientHealth, Outcome, PointFacts, RequestRecord
from planner.specs.profiles.step import StepProfile
from tests.bench.priced_server import manifest, serve

# pass, row, lone row, output, context token, pair, cached prompt token, way: a small model on a few cores
TRUTH = np.array([0.020, 0.002, 0.0, 0.001, 8e-6, 1e-6, 0.0, 0.004, 0.0])


def measured() -> list[RequestRecord]:
    """Single requests of six lengths from an idle engine, then random arrivals on eight slots."""
    lengths = [length for length in (16, 64, 128, 256, 512, 1024) for _ in range(4)]
    alone = serve(TRUTH, np.linspace(0.0, 460.0, 24), [(length, 40) for length in lengths], slots=8)
    drawn = np.random.default_rng(3)
    arrival_s = np.cumsum(drawn.exponential(0.7, 120))
    sizes = [(int(drawn.choice([32, 96, 200])), int(drawn.integers(20, 60))) for _ in arrival_s]
    return alone + serve(TRUTH, arrival_s, sizes, slots=8, point=1)


def profile() -> StepProfile:
    return fit_profile(steps_of_records(measured(), manifest()))


def test_the_prices_of_a_server_are_found_in_its_token_streams() -> None:
    fitted = profile()
    found = np.array([fitted.terms[name].value_s for name in TERMS])
    rows = found[1] + found[3] - TRUTH[1] - TRUTH[3]
    assert abs(rows) < 1e-4  # a decoding row is always an output too: only their sum can be told apart
    assert found[[0, 4]] == pytest.approx(TRUTH[[0, 4]], rel=0.1)
    assert fitted.median_error_fraction < 0.005
    assert (fitted.kind, fitted.shape.kernel_rows, fitted.shape.sequences) == ("vllm", 1, 8)


def test_the_simulator_with_that_profile_repeats_a_load_it_has_not_seen() -> None:
    drawn = np.random.default_rng(7)
    arrival_s = np.cumsum(drawn.exponential(0.8, 150))
    sizes = [(int(drawn.integers(40, 300)), int(drawn.integers(10, 80))) for _ in arrival_s]
    records = serve(TRUTH, arrival_s, sizes, slots=8)
    batch = RequestBatch(
        arrival_s=arrival_s,
        input_tokens=np.array([size[0] for size in sizes]),
        output_tokens=np.array([size[1] for size in sizes]),
    )
    fitted = profile()
    served = simulate(fitted, batch, profile_limits(fitted, max_sequences=8))
    ttft = [
        (each.reply.stamps.first_token_ns or 0) / 1e9 - at
        for each, at in zip(records, arrival_s, strict=True)
    ]
    tpot = [np.mean([b - a for a, b in pairwise(each.reply.stamps.chunk_ns)]) / 1e9 for each in records]
    assert served.ttft_s.mean() == pytest.approx(np.mean(ttft), rel=0.02)
    assert served.tpot_s.mean() == pytest.approx(np.mean(tpot), rel=0.02)


def test_held_out_load_points_mark_their_steps() -> None:
    run = steps_of_records(measured(), manifest(), held_out=(1,))
    fitted = {item.point.prompt_tokens for item in run.samples if item.point.arrival and not item.held_out}
    assert fitted == {16, 64, 128, 256, 512, 1024}  # the single requests are point 0
    assert any(item.point.sequences > 1 for item in run.samples if item.held_out)


def test_steps_of_a_load_on_a_busy_machine_are_doubted() -> None:
    busy = PointFacts(point=1, session=0, start_ns=0, health=ClientHealth(foreign_fraction=0.4))
    run = steps_of_records(measured(), manifest(), facts=(busy,))
    doubted = {item.unsteady for item in run.samples if not item.point.arrival and item.point.sequences > 1}
    assert {"other processes took 40 % of the CPU"} <= {reason for reasons in doubted for reason in reasons}
    alone = [item for item in run.samples if item.point.prompt_tokens in {16, 512, 1024}]
    assert {item.unsteady for item in alone} == {()}  # of the other load


@pytest.mark.parametrize(
    "health",
    [ClientHealth(ceiling_tokens_per_s=40.0), ClientHealth(loop_lag_p50_s=0.05, loop_lag_p99_s=0.05)],
)
def test_steps_of_a_client_near_its_limit_are_kept_out_of_fits(health: ClientHealth) -> None:
    near = PointFacts(point=1, session=0, start_ns=0, health=health)
    run = steps_of_records(measured(), manifest(), facts=(near,))
    crowd = [item.unsteady for item in run.samples if item.point.sequences > 1]
    assert all("the client ran near its own limit" in reasons for reasons in crowd)
    fitted = fit_profile(run)
    assert fitted.range.sequences == (1, 1)  # only the load with one request at a time is left


def test_failed_requests_and_bundled_tokens_give_no_steps() -> None:
    one = measured()[:4]
    failed = [replace(each, reply=replace(each.reply, outcome=Outcome.TRUNCATED)) for each in one]
    assert steps_of_records(failed, manifest()).samples == ()
    bundled = [
        replace(each, reply=replace(each.reply, stamps=replace(each.reply.stamps, chunk_tokens=(2,) * 40)))
        for each in one
    ]
    assert steps_of_records(bundled, manifest()).samples == ()


def test_the_servers_own_flags_say_how_large_a_step_is() -> None:
    run = steps_of_records(measured()[:4], manifest("serve m --max-num-batched-tokens 512"))
    assert (run.settings["batch_tokens"], run.settings["sequences"]) == (512, 256)
