"""Open loops and traces are simulated: percentiles, queues and the length of the run belong to the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.errors import PlannerError
from planner.planning.judge.judging import Bench, Unpredictable
from planner.planning.judge.metric_words import Metric, Statistic
from planner.planning.judge.mlperf import MIN_DURATION_S, dataset_of
from planner.planning.prediction.predict import choose_profile
from planner.planning.prediction.simulate import simulate_replica
from planner.simulation.arrivals import gamma_arrivals, lognormal_tokens
from planner.specs.answers.prediction import PredictRequest
from planner.specs.answers.simulated import LatencyPoints, ReplicaSimulation
from planner.specs.answers.simulation import RequestBatch
from planner.specs.answers.validation import TableRow
from planner.specs.base import Quantity
from planner.specs.books.hardware import HardwareSpec

SEED = 0
REQUESTS = 600  #: of a run whose table states no number
MOST_REQUESTS = 8_000  #: of a run that is told by its length in time
REAL_TEXT = ("sharegpt", "orca", "azure", "mooncake", "burstgpt", "trace", "conversation")
# Median over mean of real prompts and answers: ServeGen's and Azure's conversations lie between 0.5 and 0.8.
MEDIAN_OF_MEAN = 0.65


def simulated_metric(
    row: TableRow,
    model: str,
    hardware: HardwareSpec,
    request: PredictRequest,
    metric: Metric,
    statistic: Statistic,
    bench: Bench,
) -> Quantity:
    """Return a latency of a simulated run, slower and faster machines of the profile's spread as its interval.

    Raises
    ------
    Unpredictable
        When the configuration is refused.
    """
    key = (model, hardware.id, request, id(row.trace) if row.trace else row.settings.requests)
    if key not in bench.simulations:
        try:
            bench.simulations[key] = _runs(row, model, hardware, request, bench)
        except PlannerError as error:
            bench.simulations[key] = error.message
    runs = bench.simulations[key]
    if isinstance(runs, str):
        raise Unpredictable(runs)
    values = [_value(_points(run, metric), statistic) for run in runs]
    low, high = min(values), max(values)
    if metric == "ttft":
        chosen = choose_profile(bench.tools.profiles, engine=request.engine, hardware=hardware)
        spread, width = chosen.profile.ttft, chosen.width
        low = min(low, values[0] * spread.high**-width)
        high = max(high, values[0] * spread.low**-width)
    return Quantity(value=values[0], low=low, high=high, grade=runs[0].grade)


def _runs(
    row: TableRow, model: str, hardware: HardwareSpec, request: PredictRequest, bench: Bench
) -> tuple[ReplicaSimulation, ...]:
    """Simulate the run as predicted, on a machine that is slower, and on one that is faster."""
    batch = row.trace or _batch(row, request)
    known = replace(request, concurrency=1.0, requests_per_s=None)
    return tuple(
        simulate_replica(
            bench.architecture(model),
            hardware,
            known,
            batch,
            profiles=bench.tools.profiles,
            memory_profile=bench.tools.memory_profile,
            speed=speed,
        )
        for speed in ("expected", "slow", "fast")
    )


def _batch(row: TableRow, request: PredictRequest) -> RequestBatch:
    generator = np.random.default_rng(SEED)
    requests = _requests(row, request)
    text = f"{row.notes} {row.load_type}".casefold()
    spread = MEDIAN_OF_MEAN if dataset_of(row) or any(name in text for name in REAL_TEXT) else 1.0
    lengths = [
        lognormal_tokens(generator, mean=mean, p50=spread * mean, requests=requests, most=32 * mean)
        for mean in (request.input_tokens, request.output_tokens)
    ]
    return RequestBatch(
        arrival_s=gamma_arrivals(generator, requests_per_s=request.requests_per_s or 1.0, requests=requests),
        input_tokens=lengths[0],
        output_tokens=lengths[1],
    )


def _requests(row: TableRow, request: PredictRequest) -> int:
    """Return the requests of one replica's run: a short one never fills the batch that a saturated system ends with."""
    if row.settings.requests is not None or dataset_of(row) is None:
        return min(row.settings.requests or REQUESTS, 4 * REQUESTS)
    lasting = int(MIN_DURATION_S * (request.requests_per_s or 1.0))
    return min(max(lasting, REQUESTS), MOST_REQUESTS)


def _points(run: ReplicaSimulation, metric: Metric) -> LatencyPoints:
    return {"ttft": run.ttft_s, "tpot": run.tpot_s}.get(metric, run.e2e_s)


def _value(points: LatencyPoints, statistic: Statistic) -> float:
    return {
        "mean": points.mean,
        "p50": points.p50,
        "p90": points.p90,
        "p95": points.p95,
        "p99": points.p99,
    }[statistic]
