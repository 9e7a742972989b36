"""What becomes of a request whose attempts may fail: retried, failed over, or lost; by class of error."""

from __future__ import annotations

from collections.abc import Iterator

from planner.formulas.reliability import attempt_reached_fraction
from planner.records import dataclass
from planner.specs.case import Case
from planner.units import Count, FloatArray, MeanCount

ANY_ERROR = "any error"


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorUse:
    """One class of error of a scenario, with the retries that it is granted there."""

    name: str
    http: Count | None
    rate_fraction: float
    retries: Count
    fails_over: bool
    billed_fraction: float
    billed_stated: bool
    strategy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Where requests end, as shares of those that are sent; attempts are per request sent.

    ``spent_fraction`` used up their retries and can fail over; ``lost_fraction`` failed in a way that neither a
    retry nor another model mends. ``billed_failures`` are failed attempts that are charged, in whole requests.
    """

    reached: FloatArray
    attempts: MeanCount
    answered_fraction: float
    spent_fraction: float
    lost_fraction: float
    billed_failures: MeanCount


def errors_of(case: Case) -> tuple[ErrorUse, ...]:
    """Return the errors that the scenario states, class by class; one class worth a retry where only a rate is stated."""
    return tuple(_errors(case))


def _errors(case: Case) -> Iterator[ErrorUse]:
    rules = case.scenario.reliability
    if rules.errors is None:
        if rules.error_rate:
            yield ErrorUse(
                name=ANY_ERROR,
                http=None,
                rate_fraction=rules.error_rate,
                retries=rules.max_retries,
                fails_over=True,
                billed_fraction=rules.billed.get("any_error", 0.0),
                billed_stated="any_error" in rules.billed,
                strategy="retried with backoff",
            )
        return
    rates, billed = dict(rules.errors), {str(name): part for name, part in rules.billed.items()}
    for each in case.rules.error_classes:
        if rates[each.id]:
            most = rules.max_retries if each.max_retries is None else min(each.max_retries, rules.max_retries)
            yield ErrorUse(
                name=each.id,
                http=each.http,
                rate_fraction=rates[each.id],
                retries=most if each.retried else 0,
                fails_over=each.retried,
                billed_fraction=billed.get(each.id, each.billed_fraction),
                billed_stated=each.id in billed,
                strategy=each.strategy,
            )


def outcome_of(errors: tuple[ErrorUse, ...]) -> Outcome:
    """Return where requests end under these errors; no errors means that every first attempt is answered."""
    reached = attempt_reached_fraction(
        [each.rate_fraction for each in errors], [each.retries for each in errors]
    )
    attempts = float(reached.sum())
    failing = sum(each.rate_fraction for each in errors)
    answered = attempts * (1 - failing)
    lost = attempts * sum(each.rate_fraction for each in errors if not each.fails_over)
    return Outcome(
        reached=reached,
        attempts=attempts,
        answered_fraction=answered,
        spent_fraction=sum(_spent(each, reached) for each in errors if each.fails_over),
        lost_fraction=lost,
        billed_failures=attempts * sum(each.rate_fraction * each.billed_fraction for each in errors),
    )


def _spent(error: ErrorUse, reached: FloatArray) -> float:
    """Return the share of requests whose last attempt failed in this class, with no retry left for it."""
    return error.rate_fraction * float(reached[error.retries :].sum())
