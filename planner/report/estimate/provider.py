"""The parts of an estimate's screen about buying at the provider: what-ifs, caches, routing, failures, advice."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from planner.report.estimate.blocks import CENT, block, dim
from planner.report.numbers import count, duration, percent, signed_usd, usd
from planner.report.screen import grid
from planner.specs.answers.api_plan import CacheUse, RoutingCheck
from planner.specs.answers.estimate import Advice, ApiCost, Estimate, ModelCost
from planner.specs.answers.prompt_cache import PrefixCaching
from planner.specs.base import Quantity
from planner.units import SECONDS_PER_HOUR


def below_models(estimate: Estimate) -> Iterator[str]:
    """Say on which terms models are bought, and what those cost that have no row of their own."""
    for cost in estimate.cost.frequent:
        terms = ", ".join(_terms(cost))
        if terms:
            yield f"{cost.model}: {terms}"
    shown = estimate.cost.frequent
    rare = [cost for cost in estimate.cost.by_model if cost not in shown]
    if rare:
        names = ", ".join(cost.model for cost in rare)
        spent = sum(cost.usd_per_month for cost in rare)
        requests = sum(cost.requests_per_month for cost in rare)
        money = f"{usd(spent)} USD" if spent >= CENT else "less than a cent"
        yield f"{names}: {count(requests)} requests/month, {money}"


def what_if_part(estimate: Estimate) -> RenderableType | None:
    """Return the advice that was followed, step by step, with what each changed."""
    if not estimate.what_if:
        return None
    table = grid("What if", "before", "after", "USD/month", left=1)
    for step in estimate.what_if:
        text = Group(Text(step.title), _indented(f"{step.id}: {step.assumption}"))
        table.add_row(text, usd(step.usd_before), usd(step.usd_after), signed_usd(step.delta_usd))
    if len(estimate.what_if) > 1:
        first, last = estimate.what_if[0].usd_before, estimate.what_if[-1].usd_after
        table.add_row("all together", usd(first), usd(last), signed_usd(last - first), style="head")
    return table


def _indented(text: str) -> RenderableType:
    return Padding(Text(text, style="dim"), (0, 0, 0, 2))


def currency_part(estimate: Estimate) -> RenderableType | None:
    """Return the bill in the reader's currency, with the rate and its date."""
    made = estimate.api.converted
    if made is None:
        return None
    shown = Text.assemble(
        (usd(made.per_month), "number"),
        f" {made.currency}/month at the API · {usd(made.horizon)} over the horizon · "
        f"{made.units_per_usd:g} {made.currency}/USD of {made.effective_from.isoformat()}, {made.source}",
    )
    return block("Currency", shown)


def caching_part(estimate: Estimate) -> RenderableType:
    """Return the branch of the caching tree, and what each cache of the scenario does."""
    caching = estimate.recommendation.caching
    lines = [Text(caching.verdict + _worth(estimate))]
    lines.extend(dim(step) for step in caching.branch)
    lines.extend(dim(line) for line in _prompt_cache(estimate))
    shown = block("Caching", *lines)
    return Group(shown, _response_caches(estimate.api.caches)) if estimate.api.caches else shown


def _worth(estimate: Estimate) -> str:
    caching = estimate.recommendation.caching
    saving = caching.saving_usd_per_month
    if saving is None or saving <= 0:
        return ""
    there = {cache.name for cache in estimate.api.caches}
    there |= {"prompt"} if estimate.api.prompt_cache is not None else set()
    verb = "saves" if any(caching.kind.startswith(name) for name in there) else "would save"
    return f": {verb} {usd(saving)} USD/month"


def _response_caches(caches: tuple[CacheUse, ...]) -> RenderableType:
    table = grid("Cache", "hits", "answers", "leaves", "costs", "saves", "a miss waits")
    for cache in caches:
        table.add_row(
            Text(cache.name if cache.stated else f"{cache.name}, assumed", overflow="ignore", no_wrap=True),
            _band(cache.hit, lambda value: percent(value, 0)),
            count(cache.answered_requests_per_month),
            count(cache.left_requests_per_month),
            usd(cache.usd_per_month),
            usd(cache.saving_usd_per_month.value),
            _band(cache.added_latency_s, duration),
        )
    return table


def _band(value: Quantity, write: object) -> str:
    """Write the ends of a range, or the value where there is none."""
    shown = write if callable(write) else str
    return (
        str(shown(value.value)) if value.low == value.high else f"{shown(value.low)} to {shown(value.high)}"
    )


def _terms(cost: ModelCost) -> Iterator[str]:
    """Yield what is not the provider's list price at all hours."""
    used = cost.price
    if used.mode != "standard":
        yield f"mode {used.mode}"
    if used.region:
        yield f"region {used.region}"
    if used.contract:
        yield f"contract {used.contract}"
    if cost.off_peak_fraction:
        yield f"{percent(cost.off_peak_fraction, 0)} of the calls off-peak"


def _prompt_cache(estimate: Estimate) -> Iterator[str]:
    use = estimate.api.prompt_cache
    if use is None:
        return
    verb = "pays" if use.pays else "does not pay"
    yield f"The prompt cache {verb}: {usd(use.saving_usd_per_month)} USD/month saved against none"
    for cost in estimate.cost.frequent:
        yield f"{cost.model}: {_hits(cost.caching)}"
    savings = [each.saving_usd_per_month for each in use.by_ttl]
    if savings and max(savings) - min(savings) >= CENT:
        by_ttl = " · ".join(f"{each.ttl} {usd(each.saving_usd_per_month)}" for each in use.by_ttl)
        best = use.best
        yield f"saved by lifetime: {by_ttl}; best {best.ttl if best else 'unknown'}"


