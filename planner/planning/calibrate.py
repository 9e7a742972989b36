"""Fit what a step of llama.cpp costs to measured steps, and hold the fit against points it has not seen.

A step is the sum of work times price: passes over the weights (one per ubatch), rows through the matrices (the CPU
kernels take them by four and the rest one by one), outputs (the vocabulary matrix), context read by decoding sequences,
and query-key pairs of a prompt. All prices are non-negative; errors are relative, so that a step of 20 ms counts as much
as one of 5 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from planner.errors import EngineError
from planner.formulas.least_squares import coefficient_deviations, robust_non_negative_fit
from planner.specs.base import Quantity
from planner.specs.step_profile import FittedTerm, PointCheck, StepProfile
from planner.specs.steps import StepPoint, StepRun, StepSamples
from planner.units import FloatArray

TERMS = ("pass_s", "row_group_s", "lone_row_s", "output_s", "context_token_s", "pair_s")
KERNEL_ROWS = 4  # ggml-cpu/repack.cpp: gemm over 4 activation rows, gemv for the rows left over
FEWEST_POINTS = 6
Z_80 = 1.2816  # two-sided 80 % of a normal distribution


def step_work(point: StepPoint, *, ubatch_tokens: int) -> FloatArray:
    """Return the units of work of a step, one per term of ``TERMS``, at the middle of its repetitions."""
    rows = point.sequences + point.prompt_tokens
    grown = 0.0 if point.prompt_tokens else (point.repetitions - 1) / 2
    context = point.sequences * (point.context_tokens + grown + 1)
    prompt, offset = point.prompt_tokens, point.prompt_offset_tokens
    return np.array(
        [
            -(-rows // ubatch_tokens),
            rows // KERNEL_ROWS,
            rows % KERNEL_ROWS,
            point.sequences + (1 if prompt else 0),
            context,
            prompt * offset + prompt * (prompt + 1) / 2,
        ],
        dtype=np.float64,
    )


def fit_profile(run: StepRun, *, held_out: Sequence[int] = ()) -> StepProfile:
    """Fit a profile to the steady points of `run`, leaving out the points numbered in `held_out`.

    Raises
    ------
    EngineError
        If too few steady points are left.
    """
    used = _usable(run, held_out)
    if len(used) < FEWEST_POINTS:
        raise EngineError(
            f"{len(used)} steady points are too few to fit {len(TERMS)} terms",
            cure=f"measure at least {FEWEST_POINTS}, on a machine that does nothing else",
        )
    ubatch = int(str(run.settings["ubatch_tokens"]))
    matrix = np.array([step_work(item.point, ubatch_tokens=ubatch) for item in used])
    target = np.array([median(item.times_s) for item in used])
    prices = robust_non_negative_fit(matrix, target)
    deviations = coefficient_deviations(matrix, target, prices)
    terms = {
        name: FittedTerm(
            value_s=float(price),
            low_s=max(0.0, float(price - Z_80 * spread)),
            high_s=float(price + Z_80 * spread),
        )
        for name, price, spread in zip(TERMS, prices, deviations, strict=True)
    }
    return StepProfile(
        engine=run.engine.name,
        engine_version=run.engine.version,
        machine=run.machine.cpu,
        model=run.engine.model,
        synthetic=run.engine.synthetic,
        measured_on=run.started_at[:10],
        ubatch_tokens=ubatch,
        kernel_rows=KERNEL_ROWS,
        points=len(used),
        median_error_fraction=float(np.median(np.abs(matrix @ prices / target - 1.0))),
        largest_step_tokens=max(item.point.sequences + item.point.prompt_tokens for item in used),
        largest_context_tokens=max(_depth(item.point) for item in used),
        **terms,
    )


def predict_step_s(profile: StepProfile, point: StepPoint) -> Quantity:
    """Predict the time of a step [s]; the interval is the fit's."""
    work = step_work(point, ubatch_tokens=profile.ubatch_tokens)
    terms = [getattr(profile, name) for name in TERMS]
    value, low, high = (
        float(work @ np.array([getattr(term, bound) for term in terms]))
        for bound in ("value_s", "low_s", "high_s")
    )
    return Quantity(value=value, low=low, high=high, grade="fitted")


def check_points(
    profile: StepProfile, run: StepRun, *, held_out: Sequence[int] = ()
) -> tuple[PointCheck, ...]:
    """Set every steady point's measured median beside its prediction."""
    return tuple(
        PointCheck(
            label=item.point.label,
            kind=item.point.kind,
            measured_s=median(item.times_s),
            predicted_s=predict_step_s(profile, item.point),
            used_in_fit=number not in held_out,
        )
        for number, item in enumerate(run.samples)
        if not item.unsteady
    )


def most_informative(
    candidates: Sequence[StepPoint], measured: Sequence[StepPoint], profile: StepProfile
) -> StepPoint:
    """Choose the candidate whose prediction the measured points support least (largest leverage, D-optimal)."""
    known = np.array([_relative_work(profile, point) for point in measured])
    inverse = np.linalg.pinv(known.T @ known)

    def leverage(point: StepPoint) -> float:
        row = _relative_work(profile, point)
        return float(row @ inverse @ row)

    return max(candidates, key=leverage)


def _relative_work(profile: StepProfile, point: StepPoint) -> FloatArray:
    work = step_work(point, ubatch_tokens=profile.ubatch_tokens)
    return work / predict_step_s(profile, point).value


def _usable(run: StepRun, held_out: Sequence[int]) -> list[StepSamples]:
    return [item for number, item in enumerate(run.samples) if number not in held_out and not item.unsteady]


def _depth(point: StepPoint) -> int:
    return max(point.context_tokens, point.prompt_offset_tokens + point.prompt_tokens)
