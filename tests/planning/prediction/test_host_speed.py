from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.planning.prediction.calibrate import fit_profile
from planner.planning.prediction.host_speed import (
    at_one_speed,
    compared_hosts,
    drift_between,
    drift_of,
    host_notices,
    pooled,
    reference_kind,
    reference_of,
    shifted,
)
from planner.planning.prediction.step_work import TERMS
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import HostSpeed, SpeedAround, StepRun, StepSamples
from planner.specs.profiles.step import ReferenceTimes
from tests.planning.prediction.test_calibrate import TRUTH, run_of


def drifting(slowness: np.ndarray, *, memory: np.ndarray | None = None) -> StepRun:
    """The 27 points of the plan on a host whose slowness around each is given; ``memory`` moves on its own."""
    run = run_of(STANDARD_PLAN.points)
    memory = slowness if memory is None else memory
    samples = []
    for number, item in enumerate(run.samples):
        factor = (memory if reference_kind(item.point) == "decode" else slowness)[number : number + 2]
        before, after = (
            HostSpeed(decode_s=0.02 * float(memory[place]), prefill_s=0.13 * float(slowness[place]))
            for place in (number, number + 1)
        )
        times = tuple(time_s * float(np.sqrt(factor.prod())) for time_s in item.times_s)
        samples.append(replace(item, times_s=times, before=before, after=after))
    return replace(run, samples=tuple(samples))


def prices(run: StepRun) -> list[float]:
    fitted = fit_profile(run)
    return [fitted.terms[name].value_s for name in TERMS]


def test_a_common_drift_of_30_percent_leaves_the_prices_as_they_are_at_the_middle_speed() -> None:
    slowness = np.linspace(0.85, 1.15, 28)  # the middle is 1
    run = drifting(slowness)
    assert prices(at_one_speed(run)) == pytest.approx(TRUTH.tolist(), rel=0.02, abs=1e-9)
    assert prices(run) != pytest.approx(TRUTH.tolist(), rel=0.05, abs=1e-9)
    drift = drift_of(run)
    assert drift is not None
    assert drift.references == 28
    assert drift.together == pytest.approx(1.0)
    assert drift.decode.swing == pytest.approx(1.12 / 0.88, rel=0.01)
    assert reference_of(drift) == reference_of(drift_of(pooled(run)))


def test_memory_and_computing_may_drift_apart() -> None:
    slowness, memory = np.linspace(0.9, 1.1, 28), np.linspace(1.2, 0.8, 28)
    run = drifting(slowness, memory=memory)
    assert prices(at_one_speed(run)) == pytest.approx(TRUTH.tolist(), rel=0.02, abs=1e-9)
    drift = drift_of(run)
    assert drift is not None
    assert drift.together == pytest.approx(-1.0, abs=0.02)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.08])
def test_a_host_without_a_drift_is_left_alone_however_noisy_its_references(noise: float) -> None:
    run = run_of(STANDARD_PLAN.points)
    drawn = np.random.default_rng(11).normal(1.0, noise, 28)
    speeds = [HostSpeed(decode_s=0.02 * each, prefill_s=0.13 * each) for each in drawn.tolist()]
    noisy = replace(
        run,
        samples=tuple(
            replace(item, before=before, after=after)
            for item, before, after in zip(run.samples, speeds, speeds[1:], strict=False)
        ),
    )
    assert at_one_speed(noisy) == noisy
    drift = drift_of(noisy)
    assert drift is not None
    assert not drift.corrected
    assert (drift.together is None) is (noise == 0.0)


def test_without_references_nothing_is_known_and_nothing_joined() -> None:
    run = run_of(STANDARD_PLAN.fit + STANDARD_PLAN.fit)
    assert drift_of(run) is None
    assert reference_of(None) is None
    assert at_one_speed(run) == run


def test_visits_of_a_point_are_one_and_an_unsteady_one_does_not_count() -> None:
    speed = HostSpeed(decode_s=0.02, prefill_s=0.13)
    item = replace(run_of(STANDARD_PLAN.fit).samples[0], before=speed, after=speed)
    visits = [replace(item, times_s=times) for times in ((1.0, 3.0), (2.0, 9.0), (6.0, 5.0))]
    doubtful = replace(item, times_s=(99.0, 99.0), unsteady=("steal",))
    run = replace(run_of(()), samples=(doubtful, *visits))
    assert [each.times_s for each in pooled(run).samples] == [(2.0, 5.0)]  # step by step the median of three
    assert pooled(replace(run, samples=(doubtful, doubtful))).samples == (doubtful,)


