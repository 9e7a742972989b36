"""Derivations of the lines of a model's bill: tokens times price, on the account's terms, over the month's calls."""

from __future__ import annotations

import math

from planner.formulas.cost import call_fees_usd, token_cost_usd
from planner.planning.bill.api_cost import monthly_bill, served_by
from planner.planning.bill.calls import LINES, PricedCall
from planner.planning.bill.retries import errors_of
from planner.planning.explain.calls import call_share, embeddings, fixed_costs, reaching
from planner.planning.explain.derivation import Derived, Operand, between, modelled, product, total
from planner.planning.explain.leaves import Scene, constant, price_leaf
from planner.planning.explain.tokens import tokens_of
from planner.specs.answers.request_cost import TierPrices
from planner.units import MTOK

A_MTOK = constant("tokens_per_mtok", MTOK, "planner/units.py MTOK", "prices are quoted per million tokens")
# line of the bill -> the price that its tokens cost
LINE_PRICES = {
    "input": "input_usd_per_mtok",
    "cached input": "cached_read_usd_per_mtok",
    "cache writes": "cache_write_usd_per_mtok",
    "output": "output_usd_per_mtok",
    "reasoning": "output_usd_per_mtok",
}
TOLERANCE = 1e-9  # what is off by more is no rounding, but a mean over prices by length


def line_usd(s: Scene, index: int, line: int) -> Derived:
    """Return what one line of a model's bill comes to in a month, over the ways in which it is called."""
    cost = s.estimate.cost.by_model[index]
    name = cost.lines[line].name
    mine = [call for call in s.bill.priced if call.used.model == cost.model]
    requests = (s.ref("workload.requests_per_month"), *reaching(s))
    number = s.estimate.workload.requests_per_month * s.bill.reaching_fraction
    parts = []
    for call in mine:
        part = product(line_cost(s, call, name), *requests, call_share(s, call, index))
        usd = call.usd_by_line[LINES.index(name)] * number * call.call.share
        parts.append(between(f"usd_per_month in {call.used.mode} mode", usd, part))
    return total(*parts) if len(parts) > 1 else parts[0].terms or total(*parts)


def line_cost(s: Scene, call: PricedCall, name: str) -> Operand:
    """Return what one call costs under one line."""
    usd = call.usd_by_line[LINES.index(name)]
    terms = _fees(s, call) if name == "tool calls" else _tokens_cost(s, call, name)
    if call.call.billed == 1:
        return between("usd_per_call", usd, terms)
    once = between("usd_per_answer", usd / call.call.billed, terms)
    return between("usd_per_call", usd, product(once, _billed(s, call)))


def _billed(s: Scene, call: PricedCall) -> Operand:
    """Return what is charged for one answered call where failed attempts are charged too."""
    by_class = s.case.scenario.reliability.errors is not None
    names = [
        f"reliability.errors.{each.name}" if by_class else "reliability.error_rate"
        for each in errors_of(s.case)
        if each.billed_fraction
    ]
    terms = Derived(
        rule="1 + failed attempts that are charged ÷ answered_fraction",
        operands=(
            *(s.key(name) for name in names),
            s.key("reliability.billed"),
            s.key("reliability.max_retries"),
        ),
        note="reliability.billed says which classes of error are charged, and where it does not, the rules of thumb",
    )
    return between("billed_calls", call.call.billed, terms)


def _fees(s: Scene, call: PricedCall) -> Derived:
    """Return the fees of tool calls."""
    fees = []
    for tool, count in s.case.scenario.prompt.paid_calls.items():
        each = call.sheet.usd_per_call[tool]
        operands = (
            s.key(f"prompt.paid_calls.{tool}"),
            price_leaf(call.used, f"fees {tool}", "usd_per_call", each),
        )
        fees.append(
            between(
                f"{tool}_usd",
                count * each,
                Derived(
                    rule=f"{tool} × usd_per_call",
                    operands=operands,
                    formula=call_fees_usd,
                    replay=call_fees_usd,
                ),
            )
        )
    return total(*fees)


def _tokens_cost(s: Scene, call: PricedCall, name: str) -> Derived:
    """Return tokens times price, or the mean over prices that depend on the length of the prompt."""
    usd = call.usd_by_line[LINES.index(name)] / call.call.billed
    tokens, price = _line_tokens(s, call, name), price_of(s, call, LINE_PRICES[name])
    exact = float(str(tokens.value)) * float(str(price.value)) / MTOK
    if math.isclose(exact, usd, rel_tol=TOLERANCE, abs_tol=1e-15):
        return Derived(
            rule=f"{tokens.name} × {price.name} ÷ tokens_per_mtok",
            operands=(tokens, price, A_MTOK),
            formula=token_cost_usd,
            replay=lambda count, each, per: token_cost_usd(count, each / per),
        )
    spread = (s.ref("workload.input_tokens.sigma"), s.ref("workload.input_tokens.p95", "input_tokens_p95"))
    note = "the price depends on the length of the prompt: the mean over 256 equally likely lengths"
    return modelled(token_cost_usd, tokens, price, *spread, note=note)


