"""The way from one scenario to another, cause by cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from planner.planning.diff.drift import Step
from planner.planning.diff.factor_words import file_of, tokens_of, words_of
from planner.planning.diff.factors import Factor, substituted
from planner.planning.diff.priced_entry import Point, Priced, point_of
from planner.planning.diff.waterfall import Part, parts_of
from planner.planning.hosting.configurations import Workbenches
from planner.planning.lock.pinned_books import pinned_books
from planner.records import dataclass
from planner.specs.answers.estimate import HostingOption
from planner.specs.gate.difference import Cause
from planner.specs.gate.outcome import Choice, Outcome
from planner.specs.gate.side import Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """Both ends of a way, and what is substituted between them.

    ``pinned`` is the base's scenario by the books of the head. Where it cannot be priced by them, ``drift`` has to be a
    cause like the others. ``start_usd`` and ``end_usd`` are on the grid.
    """

    base: Priced
    head: Priced
    before: Outcome
    after: Outcome
    pinned: Entry
    start_usd: float
    end_usd: float
    factors: tuple[Factor, ...]
    benches: Workbenches
    drift: tuple[Step, ...] = ()
    points: dict[frozenset[int], Point] = field(default_factory=dict)

    def causes(self) -> Iterator[Cause]:
        """Yield the causes that lead from the start to the end; they sum to the difference exactly."""
        count = len(self.factors) + bool(self.drift)
        if count:
            for part in parts_of(count, lambda done: self._point(done).usd):
                yield self._cause(part)
        elif self.end_usd != self.start_usd:
            yield Cause(kind="settings", name="other settings", usd_per_month=self.end_usd - self.start_usd)

    def _point(self, done: frozenset[int]) -> Point:
        if done not in self.points:
            self.points[done] = self._priced(done)
        return self.points[done]

    def _priced(self, done: frozenset[int]) -> Point:
        """Price the scenario with some causes substituted; the ends are known."""
        if not done:
            return Point(usd=self.start_usd, option=self.before.choice)
        if len(done) == len(self.factors) + bool(self.drift):
            return Point(usd=self.end_usd, option=self.after.choice)
        entry = self._books_of(done)
        case = entry.case
        for index in sorted(done):
            factor = self._factor(index)
            case = substituted(case, self.head.entry.case, factor) if factor is not None else case
        return point_of(replace(entry, case=case), self.benches)

    def _books_of(self, done: frozenset[int]) -> Entry:
        """Return the base under the books that hold at a point: its own ones until the drift is substituted."""
        if not self.drift or 0 in done:
            return self.pinned
        own = self.base.entry
        return replace(own, case=replace(own.case, books=pinned_books(own.case.books, self.head.rows)))

    def _factor(self, index: int) -> Factor | None:
        """Return a factor by its place in the order; the drift comes first where it is a cause."""
        place = index - bool(self.drift)
        return self.factors[place] if place >= 0 else None

    def _cause(self, part: Part) -> Cause:
        factors = [factor for index in part.causes if (factor := self._factor(index)) is not None]
        prices = [] if len(factors) == len(part.causes) else list(self.drift)
        effect = self._effect(part)
        if len(factors) == 1 and not prices:
            return self._single(factors[0], part.usd, effect)
        names = [*(step.name for step in prices), *(factor.name for factor in factors)]
        return Cause(
            kind=factors[0].kind if factors else prices[0].kind,
            name=" and ".join(names),
            usd_per_month=part.usd,
            keys=tuple(key for factor in factors for key in factor.keys),
            effect=effect,
        )

    def _single(self, factor: Factor, usd: float, effect: str | None) -> Cause:
        before, after = self.before, self.after
        old_tokens, new_tokens = tokens_of(factor, before), tokens_of(factor, after)
        known = old_tokens is not None and new_tokens is not None
        return Cause(
            kind=factor.kind,
            name=factor.name,
            usd_per_month=usd,
            before=words_of(factor, self.base.entry.case, before),
            after=words_of(factor, self.head.entry.case, after),
            keys=factor.keys,
            file=_file(factor, self.head.entry) or _file(factor, self.base.entry),
            tokens_per_request=(new_tokens or 0.0) - (old_tokens or 0.0) if known else None,
            effect=effect,
        )

    def _effect(self, part: Part) -> str | None:
        """Return what a part does to the choice and its machines, on the way forward."""
        old = self._point(frozenset(range(part.causes[0]))).option
        new = self._point(frozenset(range(part.causes[-1] + 1))).option
        return effect_of(old, new)


def _file(factor: Factor, entry: Entry) -> str | None:
    """Return the file behind a cause, named as the scenario's own file is."""
    name = file_of(factor, entry.case)
    folder, slash, _ = entry.place.rpartition("/")
    return f"{folder}{slash}{name}" if name is not None else None


def effect_of(old: HostingOption | Choice | None, new: HostingOption | Choice | None) -> str | None:
    """Return what differs between two choices that cost money by the machine, or ``None``."""
    if old is None or new is None or (old.kind == new.kind == "api"):
        return None
    if old.kind != new.kind:
        return f"{_kind(old)} → {_kind(new)}"
    if old.gpu != new.gpu:
        return f"{old.machines} × {old.gpu} → {new.machines} × {new.gpu}"
    if old.machines != new.machines:
        return f"{old.machines} → {new.machines} machines"
    return None


def _kind(option: HostingOption | Choice) -> str:
    words = {"api": "API", "self_hosted": "self-hosted", "edge": "the user's device"}
    return words[option.kind]
