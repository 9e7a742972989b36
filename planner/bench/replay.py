"""A measured run replayed in the simulator: the same arrivals and lengths, with the prices of a step profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from planner.bench.metrics import output_tokens, request_times
from planner.bench.stream_steps import scheduler_settings
from planner.errors import UsageError
from planner.planning.prediction.host_speed import host_notices
from planner.planning.prediction.profile_engine import profile_limits, simulate_profile
from planner.specs.answers.simulation import EngineLimits, RequestBatch
from planner.specs.measured.agreement import Agreement, HostComparison, LoadAgreement
from planner.specs.measured.measurement import Outcome, RequestRecord, RequestStamps, RunManifest
from planner.specs.profiles.step import ChosenStepProfile, StepProfile
from planner.units import NS_PER_S, FloatArray

STATISTICS = (("mean", None), ("p50", 0.5), ("p95", 0.95))


def run_limits(profile: StepProfile, manifest: RunManifest) -> EngineLimits:
    """Return the scheduler's settings in a run: its own where it states them, else those of the profile."""
    settings = scheduler_settings(manifest)

    def stated(name: str) -> int | None:
        value = settings.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    sequences, context = stated("sequences"), stated("context_tokens")
    limits = profile_limits(
        profile,
        max_sequences=sequences,
        batched_tokens=stated("batch_tokens"),
        slot_tokens=context // sequences if context and sequences else None,
    )
    return replace(limits, pool_tokens=manifest.engine.kv_cache_tokens) if limits.pool_tokens else limits


def replay(
    chosen: ChosenStepProfile,
    records: Sequence[RequestRecord],
    limits: EngineLimits,
    *,
    load: str,
    host: HostComparison | None = None,
) -> LoadAgreement:
    """Simulate the requests of one point and set the latencies that were measured beside those predicted.

    With ``host`` also at the speed that the host had around the run.

    Raises
    ------
    UsageError
        If fewer than two requests succeeded.
    """
    good = sorted(
        (record for record in records if record.reply.outcome is Outcome.OK),
        key=lambda record: record.reply.stamps.scheduled_ns,
    )
    if len(good) < 2:
        raise UsageError(f"{load}: {len(good)} requests succeeded", cure="measure more of them")
    batch = _batch(good)
    done = simulate_profile(chosen, batch, limits)
    here = simulate_profile(chosen, batch, limits, host.slowness) if host is not None else None
    stamps = [record.reply.stamps for record in good]
    tpot = [request_times(record.reply).tpot_s for record in good]
    measured = {
        "ttft_s": _since_scheduled_s(stamps, [each.first_token_ns for each in stamps]),
        "tpot_s": np.array(tpot, dtype=np.float64),
        "e2e_s": _since_scheduled_s(stamps, [each.last_token_ns for each in stamps]),
    }
    rows = tuple(
        row
        for metric, values in measured.items()
        for row in _rows(
            metric,
            values,
            getattr(done.requests, metric),
            None if here is None else getattr(here.requests, metric),
        )
    )
    return LoadAgreement(
        load=load,
        requests=len(good),
        profile=chosen.name,
        grade=done.grade,
        rows=rows,
        notices=(*done.notices, *host_notices(host)),
        host=host,
    )


def _batch(records: Sequence[RequestRecord]) -> RequestBatch:
    scheduled = np.array([record.reply.stamps.scheduled_ns for record in records], dtype=np.float64)
    return RequestBatch(
        arrival_s=(scheduled - scheduled[0]) / NS_PER_S,
        input_tokens=np.array([record.reply.usage.input_tokens or record.input_tokens for record in records]),
        output_tokens=np.array([output_tokens(record.reply) for record in records]),
    )


def _since_scheduled_s(stamps: Sequence[RequestStamps], events_ns: Sequence[int | None]) -> FloatArray:
    """Return the time from the scheduled sending to an event; ``nan`` where it never came."""
    starts = np.array([each.scheduled_ns for each in stamps], dtype=np.float64)
    return (np.array(events_ns, dtype=np.float64) - starts) / NS_PER_S


def _rows(
    metric: str, measured: FloatArray, predicted: FloatArray, here: FloatArray | None
) -> list[Agreement]:
    known = ~(np.isnan(measured) | np.isnan(predicted))
    if not known.any():
        return []

    def statistic(values: FloatArray, share: float | None) -> float:
        return float(values[known].mean() if share is None else np.quantile(values[known], share))

    return [
        Agreement(
            metric=metric,
            statistic=name,
            measured_s=statistic(measured, share),
            predicted_s=statistic(predicted, share),
            predicted_here_s=None if here is None else statistic(here, share),
        )
        for name, share in STATISTICS
    ]
