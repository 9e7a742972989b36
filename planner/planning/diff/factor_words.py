"""What a cause was and is, in a few words."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from planner.planning.diff.factors import Factor, Path
from planner.specs.case import Case
from planner.specs.gate.outcome import Outcome
from planner.specs.scenario.scenario import ModelShare

SHOWN_KEYS = 3  #: of the keys that changed together, those whose values are told
TOKENS: dict[str, Callable[[Outcome], float]] = {
    "input tokens": lambda outcome: outcome.input_tokens,
    "output tokens": lambda outcome: outcome.output_tokens,
    "reasoning tokens": lambda outcome: outcome.reasoning_tokens,
}


def tokens_of(factor: Factor, outcome: Outcome) -> float | None:
    """Return the tokens of one request that a cause is about, or ``None`` where it is about something else."""
    if factor.kind != "tokens per request":
        return None
    if factor.name in TOKENS:
        return TOKENS[factor.name](outcome)
    return outcome.part_tokens.get(factor.paths[0][2], 0.0)


def file_of(factor: Factor, case: Case) -> str | None:
    """Return the prompt file or trace behind a cause, beside the scenario."""
    if factor.with_trace:
        return case.scenario.traffic.trace
    part = (
        factor.paths[0][2] if factor.paths[0][:2] == ("prompt", "parts") and len(factor.paths[0]) > 2 else ""
    )
    return case.texts[part].file if part in case.texts else None


def words_of(factor: Factor, case: Case, outcome: Outcome) -> str:
    """Return how a side has the keys of a cause."""
    tokens = tokens_of(factor, outcome)
    if tokens is not None:
        return f"{tokens:,.0f} tokens"
    if factor.kind == "volume":
        return f"{outcome.requests_per_month:,.0f} requests/month"
    if factor.kind == "model mix":
        return ", ".join(_model_words(entry) for entry in case.scenario.models)
    return ", ".join(_key_words(case.scenario, path) for path in factor.paths[:SHOWN_KEYS])


def _model_words(entry: ModelShare) -> str:
    name = entry.model or " then ".join(stage.model for stage in entry.cascade or ())
    return name if entry.share == 1 else f"{entry.share * 100:.0f} % {name}"


def _key_words(scenario: BaseModel, path: Path) -> str:
    value: object = scenario
    for step in path:
        value = value.get(step) if isinstance(value, dict) else getattr(value, step)
    return f"{path[-1]} {_plain(value) or 'none'}"


def _plain(value: object) -> str:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json", exclude_unset=True, exclude_none=True)) or "default"
    if isinstance(value, dict):
        return " ".join(f"{key} {_plain(item)}".strip() for key, item in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(_plain(item) for item in value) or "any"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,g}"
    return "none" if value is None else str(value)
