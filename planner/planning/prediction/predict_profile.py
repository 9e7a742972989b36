"""Predict one configuration under one load from its own measured step profile, by simulating it."""

from __future__ import annotations

import numpy as np

from planner.errors import UsageError
from planner.planning.prediction.profile_engine import profile_costs, profile_limits, serve
from planner.planning.prediction.step_profiles import ranged, support_notices, support_of
from planner.planning.prediction.step_work import TERMS, step_work, term_values
from planner.records import dataclass
from planner.simulation.arrivals import gamma_arrivals
from planner.simulation.engine import simulate_closed_loop
from planner.specs.answers.prediction import Bound, OperatorTime, Prediction, PredictRequest
from planner.specs.answers.simulation import EngineLimits, RequestBatch, SimulatedRequests
from planner.specs.base import Quantity
from planner.specs.measured.step_point import StepPoint
from planner.specs.profiles.step import ChosenStepProfile, StepProfile, Support, Term
from planner.units import MeanCount

ROUNDS = (
    12  # requests per client of a closed loop; those of the first round, which start together, are the burst
)
FEWEST_REQUESTS = 120
OPEN_REQUESTS = 1000
LENGTH_SPREAD = 0.2  # answers differ by so much to either side, or all clients would stay in step for ever
BURST_FRACTION = 0.1  # of a published run's requests; see planning.closed_loop
TERM_NAMES: dict[Term, str] = {
    "pass_s": "weights",
    "row_group_s": "rows",
    "lone_row_s": "single_rows",
    "tile_pass_s": "tiles",
    "output_s": "outputs",
    "context_token_s": "context",
}
BOUNDS: dict[Term, Bound] = {"pass_s": "bandwidth", "context_token_s": "bandwidth"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """The steady state of a load."""

    concurrency: MeanCount
    ttft_s: float
    ttft_burst_s: float
    tpot_s: float
    e2e_s: float
    requests_per_s: float


def predict_from_profile(
    chosen: ChosenStepProfile, request: PredictRequest, generator: np.random.Generator
) -> Prediction:
    """Return the steady state of the profiled engine under a load.

    Raises
    ------
    UsageError
        When the load is given twice or not at all, or the rate exceeds saturation.
    """
    if (request.concurrency is None) == (request.requests_per_s is None):
        raise UsageError("give the load once", cure="use either --concurrency or --rate")
    profile = chosen.profile
    limits = profile_limits(
        profile, max_sequences=request.max_sequences, batched_tokens=request.batched_tokens
    )
    full = _closed(profile, request, limits, generator, clients=limits.max_num_seqs)
    state = (
        _open(profile, request, limits, generator, full.requests_per_s)
        if request.concurrency is None
        else _closed(profile, request, limits, generator, clients=max(1, round(request.concurrency)))
    )
    return _prediction(chosen, request, limits, state, full)


def _closed(
    profile: StepProfile,
    request: PredictRequest,
    limits: EngineLimits,
    generator: np.random.Generator,
    *,
    clients: int,
) -> _State:
    count = max(FEWEST_REQUESTS, ROUNDS * clients)
    batch = _batch(request, np.zeros(count), generator)
    way_s = profile.terms["request_s"].value_s
    served = simulate_closed_loop(
        costs=profile_costs(profile, limits),
        limits=limits,
        concurrency=clients,
        input_tokens=batch.input_tokens,
        output_tokens=batch.output_tokens,
        turnaround_s=way_s,
    )
    later = slice(clients, None)
    e2e_s = float(np.mean(served.e2e_s[later])) + way_s
    return _State(
        concurrency=clients,
        ttft_s=float(np.mean(served.ttft_s[later])) + way_s,
        ttft_burst_s=float(np.mean(served.ttft_s[:clients])) + way_s,
        tpot_s=_tpot_s(served, later),
        e2e_s=e2e_s,
        requests_per_s=clients / e2e_s,
    )


def _open(
    profile: StepProfile,
    request: PredictRequest,
    limits: EngineLimits,
    generator: np.random.Generator,
    saturation_requests_per_s: float,
) -> _State:
    rate = request.requests_per_s or 0.0
    if rate >= saturation_requests_per_s:
        raise UsageError(
            f"{rate:g} requests/s exceed the saturation of {saturation_requests_per_s:.3g} requests/s",
            cure="lower --rate, or use more GPUs or replicas",
        )
    arrival_s = gamma_arrivals(generator, requests_per_s=rate, requests=OPEN_REQUESTS)
    served = serve(profile, _batch(request, arrival_s, generator), limits)
    e2e_s = float(np.mean(served.e2e_s))
    ttft_s = float(np.mean(served.ttft_s))
    return _State(
        concurrency=rate * e2e_s,
        ttft_s=ttft_s,
        ttft_burst_s=ttft_s,
        tpot_s=_tpot_s(served, slice(None)),
        e2e_s=e2e_s,
        requests_per_s=rate,
    )


def _batch(request: PredictRequest, arrival_s: np.ndarray, generator: np.random.Generator) -> RequestBatch:
    low, high = ((1 - LENGTH_SPREAD) * request.output_tokens, (1 + LENGTH_SPREAD) * request.output_tokens)
    drawn = np.maximum(np.rint(generator.uniform(low, high, arrival_s.size)), 1).astype(np.int64)
    if request.output_tokens <= 1:
        drawn = np.ones(arrival_s.size, dtype=np.int64)
    prompt = np.full(arrival_s.size, max(1, round(request.input_tokens)))
    return RequestBatch(arrival_s=arrival_s, input_tokens=prompt, output_tokens=drawn)


def _tpot_s(served: SimulatedRequests, part: slice) -> float:
    known = served.tpot_s[part]
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else 0.0


def _prediction(
    chosen: ChosenStepProfile, request: PredictRequest, limits: EngineLimits, state: _State, full: _State
) -> Prediction:
    profile = chosen.profile
    running = min(state.concurrency, float(limits.max_num_seqs))
    support = support_of(
        profile,
        prompt_tokens=request.input_tokens,
        sequences=max(1, round(running)),
        context_tokens=request.input_tokens + request.output_tokens / 2,
    )
    published_s = BURST_FRACTION * state.ttft_burst_s + (1 - BURST_FRACTION) * state.ttft_s
    ttft, published, burst = (
        ranged(value, profile.prefill, support) for value in (state.ttft_s, published_s, state.ttft_burst_s)
    )
    tpot, alone = (
        ranged(value, profile.decode, support) for value in (state.tpot_s, _alone_s(profile, request))
    )
    rate = _rate(state, request, profile, support)
    parts = _breakdown(profile, request, running)
    return Prediction(
        model=profile.model,
        hardware=profile.hardware or profile.machine,
        engine=profile.engine,
        profile=chosen.name,
        separate_prefill=False,
        gpus=1,
        quantization=profile.quantization or request.quantization,
        concurrency=state.concurrency,
        running=running,
        ttft_s=ttft,
        ttft_published_s=published,
        ttft_burst_s=burst,
        tpot_s=tpot,
        tpot_alone_s=alone,
        e2e_s=_e2e(state, ttft, tpot, support),
        requests_per_s=rate,
        output_tokens_per_s=rate.scaled(request.output_tokens),
        saturation_requests_per_s=ranged(full.requests_per_s, profile.decode, support, rate=True),
        bound_by=_bound(state, limits, parts),
        kv_pool_tokens=limits.pool_tokens,
        weights_bytes_per_gpu=profile.model_bytes or None,
        pool_bytes_per_gpu=None,
        physical_bytes_per_gpu=None,
        breakdown=tuple(part for _, part in parts),
        grade=support.grade,
        notices=support_notices(chosen, support),
    )


def _rate(state: _State, request: PredictRequest, profile: StepProfile, support: Support) -> Quantity:
    """Return the served rate; one that was asked for is exact."""
    if request.requests_per_s is None:
        return ranged(state.requests_per_s, profile.decode, support, rate=True)
    exact = state.requests_per_s
    return Quantity(value=exact, low=exact, high=exact, grade=support.grade)


def _e2e(state: _State, ttft: Quantity, tpot: Quantity, support: Support) -> Quantity:
    """Return the whole answer; its parts err together."""
    rest = max(state.e2e_s - ttft.value, 0.0)
    per_token = (tpot.low / tpot.value, tpot.high / tpot.value) if tpot.value else (1.0, 1.0)
    return Quantity(
        value=state.e2e_s,
        low=ttft.low + rest * per_token[0],
        high=ttft.high + rest * per_token[1],
        grade=support.grade,
    )


def _alone_s(profile: StepProfile, request: PredictRequest) -> float:
    """Return the decode step of a request that has the engine to itself."""
    context = round(request.input_tokens + request.output_tokens / 2)
    point = StepPoint(sequences=1, context_tokens=context, repetitions=1)
    return float(step_work(point, profile.shape) @ term_values(profile))


def _breakdown(
    profile: StepProfile, request: PredictRequest, running: float
) -> tuple[tuple[Term, OperatorTime], ...]:
    """Return what a decode step is made of, largest first."""
    context = round(request.input_tokens + request.output_tokens / 2)
    point = StepPoint(sequences=max(1, round(running)), context_tokens=context, repetitions=1)
    times = step_work(point, profile.shape) * term_values(profile)
    total = float(times.sum())
    parts = [
        (
            name,
            OperatorTime(
                name=TERM_NAMES[name],
                time_s=float(time_s),
                speed_of_light_s=0.0,
                share_fraction=float(time_s) / total,
            ),
        )
        for name, time_s in zip(TERMS, times, strict=True)
        if time_s > 0
    ]
    return tuple(sorted(parts, key=lambda part: -part[1].time_s))


def _bound(state: _State, limits: EngineLimits, parts: tuple[tuple[Term, OperatorTime], ...]) -> Bound:
    if state.concurrency > limits.max_num_seqs:
        return "max_num_seqs"
    return BOUNDS.get(parts[0][0], "compute")
