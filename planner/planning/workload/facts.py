"""What the rules of thumb ask about a scenario: each fact is true, false, or not stated."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from planner.specs.books.rules import Thresholds
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.workload import Workload

Facts = Mapping[str, bool | None]
FactRule = Callable[[Scenario, Workload, Thresholds], bool | None]


def _deterministic(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool | None:
    return scenario.prompt.temperature == 0 if scenario.prompt.temperature is not None else None


def _repeats(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool | None:
    exact = scenario.caching.exact
    return _alike(scenario, exact.hit_rate if exact is not None else None)


def _similar(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool | None:
    semantic = scenario.caching.semantic
    return _alike(scenario, semantic.hit_rate if semantic is not None else None)


def _alike(scenario: Scenario, hit_rate: float | None) -> bool | None:
    if hit_rate is not None:
        return hit_rate > 0
    queries = scenario.caching.queries
    return queries == "faq" if queries is not None else None


def _fresh(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool | None:
    layers = (scenario.caching.exact, scenario.caching.semantic)
    return True if any(layer is not None and layer.ttl_hours is not None for layer in layers) else None


def _varied(scenario: Scenario, workload: Workload, thresholds: Thresholds) -> bool | None:
    """Whether the same request may rightly get another answer: the caching tree then has no response cache."""
    if _structured(scenario) or _fresh(scenario, workload, thresholds):
        return False
    deterministic = _deterministic(scenario, workload, thresholds)
    return None if deterministic is None else not deterministic


def _structured(scenario: Scenario) -> bool:
    return scenario.prompt.output_kind in {"classification", "extraction"}


def _may_wait(scenario: Scenario, _w: Workload, _t: Thresholds) -> bool | None:
    if scenario.slo.limits_s:
        return False
    return True if scenario.batch.share > 0 else None


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
    "varied": _varied,
    "interactive": _interactive,
    "high_volume": _high_volume,
    "long_prefix": lambda _s, w, t: w.static_prefix_tokens >= t.long_prefix_tokens,
    "long_prompt": lambda _s, w, t: w.input_tokens.mean >= t.long_prompt_tokens,
    "structured": lambda s, _w, _t: _structured(s),
    "agent": lambda s, _w, _t: "tools" in (s.prompt.parts or {}),
    "may_wait": _may_wait,
    "device_allowed": lambda s, _w, _t: (
        s.constraints.data == "on_device" or (s.hosting is not None and s.hosting.edge is not None)
    ),
    "prompt_cache_on": _prompt_cache_on,
    "exact_cache_on": lambda s, _w, _t: s.caching.exact is not None,
    "semantic_cache_on": lambda s, _w, _t: s.caching.semantic is not None,
    "max_tokens_set": lambda s, _w, _t: s.prompt.max_tokens is not None,
    "routed": lambda s, _w, _t: len(s.models) > 1,
    "cascaded": lambda s, _w, _t: any(entry.cascade for entry in s.models),
    "batch_on": lambda s, _w, _t: s.batch.share > 0,
}

# fact -> how to say that it holds, and that it does not
FACT_WORDS: dict[str, tuple[str, str]] = {
    "repeats": ("requests repeat exactly", "requests do not repeat"),
    "similar": ("many requests mean the same", "requests are unlike each other"),
    "varied": ("answers vary: temperature above 0, free text, no TTL", "answers repeat"),
    "interactive": ("people wait for the answer", "nobody waits for the answer"),
    "high_volume": ("the volume is high", "the volume is small"),
    "long_prefix": ("prompts share a long prefix", "no static prefix that is long enough to be cached"),
    "long_prompt": ("the prompt is long", "the prompt is short already"),
    "structured": ("answers are classified or extracted", "answers are free text or code"),
    "agent": ("the prompt has tools", "the prompt has no tools"),
    "may_wait": ("requests may wait", "latency targets are stated"),
    "device_allowed": ("the user's device may serve", "the user's device is not an option"),
    "prompt_cache_on": ("the prompt cache is on", "the prompt cache is off"),
    "semantic_cache_on": ("a semantic cache is on", "no semantic cache"),
}


def facts_of(scenario: Scenario, workload: Workload, thresholds: Thresholds) -> dict[str, bool | None]:
    """Return every fact about a scenario; ``None`` where the scenario does not say."""
    return {name: rule(scenario, workload, thresholds) for name, rule in FACTS.items()}
