"""An estimate for the terminal: the decision first, then the reasons, then the detail."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from planner.report.estimate.failures import failures_part
from planner.report.estimate.provider import (
    advice_part,
    below_models,
    caching_part,
    currency_part,
    routing_part,
    what_if_part,
)
from planner.report.estimate.sizing import sizing_part
from planner.report.estimate.tiers import tier_outlook_text
from planner.report.estimate.tokens import prompt_tokens_table
from planner.report.estimate.uncertainty import machines_text, spread_text, swings_table
from planner.report.numbers import count, duration, duration_band, folded, percent, usd, usd_each
from planner.report.screen import grid
from planner.specs.answers.estimate import Estimate, HostingOption, TierAdvice

WIDE = 100  # columns from which a table also shows what the narrow screen says once, above it
FIGURES_COLUMNS = 48  #: that the figures of an option take beside its name
SHORTEST_NAME = 24  #: to which an option's name is folded on the narrowest screens
SHOWN_OPTIONS = 6  #: cheapest first: what is dearer than five others is chosen by nobody
SHOWN_REFUSED = 6  #: enough to see what refuses; the others mostly fail for the same reasons
OWN_GRADES = {"measured", "interpolated", "extrapolated"}  # of a profile that the project measured itself


def estimate_parts(
    estimate: Estimate, *, width: int = 80, defaults: bool = False
) -> Iterator[RenderableType]:
    """Yield the parts of the screen for one estimate, each followed by an empty line."""
    sections = (
        _headline(estimate),
        _decision(estimate),
        currency_part(estimate),
        what_if_part(estimate),
        _by_model(estimate, daily=width >= WIDE),
        _by_line(estimate),
        prompt_tokens_table(estimate.tokens),
        swings_table(estimate.uncertainty),
        _options(estimate, width),
        sizing_part(estimate),
        _refused(estimate),
        routing_part(estimate),
        caching_part(estimate),
        failures_part(estimate),
        advice_part(estimate),
        _notices(estimate),
        _defaults(estimate) if defaults else None,
    )
    for section in sections:
        if section is not None:
            yield section
            yield Text("")


def _headline(estimate: Estimate) -> RenderableType:
    line = Table.grid(expand=True)
    line.add_column(justify="left")
    line.add_column(justify="right", style="dim", no_wrap=True)
    line.add_row(Text(estimate.scenario, style="head"), f"prices as of {estimate.as_of.isoformat()}")
    if not estimate.description:
        return line
    return Group(line, Text(estimate.description, style="dim"))


def _decision(estimate: Estimate) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for label, rows in (
        ("Choose", tuple(_choice(estimate))),
        ("Range", tuple(_range(estimate))),
        ("Why", tuple(Text(reason) for reason in estimate.recommendation.reasons)),
        ("Tier", tuple(_tier(tier) for tier in _tiers(estimate))),
        ("Basis", tuple(Text(line, style="dim") for line in _basis(estimate))),
    ):
        for index, row in enumerate(rows):
            table.add_row(label if index == 0 else "", row)
    return table


def _tiers(estimate: Estimate) -> tuple[TierAdvice, ...]:
    """Leave the account's tier out where a rule forbids the API: nobody will ask for it."""
    api = [option for option in estimate.recommendation.options if option.kind == "api"]
    forbidden = bool(api) and all(option.refused for option in api)
    return () if forbidden else estimate.recommendation.provider_tiers


def _basis(estimate: Estimate) -> Iterator[str]:
    """Say how good the figures are and how old the facts: grade and date, for money and for hosting."""
    models = estimate.cost.by_model
    checked = min(model.price.checked for model in models)
    yield f"API cost: sizes {estimate.cost.grade}, list prices checked on {checked.isoformat()} or later"
    recommended = estimate.recommendation
    served = [option for option in recommended.options if not option.refused and option.tpot_s]
    if recommended.hosting in served:
        served = [recommended.hosting]
    for option in served[:1]:
        rate = option.requests_per_s_per_replica
        grade = rate.grade if rate is not None else option.grade
        source = f" with {option.profile}" if option.profile and grade in OWN_GRADES else ""
        yield f"self-hosting: {grade}{source}; TPOT {duration_band(option.tpot_s)} in 8 of 10 cases"


def _choice(estimate: Estimate) -> Iterator[Text]:
    chosen = estimate.recommendation.hosting
    if chosen is None:
        yield Text("nothing: every option is refused, see below", style="bad")
    else:
        yield Text(_two_lines(chosen).replace("\n", " " if chosen.kind == "api" else ": "), style="good")
    cost = estimate.cost
    monthly = cost.usd_per_month if chosen is None or chosen.kind == "api" else chosen.usd_per_month
    yield Text.assemble(
        (usd(monthly), "number"),
        f" USD/month · {usd(cost.usd_per_day)}/day · {usd_each(cost.usd_per_request)}/request"
        if chosen is None or chosen.kind == "api"
        else f" USD/month, against {usd(cost.usd_per_month)} at the API",
        f" · {count(estimate.workload.requests_per_day)} requests/day",
    )


