"""What each piece of advice is worth on a scenario: the bill with it against the bill without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planner.errors import DataError, UsageError
from planner.planning.advice.changes import CHANGES, Ground
from planner.planning.advice.time_saved import hosted_sooner, time_saved
from planner.planning.bill.api_cost import Bill
from planner.planning.bill.calls import LINES
from planner.specs.answers.api_plan import ApiPlan
from planner.specs.answers.estimate import Advice, AdviceState, CacheAdvice, HostingKind, HostingOption

CENT = 0.005  # USD a month below which a difference is none
INPUT_LINES = LINES.index("output")  # the lines before it are input: plain, read from a cache, written to it

# advice that is an option of its own: its saving is the API's bill less the cheapest option of that kind
OPTIONS: dict[str, HostingKind] = {"self-host": "self_hosted", "edge": "edge"}


def with_savings(
    advice: Sequence[Advice], ground: Ground, options: Sequence[HostingOption]
) -> tuple[Advice, ...]:
    """Return the advice with what following it saves; what applies comes first, dearest savings first.

    Each saving is the difference of two bills of the same calculator. The hosting options are those that were
    weighed already.
    """
    if not advice:
        return ()
    now = ground.bill
    valued = [_valued(item, ground, now, options) for item in advice]
    return tuple(sorted(valued, key=lambda item: (ORDER[item.state], -(item.saving_usd_per_month or 0.0))))


ORDER = {"applies": 0, "unstated": 1, "in place": 2, "ruled out": 3}


def _valued(item: Advice, ground: Ground, now: Bill, options: Sequence[HostingOption]) -> Advice:
    if item.id in OPTIONS:
        return _as_option(item, ground, now, options)
    if item.state in {"in place", "ruled out"}:
        return item
    if item.id not in CHANGES:
        sooner = time_saved(item.id, ground, None, now, now)
        return replace(item, time_saved_s=sooner, saving_usd_per_month=0.0)
    try:
        change = CHANGES[item.id](ground)
        if isinstance(change, str):
            return ruled_out(item, change)
        after = change.after.bill
        ends = [now.usd - each.usd if each is not None else None for each in (change.low, change.high)]
    except (DataError, UsageError) as error:
        return ruled_out(item, error.message)
    made = replace(
        item,
        saving_usd_per_month=now.usd - after.usd,
        saving_low_usd_per_month=ends[0],
        saving_high_usd_per_month=ends[1],
        assumption=change.assumption,
        time_saved_s=time_saved(item.id, ground, change, now, after),
    )
    return _against_rule(_worth(made), ground, now)


def _worth(item: Advice) -> Advice:
    """Rule out advice that, as assumed, costs more than it saves, or changes nothing."""
    saved = item.saving_usd_per_month or 0.0
    if saved >= CENT:
        return item
    if saved <= -CENT:
        reason = f"would cost {-saved:,.2f} USD/month more: {item.assumption}"
    else:
        reason = "changes less than a cent a month"
    return replace(item, state="ruled out", reason=reason)


def _against_rule(item: Advice, ground: Ground, now: Bill) -> Advice:
    """Add the saving as a fraction, of what the rule of thumb speaks of, and the range of the rule."""
    rule = next(each for each in ground.case.rules.checklist if each.id == item.id)
    whole = _input_usd(ground, now) if rule.rule_of == "input" else now.usd
    band = getattr(ground.case.rules.key_numbers, rule.rule) if rule.rule is not None else None
    return replace(
        item,
        saving_fraction=(item.saving_usd_per_month or 0.0) / whole if whole else None,
        rule_of=rule.rule_of,
        rule_low_fraction=band.low if band is not None else None,
        rule_high_fraction=band.high if band is not None else None,
    )


def _input_usd(ground: Ground, bill: Bill) -> float:
    """Return what input costs a month, read from a cache or not. [USD/month]"""
    each = sum(sum(call.usd_by_line[:INPUT_LINES]) * call.call.share for call in bill.priced)
    return each * ground.workload.requests_per_month * bill.reaching_fraction


def ruled_out(item: Advice, reason: str) -> Advice:
    """Return the advice as one that cannot be followed here."""
    state: AdviceState = "in place" if reason == "in place already" else "ruled out"
    return replace(item, state=state, reason=reason)


def _as_option(item: Advice, ground: Ground, now: Bill, options: Sequence[HostingOption]) -> Advice:
    mine = [option for option in options if option.kind == OPTIONS[item.id]]
    holding = [option for option in mine if not option.refused and option.usd_per_month is not None]
    if not holding:
        reason = f"refused: {mine[0].refused[0]}" if mine else "not among the options that were weighed"
        return ruled_out(item, reason)
    best = min(holding, key=lambda option: option.usd_per_month or 0.0)
    saved = now.usd - (best.usd_per_month or 0.0)
    return _worth(
        replace(
            item,
            state="applies",
            reason="weighed among the options",
            saving_usd_per_month=saved,
            saving_fraction=saved / now.usd if now.usd else None,
            rule_of="bill",
            assumption=best.name,
            time_saved_s=hosted_sooner(ground, best),
        )
    )


# verdict of the caching tree -> the cache that it speaks of
VERDICT_CACHE = {
    "exact": "exact",
    "exact_short": "exact",
    "semantic": "semantic",
    "prompt": "prompt",
    "prompt_only": "prompt",
}


def with_saving(caching: CacheAdvice, advice: Sequence[Advice], plan: ApiPlan) -> CacheAdvice:
    """Return the verdict of the caching tree with what its cache saves: there already, or by following the advice."""
    name = VERDICT_CACHE.get(caching.kind)
    there = {cache.name: cache.saving_usd_per_month.value for cache in plan.caches}
    if plan.prompt_cache is not None:
        there["prompt"] = plan.prompt_cache.saving_usd_per_month
    wanted = "prompt-caching" if name == "prompt" else f"{name}-cache"
    advised = {item.id: item.saving_usd_per_month for item in advice}
    return replace(caching, saving_usd_per_month=there.get(name or "", advised.get(wanted)))