def test_a_point_is_doubted_when_the_references_around_it_disagree() -> None:
    one, slower = HostSpeed(decode_s=0.02, prefill_s=0.13), HostSpeed(decode_s=0.026, prefill_s=0.14)
    usual = [
        (HostSpeed(decode_s=0.02, prefill_s=0.13), HostSpeed(decode_s=0.02 * each, prefill_s=0.13 * each))
        for each in (1.02, 1.04, 1.05, 1.06, 1.08)  # quartiles 4 and 6 %: beyond some 12 % lies apart
    ]
    drift = drift_between(usual)

    def doubts(point: StepPoint, before: HostSpeed, after: HostSpeed) -> tuple[str, ...]:
        item = StepSamples(point=point, times_s=(1.0,), before=before, after=after)
        return shifted(item, drift)

    assert doubts(StepPoint(sequences=1), one, slower) == ("the host's speed moved by 30 % meanwhile",)
    assert doubts(StepPoint(sequences=1), slower, one) == ("the host's speed moved by 30 % meanwhile",)
    assert (
        doubts(StepPoint(sequences=4), one, slower) == ()
    )  # four rows compute: the prompt's reference counts
    assert doubts(StepPoint(prompt_tokens=16), one, slower) == ()
    early = StepSamples(point=StepPoint(sequences=1), times_s=(1.0,), before=one, after=slower)
    assert shifted(early, drift_between(usual[:2])) == ()  # too few references to know what is usual
    assert shifted(replace(early, after=None), drift) == ()


def test_a_visit_in_which_the_speed_jumped_is_left_out_of_the_run() -> None:
    run = drifting(np.ones(28))
    samples = list(run.samples)
    fast = HostSpeed(decode_s=0.015, prefill_s=0.10)
    samples[4] = replace(samples[4], after=fast)
    found = at_one_speed(replace(run, samples=tuple(samples)))
    assert [number for number, item in enumerate(found.samples) if item.unsteady] == [4]


def visit(context_tokens: int, *times_s: float, held_out: bool = False) -> StepSamples:
    point = StepPoint(sequences=2, context_tokens=context_tokens, repetitions=1)
    return StepSamples(point=point, times_s=times_s, held_out=held_out, from_streams=True)


def test_like_steps_of_streams_are_one_point_and_rare_ones_none() -> None:
    samples = (
        visit(70, 1.0, 2.0, 3.0),
        visit(100, 4.0),
        visit(128, 5.0),  # of the next band, and seen once
        visit(100, 9.0, 9.0, 9.0, held_out=True),
    )
    fitted, proof = pooled(replace(run_of(()), samples=samples)).samples
    assert fitted.times_s == (1.0, 2.0, 3.0, 4.0)
    assert fitted.point.context_tokens == 78  # (3 * 70 + 100) / 4 = 77.5
    assert (proof.held_out, proof.times_s) == (True, (9.0, 9.0, 9.0))


def test_decoding_steps_of_a_server_go_by_its_decoding_reference_however_many_rows_they_have() -> None:
    assert reference_kind(StepPoint(sequences=16)) == "prefill"
    assert reference_kind(StepPoint(sequences=16), from_streams=True) == "decode"
    assert reference_kind(StepPoint(prompt_tokens=16), from_streams=True) == "prefill"


def test_references_around_a_load_count_once_however_many_steps_were_seen_in_it() -> None:
    speeds = [HostSpeed(decode_s=0.02 + 0.001 * each, prefill_s=0.1) for each in range(7)]
    samples = tuple(
        replace(visit(context, 1.0, 1.0, 1.0), before=before, after=after)
        for before, after in pairwise(speeds)
        for context in (10, 100)
    )
    drift = drift_of(replace(run_of(()), samples=samples))
    assert drift is not None
    assert drift.references == 7
    assert drift.decode.corrected
    assert not drift.prefill.corrected


def test_a_load_is_set_beside_the_host_of_its_profile() -> None:
    profile = fit_profile(
        run_of(STANDARD_PLAN.points),
        reference=ReferenceTimes(
            decode_s=0.02, prefill_s=0.10, decode_range_s=(0.018, 0.022), prefill_range_s=(0.09, 0.11)
        ),
    )
    same = HostSpeed(decode_s=0.02, prefill_s=0.10)
    slow = HostSpeed(decode_s=0.03, prefill_s=0.11)
    host = compared_hosts(profile, SpeedAround(before=same, after=slow))
    assert host is not None
    assert (host.decode_before, host.decode_after) == pytest.approx((1.0, 1.5))
    assert (host.prefill_before, host.prefill_after) == pytest.approx((1.0, 1.1))
    (notice,) = host_notices(host)  # the geometric means of 1 and 1.5, 1 and 1.1
    assert "took 1.22 (decoding) and 1.05 (prompts) times as long" in notice.message
    assert host_notices(compared_hosts(profile, SpeedAround(before=same, after=same))) == ()
    within = HostSpeed(decode_s=0.021, prefill_s=0.109)  # the profile has seen such a host
    assert host_notices(compared_hosts(profile, SpeedAround(before=within, after=within))) == ()
    computes = HostSpeed(decode_s=0.02, prefill_s=0.12)
    assert len(host_notices(compared_hosts(profile, SpeedAround(before=computes, after=computes)))) == 1
    older = fit_profile(run_of(STANDARD_PLAN.points), reference=ReferenceTimes(decode_s=0.02, prefill_s=0.10))
    assert host_notices(compared_hosts(older, SpeedAround(before=same, after=slow))) == ()  # no range known
    assert compared_hosts(profile, None) is None
    assert host_notices(None) == ()
