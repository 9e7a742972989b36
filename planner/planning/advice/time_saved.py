"""How much sooner an answer comes when advice is followed, where what is published says enough to tell."""

from __future__ import annotations

from collections.abc import Callable

from planner.planning.advice.changes import Change, Ground
from planner.planning.bill.api_cost import Bill
from planner.planning.bill.response_caches import layers_of
from planner.specs.answers.estimate import HostingOption
from planner.specs.base import Quantity
from planner.specs.books.rules import Band
from planner.specs.scenario.workload import Workload
from planner.units import SECONDS_PER_DAY

# The batch APIs of OpenAI, Anthropic and Google answer within a day.
BATCH_WINDOW_S = SECONDS_PER_DAY


def time_saved(
    advice_id: str, ground: Ground, change: Change | None, now: Bill, after: Bill
) -> Quantity | None:
    """Return the mean time that one request is answered sooner; ``None`` where nothing published tells. [s]

    Answers stream at the range of speeds that the rules of thumb give for APIs, and prompts are read at the range that
    two vendors' measurements with and without a prompt cache span. ``now`` and ``after`` are the bills without and
    with the advice; their calls say what is read from a cache. The checklist says on what each effect rests.
    """
    numbers, tokens = ground.case.rules.key_numbers, _answer_tokens(ground.workload)
    speed = numbers.output_tokens_per_s
    if advice_id == "streaming":
        return _per_speed(max(tokens - 1, 0.0), speed)
    if change is None:
        return None
    if advice_id in PREFILL:
        return _read_sooner(read_tokens(now) - read_tokens(after), numbers.prefill_s_per_token)
    if advice_id == "max-tokens":
        return _per_speed(tokens - _answer_tokens(change.after.workload), speed)
    if advice_id in {"exact-cache", "semantic-cache"}:
        return _answered(advice_id.removesuffix("-cache"), tokens, speed, change)
    other = OTHERS.get(advice_id)
    return other(ground, change) if other is not None else None


# advice that changes how much of a prompt the provider must read
PREFILL = ("prompt-caching", "cache-lifetime", "shorter-prompt")


def read_tokens(bill: Bill) -> float:
    """Return the prompt tokens that the provider reads for one request: those that no cache holds. [tokens]"""
    each = (
        call.call.share
        * (call.workload.input_tokens.mean - (call.caching.cached_read_tokens if call.caching else 0.0))
        for call in bill.priced
    )
    return sum(each) * bill.reaching_fraction


def hosted_sooner(ground: Ground, option: HostingOption) -> Quantity | None:
    """Return how much sooner our own machine answers than an API starts and streams; its TTFT is left out. [s]"""
    own = option.e2e_s
    if own is None:
        return None
    api = _per_speed(_answer_tokens(ground.workload), ground.case.rules.key_numbers.output_tokens_per_s)
    return Quantity(
        value=api.value - own.value, low=api.low - own.high, high=api.high - own.low, grade="assumed"
    )


def _answer_tokens(workload: Workload) -> float:
    return workload.output_tokens.mean + workload.reasoning_tokens.mean


def _per_speed(tokens: float, tokens_per_s: Band) -> Quantity:
    return Quantity(
        value=tokens / tokens_per_s.middle,
        low=tokens / tokens_per_s.high,
        high=tokens / tokens_per_s.low,
        grade="assumed",
    )


def _read_sooner(tokens: float, s_per_token: Band) -> Quantity:
    ends = sorted((tokens * s_per_token.low, tokens * s_per_token.high))
    return Quantity(value=tokens * s_per_token.middle, low=ends[0], high=ends[1], grade="assumed")


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


def _escalated(ground: Ground, change: Change) -> Quantity:
    """Escalated requests wait for the first model's answer, too: time is lost."""
    stages = change.after.case.scenario.models[0].cascade or ()
    again = _answer_tokens(ground.workload) * (1 - stages[0].accept)
    whole = _per_speed(again, ground.case.rules.key_numbers.output_tokens_per_s)
    return Quantity(value=-whole.value, low=-whole.high, high=-whole.low, grade="assumed")


def _queued(ground: Ground, change: Change) -> Quantity:
    """Batches come back within their window, and often sooner."""
    share = change.after.case.scenario.batch.share - ground.case.scenario.batch.share
    longest = -share * BATCH_WINDOW_S
    return Quantity(value=longest, low=longest, high=0.0, grade="assumed")


def _embedded_before(ground: Ground, _change: Change) -> Quantity:
    """Look-ups hold the embedding call, and every request that sees the cache waits for one."""
    layer = next(each for each in layers_of(ground.case) if each.name == "semantic")
    return Quantity(
        value=layer.seen_fraction * layer.lookup_s.middle,
        low=0.0,
        high=layer.seen_fraction * layer.lookup_s.high,
        grade="assumed",
    )


OTHERS: dict[str, Callable[[Ground, Change], Quantity]] = {
    "cascade": _escalated,
    "custom-batching": _queued,
    "precompute-embeddings": _embedded_before,
}
