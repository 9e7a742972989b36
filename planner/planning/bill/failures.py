"""What errors, retries and failover make of a scenario's cost, availability, latency and rate limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from planner.formulas.reliability import longest_wait_s, retry_time_quantile_s, runs_until_failures
from planner.planning.bill.api_cost import Bill, monthly_bill
from planner.planning.bill.retries import ErrorUse, Outcome, errors_of, outcome_of
from planner.specs.answers.api_plan import BreakerEffect, ErrorRow, Failures
from planner.specs.case import Case
from planner.specs.scenario.reliability import Reliability
from planner.specs.scenario.workload import Workload
from planner.units import SECONDS_PER_DAY

TAIL = 0.95  # the percentile of added latency that is shown
TIMEOUT = "timeout"


def failures_of(case: Case, workload: Workload, bill: Bill, as_of: date) -> Failures | None:
    """Return the economics of failure; ``None`` where the scenario states neither errors nor a target."""
    rules, target = case.scenario.reliability, case.scenario.slo.availability
    errors = errors_of(case)
    if not errors and target is None and rules.failover_model is None:
        return None
    outcome = outcome_of(errors)
    breaker = _breaker(rules, errors, workload, bill)
    alone, backed = _availability(rules, outcome, breaker)
    available = backed if rules.failover_model is not None else alone
    mean, tail = _added_time(rules, errors, outcome)
    return Failures(
        errors=tuple(_row(each) for each in errors),
        attempts_per_request=outcome.attempts,
        extra_load_fraction=outcome.attempts - 1,
        availability_fraction=available,
        availability_without_failover_fraction=alone,
        target_fraction=target,
        failover_model=rules.failover_model,
        extra_usd_per_month=bill.usd - monthly_bill(without_errors(case), workload, as_of).usd,
        usd_per_answered_request=bill.usd / (workload.requests_per_month * available),
        added_mean_s=mean,
        added_p95_s=tail,
        breaker=breaker,
    )


def without_errors(case: Case) -> Case:
    """Return the case with a provider that never fails."""
    calm = case.scenario.reliability.model_copy(update={"error_rate": 0.0, "errors": None})
    return replace(case, scenario=case.scenario.model_copy(update={"reliability": calm}))


def _row(error: ErrorUse) -> ErrorRow:
    return ErrorRow(
        name=error.name,
        http=error.http,
        rate_fraction=error.rate_fraction,
        retries=error.retries,
        billed_fraction=error.billed_fraction,
        billed_stated=error.billed_stated,
        strategy=error.strategy,
    )


def _availability(rules: Reliability, outcome: Outcome, breaker: BreakerEffect) -> tuple[float, float]:
    """Return the share of requests answered without a failover model, and with one as reliable as the first.

    What no other model mends, such as a bad request, is lost either way.
    """
    first = rules.provider_uptime * outcome.answered_fraction * (1 - breaker.open_fraction)
    lost = rules.provider_uptime * outcome.lost_fraction
    moved = max(1 - first - lost, 0.0)
    return first, first + moved * rules.provider_uptime * outcome.answered_fraction


def _added_time(rules: Reliability, errors: Sequence[ErrorUse], outcome: Outcome) -> tuple[float, float]:
    """Return mean and tail of the time that waits and timeouts add, over all requests. [s]"""
    backoff, late_s = rules.backoff, rules.timeout_s or 0.0
    retries = range(1, len(outcome.reached))
    waits = [float(longest_wait_s(retry, backoff.base_s, backoff.max_s)) for retry in retries]
    late = [_late_fraction(errors, retry) for retry in retries]
    part = 0.5 if backoff.jitter == "full" else 1.0
    mean = sum(
        reached * (wait * part + timeouts * late_s)
        for reached, wait, timeouts in zip(outcome.reached[1:], waits, late, strict=True)
    )
    tail = retry_time_quantile_s(
        TAIL,
        outcome.reached,
        waits,
        jitter=backoff.jitter == "full",
        late_fraction=late,
        late_s=late_s,
    )
    return float(mean), tail


def _late_fraction(errors: Sequence[ErrorUse], retry: int) -> float:
    """Return the share of the failures before a retry that were timeouts."""
    granted = [each for each in errors if each.retries >= retry]
    total = sum(each.rate_fraction for each in granted)
    return sum(each.rate_fraction for each in granted if each.name == TIMEOUT) / total


def _breaker(rules: Reliability, errors: Sequence[ErrorUse], workload: Workload, bill: Bill) -> BreakerEffect:
    """Return how often a circuit breaker opens by chance, and how soon it sees an outage, at the mean traffic."""
    breaker = rules.circuit_breaker
    calls = sum(each.call.share * each.call.attempts for each in bill.priced)
    attempts_per_s = workload.mean_requests_per_s * bill.reaching_fraction * calls
    if attempts_per_s * breaker.monitor_window_s < breaker.failure_threshold:
        return BreakerEffect(trips_per_month=0.0, open_fraction=0.0, detects_outage_s=None)
    detects = breaker.failure_threshold / attempts_per_s
    failing = sum(each.rate_fraction for each in errors if each.fails_over)
    if not failing:
        return BreakerEffect(trips_per_month=0.0, open_fraction=0.0, detects_outage_s=detects)
    until_open_s = float(runs_until_failures(failing, breaker.failure_threshold)) / attempts_per_s
    open_s = breaker.reset_timeout_s / (1 - failing) ** breaker.half_open_max
    cycle_s = until_open_s + open_s
    return BreakerEffect(
        trips_per_month=workload.days_per_month * SECONDS_PER_DAY / cycle_s,
        open_fraction=open_s / cycle_s,
        detects_outage_s=detects,
    )
