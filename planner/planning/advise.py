"""Rules of thumb held against a scenario: the caching branch taken, and which advice applies."""

from __future__ import annotations

from planner.planning.facts import Facts
from planner.specs.estimate import Advice, CacheAdvice
from planner.specs.rules import ChecklistItem, Rules, TreeNode


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
        verdict=rules.cache_verdicts[at], branch=tuple(branch), saving_usd_per_month=None, source=rules.source
    )


def _answered(node: TreeNode, fact: bool | None) -> str:  # noqa: FBT001 - a fact is what a boolean is for
    answer = "not stated, taken as no" if fact is None else ("yes" if fact else "no")
    return f"{node.question} {answer}"


def checklist_advice(rules: Rules, facts: Facts) -> tuple[Advice, ...]:
    """Return every item of the checklist with whether it applies here and why."""
    return tuple(_advice(item, rules.source, facts) for item in rules.checklist)


def _advice(item: ChecklistItem, source: str, facts: Facts) -> Advice:
    done = [fact for fact in item.already if facts.get(fact)]
    missing = [fact for fact in item.when if not facts.get(fact)]
    against = [fact for fact in item.unless if facts.get(fact)]
    if done:
        reason = "in place already"
    elif missing:
        unstated = [fact for fact in missing if facts.get(fact) is None]
        words = ", ".join(fact.replace("_", " ") for fact in missing)
        reason = f"the scenario does not say: {words}" if unstated else f"does not hold here: {words}"
    elif against:
        reason = "ruled out: " + ", ".join(fact.replace("_", " ") for fact in against)
    else:
        reason = "applies: " + (", ".join(fact.replace("_", " ") for fact in item.when) or "any scenario")
    return Advice(
        id=item.id,
        title=item.title,
        effort=item.effort,
        applies=not (done or missing or against),
        reason=reason,
        saving_usd_per_month=None,
        effect=item.effect,
        source=source,
    )


def rule_of_thumb_tier(rules: Rules, requests_per_day: float) -> str:
    """Return the provider tier that the rule of thumb names for a daily volume."""
    for row in rules.tier_by_scale:
        if row.below_requests_per_day is None or requests_per_day < row.below_requests_per_day:
            return row.tier
    return rules.tier_by_scale[-1].tier
