"""How much requests differ in size: standard deviation over mean of their token counts."""

from __future__ import annotations

from math import sqrt

from planner.formulas.traffic import lognormal_cv
from planner.planning.workload.workload import token_stats
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.traffic import TokenSizes
from planner.specs.scenario.workload import TokenStats, Workload


def token_cvs(scenario: Scenario, workload: Workload) -> tuple[float, float, float]:
    """Return standard deviation over mean of the prompt, of the answer and of the hidden tokens. [1]"""
    prompt = scenario.prompt
    whole = _cv(prompt.input_tokens, workload.input_tokens)
    return (
        whole if prompt.parts is None else _parts_cv(scenario, workload.input_tokens.mean),
        _cv(prompt.output_tokens, workload.output_tokens),
        _cv(prompt.reasoning_tokens, workload.reasoning_tokens),
    )


def _cv(sizes: TokenSizes | None, stats: TokenStats) -> float:
    if sizes is not None and sizes.values is not None:
        return _listed_cv(sizes.values, sizes.weights or (1.0,) * len(sizes.values))
    return lognormal_cv(stats.sigma)


def _listed_cv(values: tuple[float, ...], weights: tuple[float, ...]) -> float:
    total = sum(weights)
    mean = sum(value * weight for value, weight in zip(values, weights, strict=True)) / total
    variance = (
        sum((value - mean) ** 2 * weight for value, weight in zip(values, weights, strict=True)) / total
    )
    return sqrt(variance) / mean if mean else 0.0


def _parts_cv(scenario: Scenario, mean: float) -> float:
    """Return the spread of a prompt whose parts vary independently: their variances add up. [1]"""
    sized = [part.tokens for part in (scenario.prompt.parts or {}).values() if part.tokens is not None]
    variance = 0.0
    for sizes in sized:
        stats = token_stats(sizes)
        variance += (stats.mean * _cv(sizes, stats)) ** 2
    return sqrt(variance) / mean if mean else 0.0
