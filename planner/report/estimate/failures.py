"""The part of an estimate's screen about errors, retries and failover."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from planner.report.estimate.blocks import CENT, block, dim
from planner.report.numbers import count, duration, percent, signed_usd
from planner.report.screen import grid
from planner.specs.answers.api_plan import Failures
from planner.specs.answers.estimate import Estimate


def failures_part(estimate: Estimate) -> RenderableType | None:
    """Return what errors, retries and failover make of availability, cost, latency and limits."""
    failures = estimate.api.failures
    if failures is None:
        return None
    style = {True: "good", False: "bad", None: ""}[failures.holds]
    answered = Text.assemble((f"{_nines(failures.availability_fraction)} answered", style), _target(failures))
    if not failures.errors:
        return block("Failures", answered)
    return Group(
        block("Failures", answered, *(dim(line) for line in _consequences(failures))), _errors(failures)
    )


def _nines(fraction: float) -> str:
    return percent(fraction, 4 if fraction > 0.999 else 2)


def _target(failures: Failures) -> str:
    target = failures.target_fraction
    against = f", target {percent(target, 2)}" if target is not None else ""
    alone = failures.availability_without_failover_fraction
    backed = f" with {failures.failover_model}, {_nines(alone)} without" if failures.failover_model else ""
    return f"{backed}{against}"


def _consequences(failures: Failures) -> Iterator[str]:
    yield (
        f"{failures.attempts_per_request:.4f} attempts a request: {percent(failures.extra_load_fraction)} more on "
        f"the rate limits; waits add {duration(failures.added_mean_s)} in the mean, "
        f"{duration(failures.added_p95_s) if failures.added_p95_s else 'nothing'} at p95"
    )
    extra = failures.extra_usd_per_month
    money = f"{signed_usd(extra)} USD/month" if abs(extra) >= CENT else "less than a cent a month"
    yield f"errors change the bill by {money}"
    breaker = failures.breaker
    if breaker.detects_outage_s is None:
        yield "circuit breaker: too few requests for its window; it would never open"
    else:
        yield (
            f"circuit breaker: sees an outage after {duration(breaker.detects_outage_s)}, "
            f"opens by chance {breaker.trips_per_month:.2g} times a month"
        )


def _errors(failures: Failures) -> RenderableType:
    table = grid("Error", "HTTP", "rate", "retries", "billed", "", left=1)
    for row in failures.errors:
        retried = count(row.retries) if row.retries else "not retried"
        table.add_row(
            row.name.replace("_", " "),
            str(row.http or "–"),
            percent(row.rate_fraction, 2),
            retried,
            percent(row.billed_fraction, 0),
            "stated" if row.billed_stated else "assumed",
        )
    return table
