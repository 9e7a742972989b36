"""Rules of thumb held against a scenario: the caching branch taken, and which advice applies."""

from __future__ import annotations

from collections.abc import Sequence

from planner.planning.workload.facts import FACT_WORDS, Facts
from planner.specs.answers.estimate import Advice, AdviceState, CacheAdvice
from planner.specs.books.rules import ChecklistItem, Rules, TreeNode


def walk_cache_tree(rules: Rules, facts: Facts) -> CacheAdvice:
    """Return the verdict of the caching decision tree and the questions that led to it.

    A fact that the scenario does not state counts as no, and the branch says so.
    """
    nodes = {node.id: node for node in rules.cache_tree}
    at = rules.cache_tree[0].id
    branch: list[str] = []
    while at in nodes:
        node = nodes[at]
        branch.append(_answered(node, facts.get(node.id)))
        at = node.yes if facts.get(node.id) else node.no
    return CacheAdvice(
        kind=at,
        verdict=rules.cache_verdicts[at],
        branch=tuple(branch),
        saving_usd_per_month=None,
        source=rules.source,
    )


def _answered(node: TreeNode, fact: bool | None) -> str:  # noqa: FBT001 - a fact is what a boolean is for
    answer = "not stated, taken as no" if fact is None else ("yes" if fact else "no")
    return f"{node.question} {answer}"


def checklist_advice(rules: Rules, facts: Facts) -> tuple[Advice, ...]:
    """Return every item of the checklist with whether it applies here and why."""
    return tuple(_advice(item, rules.source, facts) for item in rules.checklist)


def _advice(item: ChecklistItem, source: str, facts: Facts) -> Advice:
    state, reason = _state(item, facts)
    return Advice(
        id=item.id,
        title=item.title,
        effort=item.effort,
        state=state,
        reason=reason,
        effect=item.effect,
        time_basis=item.latency if state in {"applies", "unstated"} else None,
        source=source,
    )


def _state(item: ChecklistItem, facts: Facts) -> tuple[AdviceState, str]:
    against = [fact for fact in item.unless if facts.get(fact)]
    false = [fact for fact in item.when if facts.get(fact) is False]
    unstated = [fact for fact in item.when if facts.get(fact) is None]
    if any(facts.get(fact) for fact in item.already):
        return "in place", "in place already"
    if against:
        return "ruled out", _words(against, holding=True)
    if false:
        return "ruled out", _words(false, holding=False)
    if unstated:
        return "unstated", "if " + _words(unstated, holding=True)
    return "applies", _words(item.when, holding=True) or "any scenario"


def _words(facts: Sequence[str], *, holding: bool) -> str:
    return " and ".join(FACT_WORDS[fact][0 if holding else 1] for fact in facts)


def rule_of_thumb_tier(rules: Rules, requests_per_day: float) -> str:
    """Return the provider tier that the rule of thumb names for a daily volume."""
    rows = rules.tier_by_scale
    limits = (
        float("inf") if row.below_requests_per_day is None else row.below_requests_per_day for row in rows
    )
    fitting = (row.tier for row, limit in zip(rows, limits, strict=True) if requests_per_day < limit)
    return next(fitting, rows[-1].tier)
