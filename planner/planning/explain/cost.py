"""Derivations of the bill at the provider: totals, models, lines, months, prices."""

from __future__ import annotations

from collections.abc import Mapping

from planner.formulas.bill import after_credits_usd
from planner.formulas.traffic import grown
from planner.planning.bill.api_cost import terms_of
from planner.planning.explain.caching import CACHING
from planner.planning.explain.calls import embeddings, fixed_costs, reaching, share
from planner.planning.explain.derivation import (
    Derived,
    Function,
    Operand,
    between,
    modelled,
    of,
    product,
    quotient,
    stated,
    total,
)
from planner.planning.explain.leaves import Scene, constant, price_leaf
from planner.planning.explain.lines import LINE_PRICES, alone, line_usd
from planner.specs.answers.request_cost import PriceUsed

C = "cost"
MODELS = "Σ usd_per_month of the models"


def _total_line(s: Scene, line: int) -> Derived:
    """Return one line of the whole bill: over the models, or one of the fixed costs."""
    name = s.estimate.cost.lines[line].name
    for own in (*fixed_costs(s), *embeddings(s)):
        if own.name == f"{name.replace(' ', '_')}_usd_per_month":
            return own.terms or stated(own)
    found = [
        s.ref(f"{C}.by_model[{index}].lines[{each}].usd_per_month", f"usd_per_month of {cost.model}")
        for index, cost in enumerate(s.estimate.cost.by_model)
        for each, item in enumerate(cost.lines)
        if item.name == name
    ]
    return total(*found, rule=f"Σ {name} of the models")


def _month(s: Scene, index: int) -> Derived:
    """Return one month's bill: the calls grow, the caches cost what they cost, credits pay first."""
    months = constant("months_from_now", index, f"cost.months[{index}]", "the place in the horizon, from 0")
    rate = s.ref("workload.growth_per_month_fraction")
    factor = between(
        "growth_factor",
        float(grown(1.0, s.estimate.workload.growth_per_month_fraction, index)),
        Derived(
            rule="grown(1, growth_per_month_fraction, months_from_now)",
            operands=(rate, months),
            formula=grown,
            replay=lambda growth, month: grown(1.0, growth, month),
        ),
    )
    if s.estimate.cost.months[index].first_terms_fraction < 1:
        return _month_of_terms(s, index, factor)
    models = s.refs(f"{C}.by_model[*].usd_per_month", "model")
    calls = between("calls_usd_per_month", s.bill.calls_usd, total(*models, rule=MODELS))
    growing = (calls, *embeddings(s))
    credit, fixed = s.ref(f"{C}.months[{index}].credits_usd"), fixed_costs(s)
    names = " + ".join(each.name for each in growing)
    rule = f"({names}) × growth_factor" if len(growing) > 1 else f"{names} × growth_factor"
    return Derived(
        rule=" + ".join([rule, *(each.name for each in fixed)]) + " − credits_usd",
        operands=(factor, credit, *growing, *fixed),
        replay=lambda times, credits_usd, *rest: (
            sum(rest[: len(growing)]) * times + sum(rest[len(growing) :]) - credits_usd
        ),
    )


def _month_of_terms(s: Scene, index: int, factor: Operand) -> Derived:
    """Return a month in which a contract ended, or behind one: each part of it on the terms that hold then."""
    parts = [
        (each.part_of(index), each)
        for each in terms_of(s.case, s.estimate.workload, s.estimate.as_of, s.bill)
        if each.part_of(index) > 0
    ]
    place = "accounts.*.contract and its valid_to"
    weights = [
        constant("part_of_month", part, place, "the days before and after the end") for part, _ in parts
    ]
    growing = [
        between("growing_usd_per_month", each.growing_usd, _on_terms(s, "calls and embeddings"))
        for _, each in parts
    ]
    fixed = [between("fixed_usd_per_month", each.fixed_usd, _on_terms(s, "caches")) for _, each in parts]
    count = len(parts)
    return Derived(
        rule="Σ part_of_month × (growing_usd_per_month × growth_factor + fixed_usd_per_month) − credits_usd",
        operands=(factor, s.ref(f"{C}.months[{index}].credits_usd"), *weights, *growing, *fixed),
        replay=lambda times, credits_usd, *rest: (
            sum(rest[at] * (rest[count + at] * times + rest[2 * count + at]) for at in range(count))
            - credits_usd
        ),
        note="a contract ended: the rest is at the list price",
    )


def _on_terms(s: Scene, what: str) -> Derived:
    return Derived(
        rule=f"cost.usd_per_month of {what}, under the contracts that hold then",
        operands=(
            s.ref("workload.requests_per_month"),
            *s.refs(f"{C}.by_model[*].price.input_usd_per_mtok", "model"),
        ),
        note="the bill is computed again with the accounts whose contract ended at the list price",
    )


