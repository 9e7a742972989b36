"""What the monthly bill may come to when its inputs are not exactly known: seeded draws, and what matters most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import sqrt

import numpy as np

from planner.formulas.bands import Z_P90, banded_factor, banded_rate, widened_factor
from planner.planning.bill.draws import Billed, Month, monthly_bill_usd, stated_month
from planner.planning.bill.response_caches import layers_of
from planner.planning.workload.size_spread import token_cvs
from planner.planning.workload.tokens import prompt_tokens
from planner.records import dataclass
from planner.specs.answers.estimate import MonthCost
from planner.specs.base import Quantity
from planner.specs.scenario.uncertainty import BillSpread, FactorBand, RateBand, Swing, UncertainInput
from planner.units import FloatArray

# 10,000 draws place p10 and p90 within 1 % of the width between them and take about 10 ms.
DRAWS = 10_000
TAILS = (0.1, 0.5, 0.9)  #: the ends are those in which scenarios state their bands
EXACT = FactorBand(p10=1.0, p90=1.0)  #: what is stated without a band varies by chance alone


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Driver:
    """One uncertain input: the field of the month that it moves, its p10 and p90, and its draws.

    ``banded`` is false where it only varies by chance, from request to request. ``drawn`` makes values of standard
    normal numbers.
    """

    input: UncertainInput
    field: str
    low: float
    high: float
    banded: bool
    drawn: Callable[[FloatArray], FloatArray]


def is_uncertain(billed: Billed) -> bool:
    """Tell whether anything spreads the bill: a band, token counts that vary, or a hit rate that is only a prior."""
    return (
        billed.case.scenario.uncertainty.given
        or text_band(billed) is not None
        or any(cv > 0 for cv in token_cvs(billed.case.scenario, billed.workload))
        or any(layer.hit.low < layer.hit.high for layer in layers_of(billed.case))
    )


def bill_spread(billed: Billed, rng: np.random.Generator, draws: int = DRAWS) -> BillSpread:
    """Return the p10, p50 and p90 of one month's bill at the API, and how far each input moves it.

    The inputs are drawn independently. Every draw is priced by the bill's own calculator.
    """
    stated, scenario = stated_month(billed), billed.case.scenario

    def bill(month: Month) -> FloatArray:
        return np.asarray(monthly_bill_usd(billed, month))

    drivers = _drivers(billed, stated)
    values = {each.field: each.drawn(rng.standard_normal(draws)) for each in drivers}
    bills = np.broadcast_to(bill(replace(stated, **values)), draws)
    p10, p50, p90 = (float(usd) for usd in _quantiles(bills))
    budget = scenario.budget.usd_per_month
    return BillSpread(
        p10_usd=p10,
        p50_usd=p50,
        p90_usd=p90,
        mean_usd=float(np.mean(bills)),
        draws=draws,
        stated=any(driver.banded for driver in drivers),
        over_budget_fraction=float(np.mean(bills > budget)) if budget is not None else None,
        swings=tuple(sorted((_swing(each, stated, bill) for each in drivers), key=lambda swing: -swing.usd)),
    )


def banded_swings(billed: Billed) -> tuple[Swing, ...]:
    """Return what each input with a band does alone to the bill; what only chance spreads is left out.

    All ends are priced at once.
    """
    stated = stated_month(billed)
    drivers = [each for each in _drivers(billed, stated) if each.banded]
    if not drivers:
        return ()
    values = {}
    for index, each in enumerate(drivers):
        values[each.field] = np.full(2 * len(drivers), getattr(stated, each.field))
        values[each.field][2 * index : 2 * index + 2] = each.low, each.high
    bills = np.broadcast_to(monthly_bill_usd(billed, replace(stated, **values)), 2 * len(drivers))
    return tuple(
        Swing(input=each.input, low=each.low, high=each.high, usd_at_low=low, usd_at_high=high)
        for each, low, high in zip(drivers, bills[::2].tolist(), bills[1::2].tolist(), strict=True)
    )


def _drivers(billed: Billed, stated: Month) -> tuple[Driver, ...]:
    return (*_sizes(billed, stated), *_rates(billed, stated))


def over_horizon(spread: BillSpread, months: Sequence[MonthCost]) -> BillSpread:
    """Return the spread with the range of the whole horizon, every month as far off as the first one."""
    first = months[0].usd + months[0].credits_usd
    if not spread.stated or not first:
        return spread
    credits_usd = sum(month.credits_usd for month in months)
    times = (sum(month.usd for month in months) + credits_usd) / first
    return replace(
        spread,
        horizon_p10_usd=max(spread.p10_usd * times - credits_usd, 0.0),
        horizon_p90_usd=spread.p90_usd * times - credits_usd,
    )


def text_band(billed: Billed) -> FactorBand | None:
    """Return how far the prompt may be off because parts of it are estimated from text, over all calls."""
    shares = [each.call.share for each in billed.priced]
    prompts = [prompt_tokens(billed.case, billed.workload, each.call.model) for each in billed.priced]
    mean = sum(share * each.input_tokens for share, each in zip(shares, prompts, strict=True))
    low = sum(share * each.low for share, each in zip(shares, prompts, strict=True))
    high = sum(share * each.high for share, each in zip(shares, prompts, strict=True))
    return FactorBand(p10=low / mean, p90=high / mean) if low < mean < high else None


def _quantiles(values: FloatArray) -> FloatArray:
    """Return p10, p50 and p90, as numpy's quantile does; that one imports masked arrays, a tenth of a second."""
    places = np.array(TAILS) * (len(values) - 1)
    return np.asarray(np.interp(places, np.arange(len(values)), np.sort(values)))


