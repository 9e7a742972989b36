"""Where the range of the bill comes from: the bands, what chance adds to them, and the draws."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

from planner.formulas.bands import Z_P90, widened_factor
from planner.planning.bill.draws import Billed
from planner.planning.bill.response_caches import layers_of
from planner.planning.bill.uncertainty import DRAWS, bill_spread, text_band
from planner.planning.explain.derivation import (
    Derived,
    Function,
    Operand,
    between,
    known,
    modelled,
    of,
    product,
    stated,
)
from planner.planning.explain.leaves import Scene, constant
from planner.planning.workload.size_spread import token_cvs
from planner.specs.scenario.uncertainty import BillSpread, FactorBand, Swing

U = "uncertainty"
SIZES = ("input tokens", "output tokens", "reasoning tokens")  # in the order of token_cvs
PLACES = {"low": "p10", "high": "p90"}


def _spread(s: Scene) -> BillSpread:
    return known(s.estimate.uncertainty, U)


def _swing(s: Scene, index: int) -> Swing:
    return _spread(s).swings[index]


def _quantile(s: Scene) -> Derived:
    ends = [
        s.ref(f"{U}.swings[{index}].{end}", f"{end} of {swing.input}")
        for index, swing in enumerate(_spread(s).swings)
        for end in ("low", "high")
    ]
    note = "every draw is priced by the bill's own calculator; the inputs are drawn independently between their ends"
    return modelled(bill_spread, s.ref("cost.usd_per_month"), *ends, s.ref(f"{U}.draws"), note=note)


def _horizon(s: Scene, end: str) -> Derived:
    """Return one end of the horizon's range: every month as far off as the first one, less the credits."""
    months = s.refs("cost.months[*].usd")
    credits_usd = s.refs("cost.months[*].credits_usd")
    count = len(months)
    return Derived(
        rule=f"{end}_usd × Σ (usd + credits_usd) ÷ those of the first month − Σ credits_usd, at least 0",
        operands=(s.ref(f"{U}.{end}_usd"), *months, *credits_usd),
        replay=lambda usd, *rest: max(usd * sum(rest) / (rest[0] + rest[count]) - sum(rest[count:]), 0.0),
    )


def _over_budget(s: Scene) -> Derived:
    note = "the share of the draws whose bill is above the budget"
    return modelled(bill_spread, s.key("budget.usd_per_month"), s.ref(f"{U}.draws"), note=note)


def _end(s: Scene, index: int, end: str) -> Derived:
    """Return one end of an input: what is stated times its band, widened by chance; a rate's band as it stands."""
    name = _swing(s, index).input
    if name == "volume":
        varies = between("cv", sqrt(s.estimate.workload.burstiness), _root(s))
        return _widened(s, s.ref("workload.requests_per_month"), "volume", end, varies)
    if name in SIZES:
        field = name.replace(" ", "_")
        cv = token_cvs(s.case.scenario, s.estimate.workload)[SIZES.index(name)]
        return _widened(
            s, s.ref(f"workload.{field}.mean"), field, end, between("cv", cv, _sizes(s, field, cv))
        )
    return _rate(s, name.partition("-")[0], end)


def _root(s: Scene) -> Derived:
    return Derived(
        rule="√burstiness",
        operands=(s.ref("workload.burstiness"),),
        replay=sqrt,
        note="the variance of the requests of a month is burstiness times their mean",
    )


def _sizes(s: Scene, field: str, cv: float) -> Derived:
    return Derived(
        rule="standard deviation ÷ mean of the sizes",
        operands=(s.key("prompt.parts" if s.case.scenario.prompt.parts else f"prompt.{field}"),),
        replay=lambda _: cv,
    )


def _widened(s: Scene, value: Operand, field: str, end: str, varies: Operand) -> Derived:
    z = constant(
        f"z_{PLACES[end]}",
        -Z_P90 if end == "low" else Z_P90,
        "planner/formulas/bands.py Z_P90",
        "standard normal quantile",
    )
    terms = of(widened_factor, _band_end(s, field, end), z, varies, s.ref("workload.requests_per_month"))
    factor = terms.replay(*(each.value for each in terms.operands)) if terms.replay else 1.0
    return product(value, between("widened_factor", factor, terms))


def _band_end(s: Scene, field: str, end: str) -> Operand:
    """Return the end of a band as the scenario states it, as its text leaves it open, or 1."""
    name = f"{field}_{PLACES[end]}"
    if getattr(s.case.scenario.uncertainty, field) is not None:
        return s.key(f"{U}.{field}.{PLACES[end]}", name)
    text = text_band(_billed(s)) if field == "input_tokens" else None
    if text is None:
        source = f"the scenario states no {U}.{field}"
        return constant(name, 1.0, "planner/planning/bill/uncertainty.py EXACT", source)
    return between(name, getattr(text, PLACES[end]), _of_text(s, text, end))


def _of_text(s: Scene, text: FactorBand, end: str) -> Derived:
    return Derived(
        rule="tokens of the text at this end of the tokenizer's band ÷ tokens",
        operands=(s.key("prompt.parts"),),
        replay=lambda _: getattr(text, PLACES[end]),
        note="over all calls, each in the tokens of its own model",
    )


def _billed(s: Scene) -> Billed:
    return Billed(case=s.case, workload=s.estimate.workload, priced=s.bill.priced, as_of=s.estimate.as_of)


def _rate(s: Scene, layer: str, end: str) -> Derived:
    if getattr(s.case.scenario.uncertainty, f"{layer}_hit_rate") is not None:
        return stated(s.key(f"{U}.{layer}_hit_rate.{PLACES[end]}"))
    prior = next(each.hit for each in layers_of(s.case) if each.name == layer)
    value = prior.low if end == "low" else prior.high
    source = "range of hit rates in the cheat sheet; the scenario states none"
    return stated(constant(f"{layer}_hit_rate", value, "planner/rules/cheat_sheet.yaml key_numbers", source))


def _bill_at(s: Scene, index: int, end: str) -> Derived:
    note = "the bill with this input at that end and all others as stated"
    return modelled(bill_spread, s.ref(f"{U}.swings[{index}].{end}"), s.ref("cost.usd_per_month"), note=note)


def _draws(_: Scene) -> Derived:
    place = "planner/planning/bill/uncertainty.py DRAWS"
    return stated(constant("draws", DRAWS, place, "p10 and p90 within 1 % of the width between them"))


UNCERTAINTY: Mapping[str, Function] = {
    **{f"{U}.{name}_usd": _quantile for name in ("p10", "p50", "p90", "mean")},
    f"{U}.draws": _draws,
    f"{U}.horizon_p10_usd": lambda s: _horizon(s, "p10"),
    f"{U}.horizon_p90_usd": lambda s: _horizon(s, "p90"),
    f"{U}.over_budget_fraction": _over_budget,
    f"{U}.swings[*].low": lambda s, index: _end(s, index, "low"),
    f"{U}.swings[*].high": lambda s, index: _end(s, index, "high"),
    f"{U}.swings[*].usd_at_low": lambda s, index: _bill_at(s, index, "low"),
    f"{U}.swings[*].usd_at_high": lambda s, index: _bill_at(s, index, "high"),
}
