"""What the rules of thumb ask about a scenario: each fact is true, false, or not stated."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from planner.specs.rules import Thresholds
from planner.specs.scenario import Scenario
from planner.specs.workload import Workload

Facts = Mapping[str, bool | None]
FactRule = Callable[[Scenario, Workload, Thresholds], bool | None]


def _stated_hit_rate(rate: float | None) -> bool | None:
    return rate > 0 if rate is not None else None


def _deterministic(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool | None:
    return scenario.prompt.temperature == 0 if scenario.prompt.temperature is not None else None


def _repeats(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool | None:
    exact = scenario.caching.exact
    return _stated_hit_rate(exact.hit_rate) if exact is not None else None


def _similar(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool | None:
    semantic = scenario.caching.semantic
    return _stated_hit_rate(semantic.hit_rate) if semantic is not None else None


def _fresh(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool | None:
    exact = scenario.caching.exact
    return True if exact is not None and exact.ttl_hours is not None else None


def _interactive(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool:
    return scenario.slo.ttft_p95_ms is not None or scenario.batch.share < 1


def _high_volume(_s: Scenario, workload: Workload, thresholds: Thresholds) -> bool:
    tokens = workload.input_tokens.mean + workload.output_tokens.mean
    return workload.requests_per_day * tokens >= thresholds.high_volume_tokens_per_day


def _prompt_cache_on(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool:
    return scenario.caching.prompt is not None and scenario.caching.prompt.enabled


# fact -> how it is found; rules name facts by these keys
FACTS: dict[str, FactRule] = {
    "deterministic": _deterministic,
    "repeats": _repeats,
    "similar": _similar,
    "fresh": _fresh,
    "interactive": _interactive,
    "high_volume": _high_volume,
    "long_prefix": lambda _s, w, t: w.static_prefix_tokens >= t.long_prefix_tokens,
    "long_prompt": lambda _s, w, t: w.input_tokens.mean >= t.long_prompt_tokens,
    "structured": lambda s, _w, _t: s.prompt.output_kind in {"classification", "extraction"},
    "agent": lambda s, _w, _t: "tools" in (s.prompt.parts or {}),
    "may_wait": lambda s, _w, _t: s.batch.share > 0,
    "device_allowed": lambda s, _w, _t: (
        s.constraints.data == "on_device" or (s.hosting is not None and s.hosting.edge is not None)
    ),
    "self_hosting_weighed": lambda s, _w, _t: s.hosting is not None and s.hosting.self_hosted is not None,
    "edge_weighed": lambda s, _w, _t: s.hosting is not None and s.hosting.edge is not None,
    "prompt_cache_on": _prompt_cache_on,
    "exact_cache_on": lambda s, _w, _t: s.caching.exact is not None,
    "semantic_cache_on": lambda s, _w, _t: s.caching.semantic is not None,
    "max_tokens_set": lambda s, _w, _t: s.prompt.max_tokens is not None,
    "routed": lambda s, _w, _t: len(s.models) > 1,
    "cascaded": lambda s, _w, _t: any(entry.cascade for entry in s.models),
    "batch_on": lambda s, _w, _t: s.batch.share > 0,
}


def facts_of(scenario: Scenario, workload: Workload, thresholds: Thresholds) -> dict[str, bool | None]:
    """Return every fact about a scenario; ``None`` where the scenario does not say."""
    return {name: rule(scenario, workload, thresholds) for name, rule in FACTS.items()}
