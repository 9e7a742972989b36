"""From incoming requests to calls of models: shares, cascades, modes, batch, retries and failover."""

from __future__ import annotations

from collections.abc import Iterator

from planner.planning.bill.retries import Outcome, errors_of, outcome_of
from planner.records import dataclass
from planner.specs.books.price import STANDARD, ApiModel, ModeOrStandard
from planner.specs.case import Case
from planner.specs.scenario.scenario import ModelShare
from planner.units import MeanCount, Ratio

Key = tuple[str, ModeOrStandard]  # row id and mode


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Answered calls of one model in one mode.

    ``share`` is calls for each request that reaches the models. ``billed`` is what is charged for one of them, in
    calls: above 1 where failed attempts are charged too. ``attempts`` is what one of them takes off the rate limit.
    ``hours_fraction`` is the part of these calls that falls into the hours at this price.
    """

    model: ApiModel
    share: Ratio
    mode: ModeOrStandard
    off_peak: bool = False
    billed: MeanCount = 1.0
    attempts: MeanCount = 1.0
    hours_fraction: float = 1.0

    @property
    def all_hours_share(self) -> float:
        """Calls at all hours: what a prompt cache sees of calls that are billed by the hour."""
        return self.share / self.hours_fraction


def asked_of(case: Case) -> dict[Key, float]:
    """Return the requests of each model and mode, before anything fails."""
    asked: dict[Key, float] = {}
    for entry in case.scenario.models:
        for name, share, mode in _stages(entry):
            key = (case.books.api.find(name).id, mode)
            asked[key] = asked.get(key, 0.0) + share
    return asked


def calls_of(case: Case) -> tuple[Call, ...]:
    """Return every kind of call that the scenario makes, by model and mode."""
    asked = asked_of(case)
    outcome = outcome_of(errors_of(case))
    backup = case.scenario.reliability.failover_model
    if backup is not None and outcome.spent_fraction > 0:
        key = (case.books.api.find(backup).id, STANDARD)
        asked[key] = asked.get(key, 0.0) + sum(asked.values()) * outcome.spent_fraction
    return tuple(_calls(case, asked, outcome))


def _calls(case: Case, asked: dict[Key, float], outcome: Outcome) -> Iterator[Call]:
    batch = case.scenario.batch.share
    for (row_id, mode), share in asked.items():
        for in_mode, part in ((mode, 1 - batch), ("batch", batch)):
            if share * part > 0:
                yield Call(
                    model=case.books.api.rows[row_id],
                    share=share * part * outcome.answered_fraction,
                    mode=in_mode,
                    billed=1 + outcome.billed_failures / outcome.answered_fraction,
                    attempts=outcome.attempts / outcome.answered_fraction,
                )


def _stages(entry: ModelShare) -> Iterator[tuple[str, float, ModeOrStandard]]:
    """Yield each model of an entry with its calls per request: a cascade's later stages see what is escalated."""
    if entry.model is not None:
        yield entry.model, entry.share, entry.mode
    left = entry.share
    for stage in entry.cascade or ():
        yield stage.model, left, stage.mode
        left *= 1 - stage.accept
