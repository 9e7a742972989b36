"""How the self-hosted option is sized: capacity, replicas, latency at the peak, hours, months, break-even."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from planner.report.numbers import count, duration, percent, rate, usd
from planner.specs.answers.estimate import Estimate, HostingOption
from planner.specs.answers.hosting_plan import BreakEven, DailyMachines, GrowthStep, HostingPlan, SpotMachines
from planner.units import HOURS_PER_DAY, HOURS_PER_MONTH, SECONDS_PER_HOUR

SHOWN_STEPS = 4  #: of growth, in one line; the last one follows them
HOURS_TOGETHER = 3  #: in one cell of a drawn week
LEVELS = " ▁▂▃▄▅▆▇█"
LEAST_SAVING = 0.005  # of the rent: below this an autoscaler is not worth a line
REDUNDANCY = {
    "none": "none to spare",
    "n+1": "one more may be lost",
    "zone": "the others may be lost with a zone",
}


def sizing_part(estimate: Estimate) -> RenderableType | None:
    """Return the sizing of the chosen machines, or of the cheapest that could be; ``None`` without any."""
    option = _shown(estimate)
    if option is None or option.plan is None:
        return None
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_row(Text("Sizing", style="dim"), Text(option.name.partition(", ")[0]))
    for label, line in _lines(option, option.plan, estimate):
        table.add_row(Text(f"  {label}", style="dim"), line)
    return table


def _shown(estimate: Estimate) -> HostingOption | None:
    chosen = estimate.recommendation.hosting
    planned = [option for option in estimate.recommendation.options if option.plan is not None]
    if chosen is not None and chosen in planned:
        return chosen
    return min(planned, key=lambda option: (bool(option.refused), option.usd_per_month or 0.0), default=None)


def _lines(option: HostingOption, plan: HostingPlan, estimate: Estimate) -> Iterator[tuple[str, str]]:
    capacity = option.requests_per_s_per_replica
    if capacity is not None:
        band = f"{rate(capacity.low)} to {rate(capacity.high)} in 8 of 10 cases"
        reached = f"{rate(capacity.value)} requests/s a replica ({band}), up to the {option.bound_by}"
        yield "capacity", f"{reached}; {_grade(option, plan)}"
    yield "machines", _machines(option, plan)
    late = (
        f"p95 TTFT {_time(option, 'ttft_s')}, TPOT {_time(option, 'tpot_s')}, answer {_time(option, 'e2e_s')}"
    )
    yield (
        "at the peak",
        f"{percent(option.utilisation_fraction or 0.0, 0)} of capacity; {late}; {_basis(plan)}",
    )
    if plan.spot is not None:
        yield "interrupted", _spot(plan.spot)
    yield from _over_time(option, plan)
    if plan.break_even is not None:
        yield "break-even", _break_even(plan.break_even, estimate, scaled=_is_scaled(option, plan))
    if plan.community is not None:
        offer = plan.community
        yield (
            "cheaper",
            f"{offer.rental} at {usd(offer.usd_per_month)} USD/month, not chosen: {offer.why_not}",
        )


def _grade(option: HostingOption, plan: HostingPlan) -> str:
    return f"fitted: {plan.profile}" if option.grade == "fitted" else f"borrowed from {plan.profile}"


def _time(option: HostingOption, metric: str) -> str:
    found = getattr(option, metric)
    return duration(found.value if found is not None else None)


def _basis(plan: HostingPlan) -> str:
    """Say where the percentiles come from, and what the simulator says to them."""
    peak = plan.simulated
    if peak is None:
        return plan.percentiles
    word = "confirmed" if peak.holds else "denied"
    times = ", ".join(duration(time_s) for time_s in (peak.ttft_s, peak.tpot_s, peak.e2e_s))
    return f"{plan.percentiles}, {word} by {peak.requests:,} simulated requests: {times}"


def _machines(option: HostingOption, plan: HostingPlan) -> str:
    spare = f", {plan.spare_for_interruptions} for interruptions" if plan.spare_for_interruptions else ""
    band = ""
    if plan.machines_low < plan.machines_high:
        volume = " and the band of volume" if plan.volume_band else ""
        band = (
            f"; {plan.machines_low:,} to {plan.machines_high:,} over the interval of capacity{volume}, "
            f"{usd(plan.usd_per_month_low)} to {usd(plan.usd_per_month_high)} USD/month"
        )
    carry = "1 carries" if plan.serving_replicas == 1 else f"{plan.serving_replicas:,} carry"
    alone = (
        "; all on one machine, whose loss takes them together"
        if option.machines == 1 != option.replicas
        else ""
    )
    return (
        f"{count(option.machines)} for {count(option.replicas)} replicas: {carry} the peak, "
        f"{REDUNDANCY[plan.redundancy]}{spare}{alone}{band}"
    )


def _spot(spot: SpotMachines) -> str:
    away = f"{spot.interruptions_per_month:g} times a month, for {duration(spot.away_s)}"
    short, allowed = (
        duration((1.0 - share) * HOURS_PER_MONTH * SECONDS_PER_HOUR)
        for share in (spot.enough_up_fraction, spot.wanted_fraction)
    )
    return f"each machine {away}; too few are up {short} a month, {allowed} is allowed"


def _over_time(option: HostingOption, plan: HostingPlan) -> Iterator[tuple[str, str]]:
    steps = [f"{_replicas(step)} from month {step.month}" for step in plan.growth[1:]]
    more = f" and {len(steps) - SHOWN_STEPS} times more: {steps[-1]}" if len(steps) > SHOWN_STEPS else ""
    grown = ", ".join(steps[:SHOWN_STEPS]) + more + "; " if steps else ""
    yield "months", f"{grown}{usd(plan.usd_horizon)} USD over {plan.horizon_months} months"
    daily = plan.daily
    if daily is None:
        return
    saved = daily.fixed_usd_per_month - daily.autoscaled_usd_per_month
    if option.usd_per_month is not None and saved > LEAST_SAVING * daily.fixed_usd_per_month:
        machines = f"{daily.least:,} to {daily.most:,} machines with an autoscaler"
        bills = f"{usd(daily.autoscaled_usd_per_month)} USD/month, {usd(daily.fixed_usd_per_month)} with a fixed number"
        yield "hours", f"{machines} that starts one in {duration(daily.cold_start_s)}: {bills}"
        yield "", _by_hour(daily)


def _replicas(step: GrowthStep) -> str:
    many = f"{step.replicas:,} replica{'s' if step.replicas > 1 else ''}"
    if step.machines == step.replicas:
        return many
    return f"{many} on {step.machines:,} machine{'s' if step.machines > 1 else ''}"


def _by_hour(daily: DailyMachines) -> str:
    """Draw the machines of each hour, or the most of three hours where a whole week is shown."""
    ends = (*(step.hour for step in daily.schedule[1:]), daily.hours)
    running = [
        step.machines for step, end in zip(daily.schedule, ends, strict=True) for _ in range(step.hour, end)
    ]
    a_day = daily.hours == HOURS_PER_DAY
    together = 1 if a_day else HOURS_TOGETHER
    cells = [max(running[at : at + together]) for at in range(0, daily.hours, together)]
    drawn = "".join(LEVELS[ceil(each / daily.most * (len(LEVELS) - 1))] for each in cells)
    return f"{drawn} {'a day, hour by hour' if a_day else 'a week'}"


def _is_scaled(option: HostingOption, plan: HostingPlan) -> bool:
    """Tell whether the option is paid by the hours of an autoscaler."""
    daily, usd = plan.daily, option.usd_per_month
    return daily is not None and usd is not None and usd < daily.fixed_usd_per_month


def _break_even(even: BreakEven, estimate: Estimate, *, scaled: bool) -> str:
    first = even.requests_per_day
    if not even.certain:
        band = f"{count(first.low)} at the high end of the capacity, never at the low end"
    elif first.low < first.high:
        band = f"{count(first.low)} to {count(first.high)}"
    else:
        band = "over the whole interval of capacity"
    now = count(estimate.workload.requests_per_day)
    parts = [f"{count(first.value)} ({band}) requests/day against {now} now", *_for_good(even)]
    fixed = ["with a fixed number of machines, no later with an autoscaler"] if scaled else []
    return "; ".join([*parts, *fixed, even.statement])


def _for_good(even: BreakEven) -> Iterator[str]:
    last, low, high = (
        even.for_good_requests_per_day,
        even.for_good_low_requests_per_day,
        even.for_good_high_requests_per_day,
    )
    if last is None:
        yield "not for good: a further machine makes hosting the dearer one again"
        return
    if last == even.requests_per_day.value == high:
        return
    ends = f" ({count(low)} to {'never' if high is None else count(high)})" if low != high else ""
    yield f"for good from {count(last)}{ends}, where no next machine makes it the dearer one again"
