"""How much sooner an answer comes when advice is followed, where the rules of thumb say enough to tell."""

from __future__ import annotations

from planner.planning.advice.changes import Change, Ground
from planner.planning.bill.response_caches import layers_of
from planner.specs.base import Quantity
from planner.specs.rules import Band
from planner.specs.workload import Workload


def time_saved(advice_id: str, ground: Ground, change: Change | None) -> Quantity | None:
    """Return the mean time that one request is answered sooner; ``None`` where nothing published tells. [s]

    Answers stream at the range of speeds that the rules of thumb give for APIs. Prefill is not among them, so what a
    shorter or cached prompt saves before the first token is not known.
    """
    speed = ground.case.rules.key_numbers.output_tokens_per_s
    tokens = _answer_tokens(ground.workload)
    if advice_id == "streaming":
        return _per_speed(max(tokens - 1, 0.0), speed)
    if change is None:
        return None
    if advice_id == "max-tokens":
        return _per_speed(tokens - _answer_tokens(change.after.workload), speed)
    if advice_id in {"exact-cache", "semantic-cache"}:
        return _answered(advice_id.removesuffix("-cache"), tokens, speed, change)
    if advice_id == "cascade":
        return _escalated(tokens, speed, change)
    return None


def _answer_tokens(workload: Workload) -> float:
    return workload.output_tokens.mean + workload.reasoning_tokens.mean


def _per_speed(tokens: float, tokens_per_s: Band) -> Quantity:
    return Quantity(
        value=tokens / tokens_per_s.middle,
        low=tokens / tokens_per_s.high,
        high=tokens / tokens_per_s.low,
        grade="assumed",
    )


def _answered(name: str, tokens: float, speed: Band, change: Change) -> Quantity:
    """Hits spare the whole answer; every request waits for the look-up."""
    layer = next(each for each in layers_of(change.after.case) if each.name == name)
    whole = _per_speed(tokens, speed)
    answered, looked = layer.seen_fraction * layer.hit.value, layer.seen_fraction
    return Quantity(
        value=answered * whole.value - looked * layer.lookup_s.middle,
        low=answered * whole.low - looked * layer.lookup_s.high,
        high=answered * whole.high - looked * layer.lookup_s.low,
        grade="assumed",
    )


def _escalated(tokens: float, speed: Band, change: Change) -> Quantity:
    """Escalated requests wait for the first model's answer, too: time is lost."""
    stages = change.after.case.scenario.models[0].cascade or ()
    again = 1 - stages[0].accept
    whole = _per_speed(tokens * again, speed)
    return Quantity(value=-whole.value, low=-whole.high, high=-whole.low, grade="assumed")
