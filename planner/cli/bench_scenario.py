"""The workload of a scenario as the options of ``planner bench``: sizes, rate, shared prefix and limits."""

from __future__ import annotations

from math import exp
from pathlib import Path
from statistics import NormalDist

from planner.cli.bench_options import Given
from planner.cli.scenario_workload import read_workload
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.workload import TokenStats

STEPS = 40  # equally likely lengths that stand for a log-normal distribution (chosen)


def with_scenario(given: Given, path: Path) -> Given:
    """Return ``given`` with the workload of the scenario in it; load and limits that were given stay."""
    scenario, workload = read_workload(path)
    filled = given | {
        "input_tokens": _lengths(workload.input_tokens),
        "output_tokens": _lengths(workload.output_tokens),
        "shared_prefix": round(workload.static_prefix_tokens),
        "feature": given["feature"] or scenario.name,
        "slo": given["slo"] or _limits(scenario),
    }
    if given["rate"] is None and given["concurrency"] is None:
        filled["rate"] = f"{workload.peak_requests_per_s:g}"
    return filled


def _lengths(stats: TokenStats) -> str:
    """Write equally likely lengths, separated by commas."""
    if stats.sigma == 0:
        return str(max(1, round(stats.mean)))
    spread = NormalDist(0.0, stats.sigma)
    scale = stats.p50
    quantiles = (spread.inv_cdf((step + 0.5) / STEPS) for step in range(STEPS))
    return ",".join(str(max(1, round(scale * exp(each)))) for each in quantiles)


def _limits(scenario: Scenario) -> list[str]:
    slo = scenario.slo
    named = {"ttft_p95_ms": slo.ttft_p95_ms, "tpot_p95_ms": slo.tpot_p95_ms, "e2e_p95_s": slo.e2e_p95_s}
    return [f"{name}={value:g}" for name, value in named.items() if value is not None]