def _credits(s: Scene, _index: int) -> Derived:
    """Return what credits of contracts pay of one month."""
    named = [
        s.key(f"accounts.{provider}.contract")
        for provider, account in s.case.scenario.accounts.items()
        if account.contract is not None
    ]
    if not named:
        none = s.key("accounts")
        return Derived(rule="0: no account names a contract", operands=(none,), replay=lambda _: 0.0)
    owed = s.refs(f"{C}.by_model[*].usd_per_month", "model")
    note = "credits pay for what the contract covers, month after month, until they are gone"
    return modelled(after_credits_usd, *named, *owed, note=note)


def _month_requests(s: Scene, index: int) -> Derived:
    months = constant("months_from_now", index, f"cost.months[{index}]", "the place in the horizon, from 0")
    return of(
        grown,
        s.ref("workload.requests_per_month"),
        s.ref("workload.growth_per_month_fraction"),
        months,
    )


def _first_terms(s: Scene, index: int) -> Derived:
    """Return the part of a month under the first month's contracts: until the first of them ends."""
    named = [
        s.key(f"accounts.{provider}.contract")
        for provider, account in s.case.scenario.accounts.items()
        if account.contract is not None
    ]
    part = s.estimate.cost.months[index].first_terms_fraction
    return Derived(
        rule="the days of the month before the first contract ends ÷ its days",
        operands=(s.key("as_of"), *(named or (s.key("accounts"),))),
        replay=lambda *_: part,
    )


def _routing_saving(s: Scene) -> Derived:
    singles = s.refs(f"{C}.single_model[*].usd_per_month", "model")
    return Derived(
        rule="1 − usd_per_month ÷ largest of single_model",
        operands=(s.ref(f"{C}.usd_per_month"), *singles),
        replay=lambda usd, *alone: 1 - usd / max(alone),
    )


def _price(field: str) -> Function:
    def derive(s: Scene, index: int) -> Derived:
        used: PriceUsed = s.estimate.cost.by_model[index].price
        return stated(price_leaf(used, field))

    return derive


def _month_of_horizon(_s: Scene, index: int) -> Derived:
    return stated(constant("month", index + 1, f"cost.months[{index}]", "the place in the horizon, from 1"))


def _monthly(s: Scene) -> Derived:
    beside = (*embeddings(s), *fixed_costs(s))
    rule = " + ".join([MODELS, *(each.name for each in beside)])
    return total(*s.refs(f"{C}.by_model[*].usd_per_month", "model"), *beside, rule=rule)


def _off_peak(s: Scene, index: int) -> Derived:
    """Return the share of a model's calls that the vendor bills off-peak: none without windows in its price row."""
    cost = s.estimate.cost.by_model[index]
    leaf = price_leaf(cost.price, "offpeak windows", "off_peak_fraction", cost.off_peak_fraction)
    return stated(leaf, "the traffic's own hours, in UTC, inside the vendor's windows")


M = f"{C}.by_model[*]"
COST: Mapping[str, Function] = {
    f"{C}.usd_per_month": _monthly,
    f"{C}.usd_per_day": lambda s: quotient(s.ref(f"{C}.usd_per_month"), s.ref("workload.days_per_month")),
    f"{C}.usd_per_request": lambda s: quotient(
        s.ref(f"{C}.usd_per_month"), s.ref("workload.requests_per_month")
    ),
    f"{C}.usd_horizon": lambda s: total(*s.refs(f"{C}.months[*].usd")),
    f"{C}.routing_saving_fraction": _routing_saving,
    f"{C}.lines[*].usd_per_month": _total_line,
    f"{C}.months[*].month": _month_of_horizon,
    f"{C}.months[*].requests": _month_requests,
    f"{C}.months[*].usd": _month,
    f"{C}.months[*].credits_usd": _credits,
    f"{C}.months[*].first_terms_fraction": _first_terms,
    f"{C}.single_model[*].usd_per_month": alone,
    f"{C}.single_model[*].usd_per_day": lambda s, i: quotient(
        s.ref(f"{C}.single_model[{i}].usd_per_month"), s.ref("workload.days_per_month")
    ),
    f"{M}.share": share,
    f"{M}.off_peak_fraction": _off_peak,
    f"{M}.requests_per_month": lambda s, i: product(
        s.ref("workload.requests_per_month"), *reaching(s), s.ref(f"{C}.by_model[{i}].share")
    ),
    f"{M}.usd_per_request": lambda s, i: Derived(
        rule="Σ lines ÷ requests_per_month",
        operands=(
            s.ref(f"{C}.by_model[{i}].requests_per_month"),
            *s.refs(f"{C}.by_model[{i}].lines[*].usd_per_month", "name"),
        ),
        replay=lambda requests, *lines: sum(lines) / requests,
    ),
    f"{M}.usd_per_month": lambda s, i: product(
        s.ref(f"{C}.by_model[{i}].usd_per_request"), s.ref(f"{C}.by_model[{i}].requests_per_month")
    ),
    f"{M}.usd_per_day": lambda s, i: quotient(
        s.ref(f"{C}.by_model[{i}].usd_per_month"), s.ref("workload.days_per_month")
    ),
    f"{M}.lines[*].usd_per_month": line_usd,
    **{f"{M}.price.{field}": _price(field) for field in dict.fromkeys(LINE_PRICES.values())},
    **{f"{M}.caching.{field}": derive for field, derive in CACHING.items()},
}