def _range(estimate: Estimate) -> Iterator[Text]:
    for text in (spread_text(estimate.uncertainty), machines_text(estimate.recommendation.hosting)):
        if text is not None:
            yield Text(text)


def _tier(tier: TierAdvice) -> Text:
    style = {True: "good", False: "bad", None: "warn"}[tier.holds]
    if tier.account_tier is None and tier.tier is None:
        return Text.assemble(f"{tier.provider}: ", (tier.reason, style))
    outlook = tier_outlook_text(tier)
    return Text.assemble(f"{tier.provider} ", (tier.shown_tier, style), f": {tier.reason}", outlook)


def _by_model(estimate: Estimate, *, daily: bool) -> RenderableType:
    per_day = ("USD/day",) if daily else ()
    table = grid("Cost by model", "share", "requests/month", "USD/request", *per_day, "USD/month")
    for cost in estimate.cost.frequent:
        name = Text(cost.model)
        if cost.price.retired_on is not None:
            name.append(f"\nuntil {cost.price.retired_on.isoformat()}", style="warn")
        table.add_row(
            name,
            percent(cost.share, 0),
            count(cost.requests_per_month),
            usd_each(cost.usd_per_request),
            *((usd(cost.usd_per_day),) if daily else ()),
            usd(cost.usd_per_month),
        )
    total = estimate.cost
    if len(estimate.cost.frequent) > 1:
        table.add_row(
            "total",
            "",
            "",
            usd_each(total.usd_per_request),
            *((usd(total.usd_per_day),) if daily else ()),
            usd(total.usd_per_month),
            style="head",
        )
    return Group(table, *(Text(line, style="dim") for line in below_models(estimate)))


def _by_line(estimate: Estimate) -> RenderableType:
    table = grid("Cost by line", "USD/month", "of total")
    total = estimate.cost.usd_per_month
    for line in estimate.cost.lines:
        table.add_row(
            line.name, usd(line.usd_per_month), percent(line.usd_per_month / total) if total else ""
        )
    months = estimate.cost.months
    growth = estimate.workload.growth_per_month_fraction
    credits_usd = sum(month.credits_usd for month in months)
    table.add_row(
        f"all {len(months)} months"
        + (f", growing {percent(growth)} a month" if growth else "")
        + (f", after {usd(credits_usd)} of credits" if credits_usd else ""),
        usd(estimate.cost.usd_horizon),
        "",
        style="dim",
    )
    return table


def _options(estimate: Estimate, width: int) -> RenderableType | None:
    feasible = [option for option in estimate.recommendation.options if not option.refused]
    if not feasible or all(option.kind == "api" for option in feasible):
        return None
    table = grid("Options that hold", "USD/month", "TTFT", "TPOT", "load", "break-even/day", left=1)
    for option in feasible[:SHOWN_OPTIONS]:
        name, *figures = _option_row(option)
        room = max(width - FIGURES_COLUMNS, SHORTEST_NAME)
        table.add_row("\n".join(folded(line, room) for line in name.splitlines()), *figures)
    return table


def _two_lines(option: HostingOption) -> str:
    """Put what runs on one line and the machines that are rented on the next."""
    what, _, rented = option.name.partition(", ")
    if not rented:
        return what.replace(": ", ":\n", 1)
    machines = f"{count(option.machines)} × " if option.machines is not None else ""
    return f"{what}\n{machines}{rented.removesuffix('/any').removesuffix('/na')}"


def _option_row(option: HostingOption) -> tuple[str, ...]:
    return (
        _two_lines(option),
        usd(option.usd_per_month),
        duration(option.ttft_s.value) if option.ttft_s else "–",
        duration(option.tpot_s.value) if option.tpot_s else "–",
        percent(option.utilisation_fraction, 0) if option.utilisation_fraction is not None else "–",
        count(option.break_even_requests_per_day) if option.break_even_requests_per_day is not None else "–",
    )


def _refused(estimate: Estimate) -> RenderableType | None:
    refused = estimate.recommendation.refused
    if not refused:
        return None
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(style="dim")
    table.add_row(Text("Refused", style="dim"), "")
    for option in refused[:SHOWN_REFUSED]:
        table.add_row(option.name, "; ".join(map(str, option.refused)))
    if len(refused) > SHOWN_REFUSED:
        table.add_row("", f"and {len(refused) - SHOWN_REFUSED} more, all in --format json")
    return table


def _notices(estimate: Estimate) -> RenderableType | None:
    lines = [
        Text.assemble(
            (f"{notice.code} ", "warn"), notice.message, (f" ({notice.cure})" if notice.cure else "", "dim")
        )
        for notice in estimate.warnings
    ]
    if estimate.noted:
        lines.append(Text(f"noted, not yet used: {', '.join(estimate.noted)}", style="dim"))
    return Group(*lines) if lines else None


def _defaults(estimate: Estimate) -> RenderableType:
    table = grid("Defaults used", "value", "meaning", left=3)
    for default in estimate.defaults:
        table.add_row(default.key, default.value, default.meaning)
    return table
