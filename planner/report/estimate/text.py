"""An estimate as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from planner.report.estimate.advice import advice_markdown
from planner.report.estimate.portfolio_range import portfolio_spread
from planner.report.estimate.tiers import tier_outlook_text
from planner.report.estimate.uncertainty import spread_text
from planner.report.numbers import count, percent, usd, usd_each
from planner.report.plain import to_json
from planner.specs.answers.estimate import Estimate

SCHEMA = "planner.estimate/1"


def estimate_document(estimate: Estimate) -> dict[str, object]:
    """Return one estimate as the mapping that ``--format json`` writes."""
    recommendation = estimate.recommendation
    return {
        "schema": SCHEMA,
        "scenario": estimate.scenario,
        "description": estimate.description,
        "file": estimate.file,
        "as_of": estimate.as_of,
        "workload": estimate.workload,
        "cost": estimate.cost,
        "uncertainty": estimate.uncertainty,
        "tokens": estimate.tokens,
        "recommendation": {
            "hosting": recommendation.hosting,
            "provider_tiers": recommendation.provider_tiers,
            "reasons": recommendation.reasons,
            "options": recommendation.options,
            "refused": [
                {"option": o.name, "kind": o.kind, "reasons": [str(reason) for reason in o.refused]}
                for o in recommendation.refused
            ],
            "caching": recommendation.caching,
            "advice": recommendation.advice,
        },
        "api": estimate.api,
        "what_if": estimate.what_if,
        "warnings": estimate.warnings,
        "defaults": estimate.defaults,
        "noted_not_used": estimate.noted,
    }


def estimates_json(estimates: tuple[Estimate, ...]) -> str:
    """Return one estimate, or several with their total, as JSON text."""
    if len(estimates) == 1:
        return to_json(estimate_document(estimates[0]))
    return to_json(
        {
            "schema": SCHEMA,
            "scenarios": [estimate_document(estimate) for estimate in estimates],
            "total": {
                "scenarios": len(estimates),
                "usd_per_day": sum(estimate.cost.usd_per_day for estimate in estimates),
                "usd_per_month": sum(estimate.cost.usd_per_month for estimate in estimates),
                "usd_per_month_recommended": sum(
                    estimate.recommended_usd_per_month for estimate in estimates
                ),
                "usd_horizon": sum(estimate.cost.usd_horizon for estimate in estimates),
                "uncertainty": portfolio_spread(estimates),
            },
        }
    )


SHOWN_REFUSED = 8  # in Markdown
COLUMNS = (
    *(
        "scenario",
        "as_of",
        "model",
        "share",
        "requests_per_month",
        "usd_per_request",
        "usd_per_day",
        "usd_per_month",
    ),
    *("price_effective_from", "price_source", "recommended_hosting"),
    *("alone_usd_per_day", "alone_usd_per_month", "routing_saving_fraction"),
)


def estimates_csv(estimates: tuple[Estimate, ...]) -> str:
    """Return one row for each scenario and model, and one for each scenario's total, as CSV text."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for estimate in estimates:
        writer.writerows(_csv_rows(estimate))
    return buffer.getvalue()


def _csv_rows(estimate: Estimate) -> Iterator[tuple[object, ...]]:
    chosen = estimate.recommendation.hosting.name if estimate.recommendation.hosting else ""
    day = estimate.as_of.isoformat()
    singles = {single.model: single for single in estimate.cost.single_model}
    for cost in estimate.cost.by_model:
        alone = singles.get(cost.model)
        yield (
            estimate.scenario,
            day,
            cost.model,
            _exact(cost.share),
            _exact(cost.requests_per_month),
            _exact(cost.usd_per_request),
            _exact(cost.usd_per_day),
            _exact(cost.usd_per_month),
            cost.price.effective_from.isoformat(),
            cost.price.source,
            chosen,
            _exact(alone.usd_per_day) if alone else "",
            _exact(alone.usd_per_month) if alone else "",
            "",
        )
    total = estimate.cost
    yield (
        estimate.scenario,
        day,
        "total",
        1,
        _exact(estimate.workload.requests_per_month),
        _exact(total.usd_per_request),
        _exact(total.usd_per_day),
        _exact(total.usd_per_month),
        "",
        "",
        chosen,
        "",
        "",
        "" if total.routing_saving_fraction is None else _exact(total.routing_saving_fraction),
    )


def _exact(value: float) -> str:
    """Write a number without binary noise: twelve significant digits."""
    return f"{value:.12g}"


def estimates_markdown(estimates: tuple[Estimate, ...]) -> str:
    """Return the estimates as Markdown for a pull request or a document."""
    parts = [_markdown(estimate) for estimate in estimates]
    if len(estimates) > 1:
        total = sum(estimate.cost.usd_per_month for estimate in estimates)
        chosen = sum(estimate.recommended_usd_per_month for estimate in estimates)
        parts.append(
            f"**Total of {len(estimates)} scenarios: {usd(chosen)} USD/month as recommended, {usd(total)} at the API**\n"
        )
    return "\n".join(parts)


def _refused_markdown(estimate: Estimate) -> Iterator[str]:
    refused = estimate.recommendation.refused
    for option in refused[:SHOWN_REFUSED]:
        yield f"- refused: {option.name}: {'; '.join(map(str, option.refused))}"
    if len(refused) > SHOWN_REFUSED:
        yield f"- refused: {len(refused) - SHOWN_REFUSED} more, all in the JSON"


def _markdown(estimate: Estimate) -> str:
    cost, chosen = estimate.cost, estimate.recommendation.hosting
    lines = [
        f"## {estimate.scenario}",
        "",
        (
            f"**{usd(cost.usd_per_month)} USD/month** at the API · {usd(cost.usd_per_day)}/day · "
            f"{usd_each(cost.usd_per_request)}/request · {count(estimate.workload.requests_per_day)} requests/day · "
            f"prices as of {estimate.as_of.isoformat()}"
        ),
        "",
        (
            f"**Choose:** {chosen.name}, {usd(estimate.recommended_usd_per_month)} USD/month"
            if chosen
            else "**Choose:** nothing, every option is refused"
        ),
        "",
        *(f"- {text}" for text in (spread_text(estimate.uncertainty),) if text),
        *(f"- {reason}" for reason in estimate.recommendation.reasons),
        *(
            f"- {tier.provider} {tier.shown_tier}: {tier.reason}{tier_outlook_text(tier)}"
            for tier in estimate.recommendation.provider_tiers
        ),
        *(
            f"- {single.model} alone: {usd(single.usd_per_day)} USD/day, {usd(single.usd_per_month)} USD/month"
            for single in cost.single_model
        ),
        *_refused_markdown(estimate),
        "",
        "| model | share | requests/month | USD/request | USD/day | USD/month |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {m.model} | {percent(m.share, 0)} | {count(m.requests_per_month)} | {usd_each(m.usd_per_request)} "
            f"| {usd(m.usd_per_day)} | {usd(m.usd_per_month)} |"
            for m in cost.by_model
        ),
        "",
    ]
    warnings = [
        f"> - **{notice.code}** {notice.message}{f' ({notice.cure})' if notice.cure else ''}"
        for notice in estimate.warnings
    ]
    if estimate.noted:
        warnings.append(f"> - noted, not yet used: {', '.join(estimate.noted)}")
    return "\n".join([*lines, *advice_markdown(estimate), *warnings, ""])
