"""Derivations of what errors make of a scenario: attempts, availability, waits, the circuit breaker."""

from __future__ import annotations

from collections.abc import Mapping

from planner.formulas.reliability import (
    attempt_reached_fraction,
    retry_time_quantile_s,
    runs_until_failures,
)
from planner.planning.bill.failures import without_errors
from planner.planning.explain.derivation import Derived, Function, Operand, difference, modelled, stated
from planner.planning.explain.leaves import Scene, priced_again, rule_leaf, value_at
from planner.specs.answers.api_plan import Failures

F = "api.failures"
BILL = "cost.usd_per_month"


def _failures(s: Scene) -> Failures:
    found: Failures = value_at(s.estimate, F)
    return found


def _rate(s: Scene, index: int) -> Derived:
    name = _failures(s).errors[index].name
    by_class = s.case.scenario.reliability.errors is not None
    return stated(s.key(f"reliability.errors.{name}" if by_class else "reliability.error_rate"))


def _class_rule(field: str) -> Function:
    def derive(s: Scene, index: int) -> Derived:
        row = _failures(s).errors[index]
        if field == "billed_fraction" and row.billed_stated:
            return stated(s.key(f"reliability.billed.{row.name.replace(' ', '_')}"))
        return stated(rule_leaf(s, field, getattr(row, field), f"error_classes.{row.name}.{field}"))

    return derive


def _retries(s: Scene, index: int) -> Derived:
    row = _failures(s).errors[index]
    rule = rule_leaf(s, "granted", row.retries, f"error_classes.{row.name}.max_retries")
    return Derived(
        rule="max_retries, as far as the class of error is granted retries",
        operands=(s.key("reliability.max_retries"), rule),
        replay=min,
    )


def _of_errors(s: Scene, field: str) -> tuple[Operand, ...]:
    return s.refs(f"{F}.errors[*].{field}", "name")


def _attempts(s: Scene) -> Derived:
    rates, retries = _of_errors(s, "rate_fraction"), _of_errors(s, "retries")
    count = len(rates)
    if not count:
        return _no_errors(s)
    return Derived(
        rule="Σ attempt_reached_fraction(rates, retries)",
        operands=(*rates, *retries),
        formula=attempt_reached_fraction,
        replay=lambda *values: float(
            attempt_reached_fraction(list(values[:count]), [int(each) for each in values[count:]]).sum()
        ),
    )


def _no_errors(s: Scene) -> Derived:
    return Derived(
        rule="1: no errors are stated", operands=(s.key("reliability.error_rate"),), replay=lambda _: 1.0
    )


def _alone(s: Scene) -> Derived:
    rates = _of_errors(s, "rate_fraction")
    return Derived(
        rule="provider_uptime × attempts_per_request × (1 − Σ rates) × (1 − open_fraction)",
        operands=(
            s.key("reliability.provider_uptime"),
            s.ref(f"{F}.attempts_per_request"),
            s.ref(f"{F}.breaker.open_fraction"),
            *rates,
        ),
        replay=lambda uptime, attempts, opened, *errors: uptime * attempts * (1 - sum(errors)) * (1 - opened),
    )


def _available(s: Scene) -> Derived:
    alone = s.ref(f"{F}.availability_without_failover_fraction")
    if _failures(s).failover_model is None:
        return stated(alone)
    rates = _of_errors(s, "rate_fraction")
    final = [not error.retries and error.name != "any error" for error in _failures(s).errors]
    return Derived(
        rule="alone + (1 − alone − lost) × provider_uptime × answered, lost = what no other model mends",
        operands=(
            alone,
            s.key("reliability.provider_uptime"),
            s.ref(f"{F}.attempts_per_request"),
            *rates,
        ),
        replay=lambda first, uptime, attempts, *errors: (
            first
            + max(
                1 - first - uptime * attempts * sum(e for e, no in zip(errors, final, strict=True) if no), 0.0
            )
            * uptime
            * attempts
            * (1 - sum(errors))
        ),
    )


def _time(function: Function, note: str) -> Function:
    def derive(s: Scene) -> Derived:
        operands = (
            s.ref("workload.mean_requests_per_s"),
            s.key("reliability.backoff.base_s"),
            s.key("reliability.backoff.max_s"),
            s.key("reliability.circuit_breaker.failure_threshold"),
            *_of_errors(s, "rate_fraction"),
        )
        return modelled(function, *operands, note=note)

    return derive


ERRORS: Mapping[str, Function] = {
    f"{F}.errors[*].rate_fraction": _rate,
    f"{F}.errors[*].http": _class_rule("http"),
    f"{F}.errors[*].billed_fraction": _class_rule("billed_fraction"),
    f"{F}.errors[*].retries": _retries,
    f"{F}.attempts_per_request": _attempts,
    f"{F}.extra_load_fraction": lambda s: Derived(
        rule="attempts_per_request − 1",
        operands=(s.ref(f"{F}.attempts_per_request"),),
        replay=lambda attempts: attempts - 1,
    ),
    f"{F}.availability_without_failover_fraction": _alone,
    f"{F}.availability_fraction": _available,
    f"{F}.target_fraction": lambda s: stated(s.key("slo.availability")),
    f"{F}.extra_usd_per_month": lambda s: difference(
        s.ref(BILL), priced_again(s, without_errors(s.case), "usd_per_month_without_errors", "without errors")
    ),
    f"{F}.usd_per_answered_request": lambda s: Derived(
        rule="usd_per_month ÷ (requests_per_month × availability_fraction)",
        operands=(
            s.ref(BILL),
            s.ref("workload.requests_per_month"),
            s.ref(f"{F}.availability_fraction"),
        ),
        replay=lambda usd, requests, available: usd / (requests * available),
    ),
    f"{F}.added_mean_s": _time(retry_time_quantile_s, "mean of waits and timeouts over all requests"),
    f"{F}.added_p95_s": _time(retry_time_quantile_s, "waits and timeouts, added on a grid"),
    f"{F}.breaker.trips_per_month": _time(runs_until_failures, "runs of failures by chance"),
    f"{F}.breaker.open_fraction": _time(runs_until_failures, "time open over time between openings"),
    f"{F}.breaker.detects_outage_s": _time(runs_until_failures, "failure_threshold over the mean rate"),
}