def _sizes(billed: Billed, stated: Month) -> Iterator[Driver]:
    """Yield volume and token counts: their bands, and what chance does to a month of so many requests."""
    bands, workload = billed.case.scenario.uncertainty, billed.workload
    requests = workload.requests_per_month
    input_cv, output_cv, reasoning_cv = token_cvs(billed.case.scenario, workload)
    sized: tuple[tuple[UncertainInput, str, FactorBand | None, float], ...] = (
        ("volume", "requests", bands.volume, sqrt(workload.burstiness)),
        ("input tokens", "input_tokens", bands.input_tokens or text_band(billed), input_cv),
        ("output tokens", "output_tokens", bands.output_tokens, output_cv),
        ("reasoning tokens", "reasoning_tokens", bands.reasoning_tokens, reasoning_cv),
    )
    for name, field, band, cv in sized:
        value = getattr(stated, field)
        if value and (band is not None or cv > 0):
            ends = band or EXACT
            p10 = widened_factor(ends.p10, -Z_P90, cv, requests)
            p90 = widened_factor(ends.p90, Z_P90, cv, requests)
            yield Driver(
                input=name,
                field=field,
                low=value * p10,
                high=value * p90,
                banded=band is not None,
                drawn=partial(_drawn_size, value, p10, p90),
            )


def _rates(billed: Billed, stated: Month) -> Iterator[Driver]:
    """Yield the hit rates that have a band: one of the scenario's own, or the range of the prior."""
    bands = billed.case.scenario.uncertainty
    priors = {layer.name: layer.hit for layer in layers_of(billed.case) if layer.hit.low < layer.hit.high}
    rated: tuple[tuple[UncertainInput, str, RateBand | None, Quantity | None], ...] = (
        ("prompt-cache hit rate", "prompt_hit", bands.prompt_hit_rate, None),
        ("exact-cache hit rate", "exact_hit", bands.exact_hit_rate, priors.get("exact")),
        ("semantic-cache hit rate", "semantic_hit", bands.semantic_hit_rate, priors.get("semantic")),
    )
    for name, field, band, prior in rated:
        ends = (band.p10, band.p90) if band is not None else (prior.low, prior.high) if prior else None
        if ends is not None:
            drawn = partial(_drawn_rate, getattr(stated, field), *ends)
            yield Driver(input=name, field=field, low=ends[0], high=ends[1], banded=True, drawn=drawn)


def _drawn_size(value: float, p10: float, p90: float, normal: FloatArray) -> FloatArray:
    return np.asarray(value * banded_factor(normal, p10, p90))


def _drawn_rate(value: float, low: float, high: float, normal: FloatArray) -> FloatArray:
    return np.asarray(banded_rate(normal, value, low, high))


def _swing(driver: Driver, stated: Month, bill: Callable[[Month], FloatArray]) -> Swing:
    """Return what one input alone does to the bill between its p10 and its p90."""
    ends = np.array([driver.low, driver.high])
    at_low, at_high = bill(replace(stated, **{driver.field: ends}))
    return Swing(
        input=driver.input,
        low=driver.low,
        high=driver.high,
        usd_at_low=float(at_low),
        usd_at_high=float(at_high),
    )
