"""Derivations of the bill at the provider: totals, models, lines, months, prices."""

from __future__ import annotations

from collections.abc import Mapping

from planner.formulas.reliability import failed_fraction
from planner.formulas.traffic import grown
from planner.planning.api_cost import LINES, price_alone
from planner.planning.derivation import (
    Derived,
    Function,
    Operand,
    between,
    of,
    product,
    quotient,
    replayed,
    stated,
    total,
)
from planner.planning.explain_caching import CACHING
from planner.planning.explain_leaves import Scene, constant, fixed_costs, price_leaf, reaching
from planner.planning.explain_lines import LINE_PRICES, line_cost, line_usd
from planner.specs.request_cost import PriceUsed

C = "cost"


def _share(s: Scene, index: int) -> Derived:
    """Return calls of a model for each request that reaches the models: routing, cascades, failover."""
    model = s.estimate.cost.by_model[index].model
    reliability = s.case.scenario.reliability
    if reliability.failover_model is None or reliability.error_rate == 0:
        return _routed(s, {model})
    rules = (s.key("reliability.error_rate"), s.key("reliability.max_retries"))
    lost = between(
        "failed_fraction",
        float(failed_fraction(reliability.error_rate, reliability.max_retries)),
        of(failed_fraction, *rules),
    )
    own = _routed_operand(s, "routed_to_it", {model})
    if s.case.books.api.find(reliability.failover_model).id != model:
        rule = "routed_to_it × (1 − failed_fraction)"
        return Derived(rule=rule, operands=(own, lost), replay=lambda mine, share: mine * (1 - share))
    everything = _routed_operand(s, "routed_to_all", set(s.case.books.api.rows))
    return Derived(
        rule="routed_to_it × (1 − failed_fraction) + routed_to_all × failed_fraction",
        operands=(own, everything, lost),
        replay=lambda mine, every, share: mine * (1 - share) + every * share,
    )


def _routed_operand(s: Scene, name: str, models: set[str]) -> Operand:
    routed = _routed(s, models)
    return between(name, replayed(routed), routed)


def _routed(s: Scene, models: set[str]) -> Derived:
    """Return the calls that shares and cascades send to some models."""
    terms = [term for entry in range(len(s.case.scenario.models)) for term in _entry_terms(s, entry, models)]
    if not terms:
        return Derived(
            rule="0: only failover calls it",
            operands=(s.key("reliability.failover_model"),),
            replay=lambda _: 0.0,
        )
    if len(terms) > 1:
        return total(*terms)
    return terms[0].terms or stated(terms[0])


def _entry_terms(s: Scene, entry: int, models: set[str]) -> list[Operand]:
    """Return what one entry of ``models`` sends to some models."""
    at, found = f"models[{entry}]", s.case.scenario.models[entry]
    share = s.key(f"{at}.share")
    if found.model is not None:
        return [share] if s.case.books.api.find(found.model).id in models else []
    accepts: list[Operand] = []
    terms = []
    left = found.share
    for stage, step in enumerate(found.cascade or ()):
        if s.case.books.api.find(step.model).id in models:
            rule = "share" + "".join(" × (1 − accept)" for _ in accepts)
            derived = Derived(rule=rule, operands=(share, *accepts), replay=_escalated)
            terms.append(between("calls_per_request", left, derived))
        accepts.append(s.key(f"{at}.cascade[{stage}].accept"))
        left *= 1 - step.accept
    return terms


def _escalated(share: float, *accepts: float) -> float:
    for accept in accepts:
        share *= 1 - accept
    return share


def _total_line(s: Scene, line: int) -> Derived:
    name = s.estimate.cost.lines[line].name
    for fixed in fixed_costs(s):
        if fixed.name.startswith(name.removesuffix(" cache")) and name.endswith(" cache"):
            return stated(fixed)
    places = [
        f"{C}.by_model[{index}].lines[{each}].usd_per_month"
        for index, cost in enumerate(s.estimate.cost.by_model)
        for each, found in enumerate(cost.lines)
        if found.name == name
    ]
    return total(*(s.ref(place) for place in places))


def _month(s: Scene, index: int) -> Derived:
    """Return one month's bill: the calls grow, the caches cost what they cost."""
    growth = s.ref("workload.growth_per_month_fraction")
    months = constant("months_from_now", index, f"cost.months[{index}]", "the place in the horizon, from 0")
    factor = between(
        "growth_factor",
        float(grown(1.0, s.estimate.workload.growth_per_month_fraction, index)),
        Derived(
            rule="grown(1, growth_per_month_fraction, months_from_now)",
            operands=(growth, months),
            formula=grown,
            replay=lambda rate, month: grown(1.0, rate, month),
        ),
    )
    fixed = fixed_costs(s)
    calls = between(
        "calls_usd_per_month",
        sum(model.usd_per_month for model in s.estimate.cost.by_model),
        total(*s.refs(f"{C}.by_model[*].usd_per_month", "model"), rule="Σ usd_per_month of the models"),
    )
    rule = " + ".join(["calls_usd_per_month × growth_factor", *(each.name for each in fixed)])
    return Derived(
        rule=rule,
        operands=(calls, factor, *fixed),
        replay=lambda usd, times, *rest: usd * times + sum(rest),
    )


def _month_requests(s: Scene, index: int) -> Derived:
    months = constant("months_from_now", index, f"cost.months[{index}]", "the place in the horizon, from 0")
    return of(
        grown,
        s.ref("workload.requests_per_month"),
        s.ref("workload.growth_per_month_fraction"),
        months,
    )


def _alone(s: Scene, index: int) -> Derived:
    """Return what the same traffic would cost on one model of the mix."""
    single = s.estimate.cost.single_model[index]
    call = price_alone(s.case.scenario, s.estimate.workload, s.case.books, s.estimate.as_of, single.model)
    lines = tuple(line_cost(s, call, name) for name, usd in zip(LINES, call.usd_by_line, strict=True) if usd)
    each = between("usd_per_call", call.usd, total(*lines))
    requests = (s.ref("workload.requests_per_month"), *reaching(s))
    fixed = fixed_costs(s)
    rule = " + ".join([" × ".join(o.name for o in (each, *requests)), *(o.name for o in fixed)])
    return Derived(
        rule=rule,
        operands=(each, *requests, *fixed),
        replay=lambda *values: _multiplied(values[: 1 + len(requests)]) + sum(values[1 + len(requests) :]),
    )


def _multiplied(values: tuple[float, ...]) -> float:
    made = 1.0
    for value in values:
        made *= value
    return made


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
    fixed = fixed_costs(s)
    rule = " + ".join(["Σ usd_per_month of the models", *(each.name for each in fixed)])
    return total(*s.refs(f"{C}.by_model[*].usd_per_month", "model"), *fixed, rule=rule)


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
    f"{C}.single_model[*].usd_per_month": _alone,
    f"{C}.single_model[*].usd_per_day": lambda s, i: quotient(
        s.ref(f"{C}.single_model[{i}].usd_per_month"), s.ref("workload.days_per_month")
    ),
    f"{M}.share": _share,
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
