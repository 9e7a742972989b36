"""The rules of thumb that results rest on: taken out for a lock, and laid over the rules of today again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from planner.specs.books.price import ApiModel
from planner.specs.books.rules import ErrorClass, Rules
from planner.specs.books.tokenizer import TokenizerFamily
from planner.specs.case import Case
from planner.specs.gate.lock import LockedRules

# key numbers that stand in for a hit rate that a scenario leaves open; the others only give advice
HIT_FRACTIONS = ("faq_hit_fraction", "unique_hit_fraction")

RowT = TypeVar("RowT", ErrorClass, TokenizerFamily)


def used_rules(
    cases: Sequence[Case], models: Iterable[ApiModel], open_families: Iterable[str] = ()
) -> LockedRules:
    """Return the rules that the figures of some cases rest on.

    Parameters
    ----------
    cases : scenarios, at least one; all of them under the same rules.
    models : the API models that their figures looked at.
    open_families : the families of the open models that they looked at.
    """
    rules = cases[0].rules
    named = {model.tokenizer for model in models} | {case.scenario.prompt.counted_with for case in cases}
    cut = [*(rules.family(name) for name in named), *(rules.open_family(name) for name in open_families)]
    families = {family.id: family for family in cut}
    other = rules.family(None)
    classes = {name for case in cases for name in _error_classes(case)}
    return LockedRules(
        source=rules.source,
        error_classes={each.id: each for each in rules.error_classes if each.id in classes},
        tokenizers=families | {other.id: other},
        other_tokenizer=other.id,
        hit_fractions={name: getattr(rules.key_numbers, name) for name in HIT_FRACTIONS},
        headroom_fraction=rules.thresholds.headroom_fraction,
    )


def _error_classes(case: Case) -> Iterator[str]:
    """Yield the classes of error whose rate a scenario states."""
    errors = case.scenario.reliability.errors
    if errors is not None:
        yield from (name for name, rate in errors if rate)


def laid_over(rules: Rules, locked: LockedRules | None) -> Rules:
    """Return rules with those of a lock in their places, so that the lock's results follow from them."""
    if locked is None:
        return rules
    families = _replaced(rules.tokenizers, locked.tokenizers)
    return rules.model_copy(
        update={
            "error_classes": _replaced(rules.error_classes, locked.error_classes),
            "tokenizers": tuple(sorted(families, key=lambda each: each.id == locked.other_tokenizer)),
            "key_numbers": rules.key_numbers.model_copy(update=dict(locked.hit_fractions)),
            "thresholds": rules.thresholds.model_copy(update={"headroom_fraction": locked.headroom_fraction}),
        }
    )


def _replaced(rows: Sequence[RowT], by_id: Mapping[str, RowT]) -> tuple[RowT, ...]:
    """Return rows with those of the same id replaced, and with the rest of ``by_id`` after them."""
    return tuple(({each.id: each for each in rows} | dict(by_id)).values())


def changed_rules(old: LockedRules, new: LockedRules) -> tuple[str, ...]:
    """Return what two sets of rules say differently, in words; only of what both hold."""
    return tuple(_changed(old, new))


def _changed(old: LockedRules, new: LockedRules) -> Iterator[str]:
    for words, before, after in (
        ("error class", old.error_classes, new.error_classes),
        ("tokenizer", old.tokenizers, new.tokenizers),
        ("hit rate", old.hit_fractions, new.hit_fractions),
    ):
        for name in sorted(before.keys() & after.keys()):
            if before[name] != after[name]:
                yield f"{words} {name}"
    if old.other_tokenizer != new.other_tokenizer:
        yield f"tokenizer of models that name none ({new.other_tokenizer})"
    if old.headroom_fraction != new.headroom_fraction:
        yield "headroom of rate limits"