def price_of(s: Scene, call: PricedCall, field: str, tier: int = 0) -> Operand:
    """Return a price on the account's terms: the list price, times region and contract where there are any."""
    on_terms = getattr(call.sheet.tiers[tier], _per_token(field))
    listed = price_leaf(call.used, field)
    price = (on_terms or 0.0) * MTOK
    if isinstance(listed.value, float | int) and math.isclose(price, listed.value, rel_tol=TOLERANCE):
        return price_leaf(call.used, field, "usd_per_mtok")
    if tier:
        above = f"long_context above {call.sheet.above_input_tokens[tier - 1]:,.0f} tokens {field}"
        return price_leaf(call.used, above, "usd_per_mtok", price)
    provider = call.call.model.provider
    terms = tuple(
        s.key(f"accounts.{provider}.{what}")
        for what in ("region", "contract")
        if getattr(s.case.scenario.accounts.get(provider), what, None) is not None
    )
    rule = f"{field} × what region and contract make of it"
    return between("usd_per_mtok", price, Derived(rule=rule, operands=(listed, *terms)))


def _per_token(field: str) -> str:
    names = TierPrices.__dataclass_fields__
    found = field.replace("_per_mtok", "_per_token")
    return found if found in names else field


def _line_tokens(s: Scene, call: PricedCall, name: str) -> Operand:
    """Return the tokens that a line bills on one call."""
    caching = call.caching
    read, write = (caching.cached_read_tokens, caching.cache_write_tokens) if caching else (0.0, 0.0)
    if name in ("output", "reasoning"):
        return tokens_of(s, call, f"{name}_tokens")
    cached = {"cached input": ("cached_read_tokens", read), "cache writes": ("cache_write_tokens", write)}
    if name in cached:
        return _cached_tokens(s, call, *cached[name])
    whole = tokens_of(s, call, "input_tokens")
    if caching is None:
        return whole
    plain = Derived(
        rule="input_tokens − cached_read_tokens − cache_write_tokens",
        operands=(whole, *(_cached_tokens(s, call, *pair) for pair in cached.values())),
        replay=lambda every, reads, writes: every - reads - writes,
    )
    return between("plain_input_tokens", call.workload.input_tokens.mean - read - write, plain)


def _cached_tokens(s: Scene, call: PricedCall, field: str, value: float) -> Operand:
    """Return the cached tokens of a call; the report holds those of the first way in which a model is called."""
    for index, cost in enumerate(s.estimate.cost.by_model):
        if cost.model == call.used.model and getattr(cost.caching, field, None) == value:
            return s.ref(f"cost.by_model[{index}].caching.{field}", field)
    note = "the prompt cache of this way of calling, derived as the model's first one"
    terms = Derived(rule=field, operands=(s.ref("workload.static_prefix_tokens"),), note=note)
    return between(field, value, terms)


def alone(s: Scene, index: int) -> Derived:
    """Return what the same traffic would cost on one model of the mix."""
    single = s.estimate.cost.single_model[index]
    bill = monthly_bill(served_by(s.case, single.model), s.estimate.workload, s.estimate.as_of)
    per_request = []
    for call in bill.priced:
        lines = tuple(
            line_cost(s, call, name) for name, usd in zip(LINES, call.usd_by_line, strict=True) if usd
        )
        per_request.append(_weighted(s, call, between("usd_per_call", call.usd, total(*lines))))
    each = total(*per_request) if len(per_request) > 1 else per_request[0].terms or total(*per_request)
    requests = (s.ref("workload.requests_per_month"), *reaching(s))
    calls = between(
        "calls_usd_per_month",
        bill.calls_usd,
        product(between("usd_per_request", sum(c.usd * c.call.share for c in bill.priced), each), *requests),
    )
    return total(calls, *embeddings(s), *fixed_costs(s))


def _weighted(s: Scene, call: PricedCall, usd: Operand) -> Operand:
    """Return the cost of one kind of call per request: all requests, split by batch, hours, errors and failover."""
    operands = (s.key("batch.share", "batch_share"), s.key("reliability.error_rate"))
    terms = Derived(rule="calls of this kind per request", operands=operands)
    calls = between("calls_per_request", call.call.share, terms)
    return between(f"usd_per_request of {call.used.model}", call.usd * call.call.share, product(usd, calls))
