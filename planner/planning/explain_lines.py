"""Derivations of the lines of a model's bill: tokens times price, by mode, over the requests of a month."""

from __future__ import annotations

from planner.formulas.cost import token_cost_usd
from planner.planning.api_cost import LINES, PricedCall
from planner.planning.api_flow import reaching_fraction
from planner.planning.derivation import Derived, Operand, between, modelled, product, total
from planner.planning.explain_leaves import Scene, constant, price_leaf, reaching
from planner.units import MTOK

C = "cost"
A_MTOK = constant("tokens_per_mtok", MTOK, "planner/units.py MTOK", "prices are quoted per million tokens")
# line of the bill -> the price that its tokens cost
LINE_PRICES = {
    "input": "input_usd_per_mtok",
    "cached input": "cached_read_usd_per_mtok",
    "cache writes": "cache_write_usd_per_mtok",
    "output": "output_usd_per_mtok",
    "reasoning": "output_usd_per_mtok",
}


def line_usd(s: Scene, index: int, line: int) -> Derived:
    """Return what one line of a model's bill comes to in a month, over the modes in which it is called."""
    cost = s.estimate.cost.by_model[index]
    name = cost.lines[line].name
    mine = [call for call in s.calls if call.used.model == cost.model]
    requests = (s.ref("workload.requests_per_month"), *reaching(s))
    if len(mine) == 1:
        share = s.ref(f"{C}.by_model[{index}].share", "calls_per_request")
        return product(line_cost(s, mine[0], name), *requests, share)
    parts = []
    for call in mine:
        part = product(line_cost(s, call, name), *requests, _mode_share(s, call))
        usd = call.usd_by_line[LINES.index(name)]
        monthly = usd * cost_requests(s) * call.call.share
        parts.append(between(f"{call.used.mode}_usd_per_month", monthly, part))
    return total(*parts)


def _mode_share(s: Scene, call: PricedCall) -> Operand:
    batch = s.key("batch.share", "batch_share")
    terms = Derived(
        rule="share × batch_share" if call.call.mode == "batch" else "share × (1 − batch_share)",
        operands=(batch,),
        note="the share of the model, split by what may wait for the batch API",
    )
    return between("calls_per_request", call.call.share, terms)


def cost_requests(s: Scene) -> float:
    """Return the requests of a month that reach the models."""
    return s.estimate.workload.requests_per_month * reaching_fraction(s.case.scenario)


def line_cost(s: Scene, call: PricedCall, name: str) -> Operand:
    """Return what one call costs under one line: tokens times price, or a mean over prices that depend on length."""
    usd = call.usd_by_line[LINES.index(name)]
    tokens, price = _line_tokens(s, call, name), price_leaf(call.used, LINE_PRICES[name], "usd_per_mtok")
    if isinstance(tokens.value, float | int) and isinstance(price.value, float | int):
        exact = tokens.value * price.value / MTOK
        if abs(exact - usd) <= 1e-12 * max(abs(usd), 1.0):
            terms = Derived(
                rule="tokens × usd_per_mtok ÷ tokens_per_mtok",
                operands=(tokens, price, A_MTOK),
                formula=token_cost_usd,
                replay=lambda count, each, per: token_cost_usd(count, each / per),
            )
            return between("usd_per_call", usd, terms)
    spread = (s.ref("workload.input_tokens.sigma"), s.ref("workload.input_tokens.p95"))
    note = "the price depends on the length of the prompt: the mean over 256 equally likely lengths"
    return between("usd_per_call", usd, modelled(token_cost_usd, tokens, price, *spread, note=note))


def _line_tokens(s: Scene, call: PricedCall, name: str) -> Operand:
    """Return the tokens that a line bills on one call."""
    whole = s.ref("workload.input_tokens.mean", "input_tokens")
    caching = call.caching
    read, write = (caching.cached_read_tokens, caching.cache_write_tokens) if caching else (0.0, 0.0)
    if name in ("output", "reasoning"):
        return s.ref(f"workload.{name}_tokens.mean", "tokens")
    cached = {"cached input": ("cached_read_tokens", read), "cache writes": ("cache_write_tokens", write)}
    if name in cached:
        return _cached_tokens(s, call, *cached[name])
    if caching is None:
        return s.ref("workload.input_tokens.mean", "tokens")
    parts = (whole, *(_cached_tokens(s, call, *pair, name=pair[0]) for pair in cached.values()))
    plain = Derived(
        rule="input_tokens − cached_read_tokens − cache_write_tokens",
        operands=parts,
        replay=lambda every, reads, writes: every - reads - writes,
    )
    return between("tokens", s.estimate.workload.input_tokens.mean - read - write, plain)


def _cached_tokens(s: Scene, call: PricedCall, field: str, value: float, name: str = "tokens") -> Operand:
    """Return the cached tokens of a call; the report holds those of each model's first mode."""
    for index, cost in enumerate(s.estimate.cost.by_model):
        if cost.model == call.used.model and cost.caching is not None:
            at = f"{C}.by_model[{index}].caching.{field}"
            if getattr(cost.caching, field) == value:
                return s.ref(at, name)
    note = "the prompt cache of this mode, as of the model in standard mode"
    terms = Derived(rule=field, operands=(s.key("prompt.static_prefix_tokens"),), note=note)
    return between(name, value, terms)
