"""Two sides compared: every scenario with its counterpart, the totals, and the causes over all scenarios."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import assert_never

from planner.planning.diff.pairing import Pair, pairs_of
from planner.planning.diff.priced_entry import priced_entry, unpriced
from planner.planning.diff.sameness import Sameness
from planner.planning.diff.scenario_difference import added, difference_of, removed, unchanged
from planner.planning.hosting.configurations import Workbenches
from planner.records import dataclass
from planner.specs.gate.difference import (
    Cause,
    CauseKind,
    Difference,
    ScenarioDifference,
    SideName,
    Unknown,
)
from planner.specs.gate.side import Entry, Side

Compare = Callable[[Pair], ScenarioDifference]


def one_by_one(compare: Compare, pairs: Sequence[Pair]) -> list[ScenarioDifference]:
    """Return each comparison, one after another."""
    return [compare(pair) for pair in pairs]


def difference(
    base: Side,
    head: Side,
    *,
    each: Callable[[Compare, Sequence[Pair]], list[ScenarioDifference]] = one_by_one,
) -> Difference:
    """Return what changed from one side to the other.

    Both are priced with the head's books; what the base's own books, profiles and planner had said otherwise are causes
    of their own. Scenarios without a price on one side count for nothing in the totals and are listed as unknown.
    ``each`` works the pairs off; none depends on another.
    """
    unreadable = (*_unreadable(base, "base"), *_unreadable(head, "head"))
    comparing = _Comparing(dark=frozenset(file.scenario for file in unreadable))
    found = each(comparing.pair, list(pairs_of(base.entries, head.entries)))
    ranked = tuple(sorted(found, key=lambda each: (-abs(each.delta_usd_per_month or 0.0), each.name)))
    known = [each for each in ranked if each.delta_usd_per_month is not None]
    return Difference(
        base=base.label,
        head=head.label,
        as_of=tuple(sorted({entry.as_of for entry in head.entries})),
        scenarios=ranked,
        usd_per_month_before=sum(each.usd_per_month_before or 0.0 for each in known),
        usd_per_month_after=sum(each.usd_per_month_after or 0.0 for each in known),
        delta_usd_per_month=sum(each.delta_usd_per_month or 0.0 for each in known),
        causes=tuple(_summed(cause for each in known for cause in each.causes)),
        unknowns=(*unreadable, *(unknown for each in ranked for unknown in each.unknowns)),
    )


def _unreadable(side: Side, name: SideName) -> Iterator[Unknown]:
    """Yield the scenario files of a side that cannot be read, each named by its place."""
    for file in side.unreadable:
        yield Unknown(scenario=file.place, side=name, reason=file.reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Comparing:
    """What all pairs share: rows compared once, configurations worked out once.

    ``dark`` are places that a side has and that cannot be read, so nothing there is new or removed.
    """

    dark: frozenset[str]
    same: Sameness = field(default_factory=Sameness)
    benches: Workbenches = field(default_factory=Workbenches)

    def pair(self, pair: Pair) -> ScenarioDifference:
        """Compare a pair."""
        match pair:
            case (Entry() as old, Entry() as new):
                return self._both(old, counted_as(old, new))
            case (Entry() as old, None):
                return removed(priced_entry(old, self.benches), counts=self._counts(old))
            case (None, Entry() as new):
                return added(priced_entry(new, self.benches), counts=self._counts(new))
            case _:
                assert_never(pair)

    def _counts(self, alone: Entry) -> bool:
        return alone.place not in self.dark

    def _both(self, old: Entry, new: Entry) -> ScenarioDifference:
        if self.same.unchanged(old, new):
            known = new if old.recorded is None else old
            return unchanged(old, unpriced(known, self.benches), new)
        return difference_of(priced_entry(old, self.benches), priced_entry(new, self.benches), self.benches)


def counted_as(old: Entry, new: Entry) -> Entry:
    """Return the new side with its unchanged prompt files counted as the old one counted them.

    One machine has a tokenizer's vocabulary and another one has not: that is no change of the scenario.
    """
    before = old.case.texts
    texts = {
        name: replace(text, counts=before[name].counts)
        if name in before and before[name].sha256 == text.sha256
        else text
        for name, text in new.case.texts.items()
    }
    return new if texts == new.case.texts else replace(new, case=replace(new.case, texts=texts))


def _summed(causes: Iterable[Cause]) -> Iterator[Cause]:
    """Yield causes of one kind, name and file added up, the largest first."""
    sums: dict[tuple[CauseKind, str, str | None], list[Cause]] = {}
    for cause in causes:
        sums.setdefault((cause.kind, cause.name, cause.file), []).append(cause)
    totals = [_total(group) for group in sums.values()]
    yield from sorted(totals, key=lambda cause: (-abs(cause.usd_per_month), cause.kind, cause.name))


def _total(group: list[Cause]) -> Cause:
    if len(group) == 1:
        return group[0]
    usd = sum(cause.usd_per_month for cause in group)
    same = len({(cause.before, cause.after, cause.tokens_per_request) for cause in group}) == 1
    first = group[0] if same else replace(group[0], before=None, after=None, tokens_per_request=None)
    return replace(first, usd_per_month=usd, effect=None)
