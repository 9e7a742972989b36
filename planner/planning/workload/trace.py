"""A recorded trace as a summary: its rate, burstiness, peak and token sizes."""

from __future__ import annotations

import numpy as np

from planner.formulas.trace_statistics import peak_minute_to_mean, squared_cv
from planner.specs.case import Case, Recording
from planner.specs.scenario.workload import TokenStats, TraceSummary
from planner.units import FloatArray


def summary_of(case: Case) -> TraceSummary | None:
    """Return what the scenario's trace says, as it was remembered or from the recording; ``None`` without one."""
    if case.summary is not None or case.trace is None:
        return case.summary
    return summary_of_recording(case.trace)


def summary_of_recording(recording: Recording) -> TraceSummary:
    """Return what a recording says about its traffic."""
    return summarise(
        recording.file,
        arrival_s=recording.arrival_s,
        input_tokens=recording.input_tokens,
        output_tokens=recording.output_tokens,
    )


def summarise(
    file: str, *, arrival_s: FloatArray, input_tokens: FloatArray, output_tokens: FloatArray
) -> TraceSummary:
    """Return what a trace says about its traffic; the arrays have one entry a request, in order of arrival."""
    return TraceSummary(
        file=file,
        requests=len(arrival_s),
        duration_s=float(arrival_s[-1] - arrival_s[0]),
        burstiness=squared_cv(np.diff(arrival_s)),
        peak_to_mean=peak_minute_to_mean(arrival_s),
        input_tokens=_stats(input_tokens),
        output_tokens=_stats(output_tokens),
    )


def _stats(tokens: FloatArray) -> TokenStats:
    p50, p95, p99 = (float(value) for value in np.percentile(tokens, (50, 95, 99)))
    positive = tokens[tokens > 0]
    sigma = float(np.std(np.log(positive))) if len(positive) else 0.0
    return TokenStats(mean=float(tokens.mean()), p50=p50, p95=p95, p99=p99, sigma=sigma)