def _hits(cache: PrefixCaching | None) -> str:
    if cache is None or cache.hit_fraction is None:
        return f"nothing cached, {cache.reason if cache else 'off'}"
    how = "derived from traffic" if cache.derived else "given or stored"
    kept = f" kept {cache.ttl}" if cache.ttl else ""
    needed = cache.break_even_requests_per_s
    from_rate = f"; pays from {count(needed * SECONDS_PER_HOUR)} requests/hour" if needed else ""
    return f"{percent(cache.hit_fraction)} hits ({how}) on {count(cache.cacheable_tokens)} tokens{kept}{from_rate}"


def routing_part(estimate: Estimate) -> RenderableType | None:
    """Return what routing saves, beside the rule of thumb, and at other shares."""
    check = estimate.api.routing
    if check is None:
        return None
    return block(
        "Routing", Text(_routing(check)), dim(_rule(check)), dim(_points(check)), *_alone(estimate.cost)
    )


def _alone(cost: ApiCost) -> Iterator[Text]:
    for single in cost.single_model:
        yield dim(
            f"{single.model} alone: {usd(single.usd_per_day)} USD/day, {usd(single.usd_per_month)} USD/month"
        )


def _routing(check: RoutingCheck) -> str:
    does = "settled by" if check.kind == "cascade" else "to"
    return (
        f"{percent(check.small_share, 0)} {does} {check.small_model} saves {percent(check.saving_fraction)} "
        f"against {check.large_model} alone"
    )


def _rule(check: RoutingCheck) -> str:
    saved = _span(check.rule_saving_low, check.rule_saving_high)
    share = _span(check.rule_share_low, check.rule_share_high)
    return f"{check.verdict} the cheat sheet's rule: {saved} saved with {share} on the small model"


def _span(low: float | None, high: float | None) -> str:
    """Write a range of fractions, or one where it has no width."""
    return percent(low, 0) if low == high else f"{percent(low, 0)} to {percent(high, 0)}"


def _points(check: RoutingCheck) -> str:
    shown = ", ".join(
        f"{percent(point.saving_fraction, 0)} at {percent(point.small_share, 0)}" for point in check.points
    )
    return f"saved by share of the small model: {shown}"


def advice_part(estimate: Estimate) -> RenderableType | None:
    """Return the checklist: what applies with its saving, what would under a condition, and why the rest does not."""
    advice = estimate.recommendation.advice
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_row(Text("Advice", style="dim"), Text("USD/month saved", style="dim"), "effort")
    for item in advice:
        if item.state == "applies":
            table.add_row(_item(item), _saving(item), item.effort)
    unstated = [item for item in advice if item.state == "unstated"]
    if unstated:
        table.add_row(Text("The scenario does not tell whether these apply", style="dim"), "", "")
        for item in unstated:
            table.add_row(_item(item), _saving(item), item.effort)
    return Group(table, *_not_here(advice))


def _item(item: Advice) -> RenderableType:
    details = "; ".join(part for part in _details(item) if part)
    return Group(Text(item.title), _indented(f"{item.id}: {details}"))


def _details(item: Advice) -> Iterator[str]:
    if item.state == "unstated":
        yield item.reason
    yield item.assumption or item.effect or ""
    if item.rule_low_fraction is not None and item.saving_fraction is not None:
        rule = _span(item.rule_low_fraction, item.rule_high_fraction)
        yield f"{percent(item.saving_fraction, 0)} of the {item.rule_of}, rule {rule}"
    yield _latency(item)


def _latency(item: Advice) -> str:
    """Return how much sooner or later a request is answered, and on what that rests; or why that is unknown."""
    saved = item.time_saved_s
    if saved is None:
        return f"latency {item.time_basis}" if item.time_basis else ""
    ends = (duration(abs(end)) for end in (saved.low, saved.high))
    if saved.high <= 0:
        high, low = ends
        span = f"{low} to {high} later" if saved.high < 0 else f"up to {high} later"
    elif saved.low < 0:
        low, high = ends
        span = f"{low} later to {high} sooner"
    else:
        low, high = ends
        span = f"{low} to {high} sooner" if saved.low > 0 else f"up to {high} sooner"
    return f"{span} a request ({item.time_basis})"


def _saving(item: Advice) -> str:
    value, low, high = (
        item.saving_usd_per_month,
        item.saving_low_usd_per_month,
        item.saving_high_usd_per_month,
    )
    if value is None or value == 0:
        return "–"
    if low is None or high is None:
        return usd(value)
    return f"{usd(value)}\n{_whole(low)} to {_whole(high)}"


def _whole(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:,.2f}"


def _not_here(advice: tuple[Advice, ...]) -> Iterator[RenderableType]:
    """Yield one line for each reason, with the advice that it rules out."""
    by_reason: dict[str, list[str]] = {}
    for item in advice:
        if item.state in {"in place", "ruled out"}:
            by_reason.setdefault(item.reason, []).append(item.id)
    if by_reason:
        yield Text("Not here", style="dim")
    for reason, ids in by_reason.items():
        yield _indented(f"{', '.join(ids)}: {reason}")
