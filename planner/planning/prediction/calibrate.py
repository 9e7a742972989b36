"""Fit what a step of an engine costs to measured steps, and hold the fit against points it has not seen.

All prices of the units in ``step_work`` are non-negative; errors are relative, so that a step of 20 ms counts as much as
one of 5 s.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import median

import numpy as np

from planner.errors import EngineError
from planner.formulas.least_squares import coefficient_deviations, robust_non_negative_fit
from planner.planning.prediction.step_work import KERNEL_ROWS, TERMS, step_work, term_values
from planner.specs.base import Quantity
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import StepRun, StepSamples
from planner.specs.profiles.serving import Spread
from planner.specs.profiles.step import (
    EngineKind,
    FittedTerm,
    PointCheck,
    ProfileIdentity,
    ReferenceTimes,
    StepProfile,
    StepRange,
    StepShape,
)
from planner.units import FloatArray

FEWEST_POINTS = 6
FEWEST_FOR_SPREAD = 4
HELD_OUT_EVERY = 3
PROPOSED_STEPS = 16  # repetitions of a proposed decode point
Z_80 = 1.2816  # two-sided 80 % of a normal distribution
LOW_QUANTILE, HIGH_QUANTILE = 0.1, 0.9  # between them 80 % of the points


def shape_of(run: StepRun) -> StepShape:
    """Return how the engine of a run cuts its steps."""
    settings = {name: int(value) for name, value in run.settings.items() if isinstance(value, int)}
    batch, sequences = settings.get("batch_tokens", 2048), settings.get("sequences", 1)
    llamacpp = run.engine.kind == "llamacpp"
    return StepShape(
        ubatch_tokens=settings.get("ubatch_tokens", batch),
        kernel_rows=KERNEL_ROWS if llamacpp else 1,
        apart=llamacpp and not settings.get("unified_kv", 0),
        batch_tokens=batch,
        sequences=sequences,
        pool_tokens=None if llamacpp else run.engine.kv_cache_tokens,
    )


def fit_profile(
    run: StepRun,
    *,
    held_out: Collection[int] = (),
    identity: ProfileIdentity | None = None,
    reference: ReferenceTimes | None = None,
) -> StepProfile:
    """Fit a profile to the steady points of `run`, leaving out the points numbered in `held_out`.

    ``reference`` tells the speed of the host that the times of the run hold for.

    Raises
    ------
    EngineError
        If too few steady points are left.
    """
    known = identity or ProfileIdentity()
    shape = shape_of(run)
    used = _steady(run, held_out, in_fit=True)
    if len(used) < FEWEST_POINTS:
        raise EngineError(
            f"{len(used)} steady points are too few for a fit",
            cure=f"measure at least {FEWEST_POINTS}, on a machine that does nothing else",
        )
    seen = _steady(run, held_out, in_fit=False)
    terms, errors = _fit(used, shape)
    prices = np.array([terms[name].value_s for name in TERMS])
    flags = run.engine.flags
    return StepProfile(
        kind=_kind(run),
        engine=run.engine.name,
        engine_version=run.engine.version,
        driver=str(flags["driver"]) if flags.get("driver") else None,
        machine=str(flags.get("gpu") or run.machine.cpu),
        host_id=run.machine.host_id,
        hardware=known.hardware,
        model=known.model or run.engine.model,
        quantization=known.quantization,
        synthetic=run.engine.synthetic,
        model_bytes=run.model_bytes,
        measured_on=run.started_at[:10],
        shape=shape,
        range=_range(used),
        points=len(used),
        held_out_points=len(seen),
        median_error_fraction=float(np.median(np.abs(errors))),
        prefill=_spread(seen, used, shape, prices, decode=False),
        decode=_spread(seen, used, shape, prices, decode=True),
        measured=tuple(_sizes(item.point) for item in used),
        reference=reference,
        terms=terms,  # type: ignore[arg-type]  # the keys are TERMS
    )


def _fit(used: Sequence[StepSamples], shape: StepShape) -> tuple[dict[str, FittedTerm], FloatArray]:
    matrix, target = _system(used, shape)
    prices, deviations = _prices(matrix, target)
    terms = {
        str(name): FittedTerm(
            value_s=float(price),
            low_s=max(0.0, float(price - Z_80 * spread)),
            high_s=float(price + Z_80 * spread),
        )
        for name, price, spread in zip(TERMS, prices, deviations, strict=True)
    }
    return terms, matrix @ prices / target - 1.0


def _prices(matrix: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the prices and their deviations; passes of tiles, which few kernels make, cost nothing until they are shown to."""
    prices = robust_non_negative_fit(matrix, target)
    deviations = coefficient_deviations(matrix, target, prices)
    tiles = TERMS.index("tile_pass_s")
    if prices[tiles] > Z_80 * deviations[tiles]:
        return prices, deviations
    without = matrix.copy()
    without[:, tiles] = 0.0
    prices = robust_non_negative_fit(without, target)
    return prices, coefficient_deviations(without, target, prices)


def _system(samples: Sequence[StepSamples], shape: StepShape) -> tuple[FloatArray, FloatArray]:
    matrix = np.array([step_work(item.point, shape) for item in samples])
    return matrix, np.array([median(item.times_s) for item in samples])


def _spread(
    seen: Sequence[StepSamples],
    used: Sequence[StepSamples],
    shape: StepShape,
    prices: FloatArray,
    *,
    decode: bool,
) -> Spread:
    """Return predicted over measured, on the points held out; on those of the fit where these are too few."""
    for samples in (seen, used, (*seen, *used)):
        own = [item for item in samples if (item.point.kind == "decode") is decode]
        if len(own) >= FEWEST_FOR_SPREAD:
            break
    matrix, target = _system(own or used, shape)
    ratios = matrix @ prices / target
    low, high = (float(np.quantile(ratios, share)) for share in (LOW_QUANTILE, HIGH_QUANTILE))
    return Spread(low=low, high=high, median_error_fraction=float(np.median(np.abs(ratios - 1.0))))


def _range(used: Sequence[StepSamples]) -> StepRange:
    points = [item.point for item in used]
    prompts = [point.prompt_tokens for point in points if point.prompt_tokens] or [0]
    decoding = [point for point in points if point.sequences]
    sequences = [point.sequences for point in decoding] or [0]
    contexts = [point.context_tokens for point in decoding] or [0]
    deepest = max(_depth(point) for point in points)
    return StepRange(
        prompt_tokens=(min(prompts), max(prompts)),
        sequences=(min(sequences), max(sequences)),
        context_tokens=(min(contexts), deepest),
    )


def held_out_of(run: StepRun) -> frozenset[int]:
    """Return the numbers of the points that were held out; where a run does not say, every third one of a kind."""
    stated = frozenset(number for number, item in enumerate(run.samples) if item.held_out)
    if stated:
        return stated
    kinds: dict[str, list[int]] = {}
    for number, item in enumerate(run.samples):
        kinds.setdefault(item.point.kind, []).append(number)
    return frozenset(number for numbers in kinds.values() for number in numbers[1::HELD_OUT_EVERY])


def predict_step_s(profile: StepProfile, point: StepPoint) -> Quantity:
    """Predict the time of a step [s]; the interval is the fit's."""
    work = step_work(point, profile.shape)
    value, low, high = (float(work @ term_values(profile, bound)) for bound in ("value_s", "low_s", "high_s"))
    return Quantity(value=value, low=low, high=high, grade="fitted")


def check_points(
    profile: StepProfile, run: StepRun, *, held_out: Collection[int] = ()
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


def held_out_error(checks: Sequence[PointCheck]) -> float | None:
    """Return the worse of the median errors of held-out prefill and decode steps; ``None`` without any."""
    medians = []
    for decode in (False, True):
        errors = [
            abs(check.error_fraction)
            for check in checks
            if not check.used_in_fit and (check.kind == "decode") is decode
        ]
        if errors:
            medians.append(median(errors))
    return max(medians, default=None)


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


def proposed_point(run: StepRun, profile: StepProfile, *, held_out: Collection[int] = ()) -> StepPoint:
    """Return what to measure next: the most informative of the sizes up to twice as large as those of the fit."""
    used = [item.point for item in _steady(run, held_out, in_fit=True)]
    counts, depths = profile.range.sequences, profile.range.context_tokens
    decodes = [
        StepPoint(sequences=count, context_tokens=depth, repetitions=PROPOSED_STEPS)
        for count in sorted({1, counts[1], 2 * counts[1]})
        for depth in sorted({depths[1] // 2, depths[1], 2 * depths[1]})
        if count > 0
    ]
    longest = profile.range.prompt_tokens[1]
    prompts = [
        StepPoint(prompt_tokens=tokens) for tokens in (longest // 2, longest, 2 * longest) if tokens > 0
    ]
    measured = {_sizes(point) for point in used}
    return most_informative(
        [point for point in (*decodes, *prompts) if _sizes(point) not in measured], used, profile
    )


def _relative_work(profile: StepProfile, point: StepPoint) -> FloatArray:
    return step_work(point, profile.shape) / predict_step_s(profile, point).value


def _steady(run: StepRun, held_out: Collection[int], *, in_fit: bool) -> list[StepSamples]:
    return [
        item
        for number, item in enumerate(run.samples)
        if (number not in held_out) is in_fit and not item.unsteady
    ]


def _sizes(point: StepPoint) -> tuple[int, int, int, int]:
    return point.sequences, point.context_tokens, point.prompt_tokens, point.prompt_offset_tokens


def _kind(run: StepRun) -> EngineKind:
    """Return whose scheduler the engine has: a server that was only reached says so by its name."""
    if run.engine.kind == "llamacpp":
        return "llamacpp"
    return "vllm" if "vllm" in (run.engine.kind, run.engine.name) else "openai"


def _depth(point: StepPoint) -> int:
    return max(point.context_tokens, point.prompt_offset_tokens + point.prompt_tokens)
