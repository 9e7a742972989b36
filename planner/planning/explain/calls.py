"""Derivations of how many calls there are: response caches, routing, cascades, retries, failover, batch."""

from __future__ import annotations

import math

from planner.formulas.cost import token_cost_usd
from planner.formulas.reliability import attempt_reached_fraction
from planner.planning.bill.calls import PricedCall
from planner.planning.bill.flow import asked_of
from planner.planning.bill.pricing import price_sheet
from planner.planning.bill.response_caches import Layer, embedded_tokens, layers_of
from planner.planning.bill.retries import Outcome, errors_of, outcome_of
from planner.planning.explain.derivation import (
    Derived,
    Operand,
    between,
    known,
    modelled,
    product,
    replayed,
    stated,
    total,
)
from planner.planning.explain.leaves import Scene, price_leaf, rule_leaf
from planner.planning.explain.tokens import tokens_in
from planner.planning.workload.tokens import workload_in
from planner.specs.scenario.caching import SemanticCache
from planner.units import MTOK


def reaching(s: Scene) -> tuple[Operand, ...]:
    """Return the share of requests that reach the models, where response caches stand before them."""
    hits = tuple(_hit(s, layer) for layer in layers_of(s.case))
    if not hits:
        return ()
    rule = " × ".join(f"(1 − {hit.name})" for hit in hits)
    return (
        between(
            "reaching_fraction",
            s.bill.reaching_fraction,
            Derived(rule=rule, operands=hits, replay=_missing_all),
        ),
    )


def _hit(s: Scene, layer: Layer) -> Operand:
    name = f"{layer.name}_hit_rate"
    if layer.spec.hit_rate is not None:
        return s.key(f"caching.{layer.name}.hit_rate", name)
    place = "planner/rules/cheat_sheet.yaml key_numbers"
    prior = rule_leaf(s, "prior", layer.hit.value, place)
    note = "the scenario states no hit rate: the middle of the range for such requests"
    terms = Derived(
        rule="prior", operands=(prior, s.key("caching.queries")), replay=lambda hit, _: hit, note=note
    )
    return between(name, layer.hit.value, terms)


def _missing_all(*hit_rates: float) -> float:
    left = 1.0
    for rate in hit_rates:
        left *= 1 - rate
    return left


def fixed_costs(s: Scene) -> tuple[Operand, ...]:
    """Return what is paid a month however many requests there are: response caches and stored prefixes."""
    return tuple(_fixed(s, line.name, line.usd_per_month) for line in s.bill.fixed)


def _fixed(s: Scene, name: str, usd: float) -> Operand:
    if name != "cache storage":
        layer = name.removesuffix(" cache")
        return s.key(f"caching.{layer}.cost_usd_per_month", f"{layer}_cache_usd_per_month")
    stored = s.refs("cost.by_model[*].caching.storage_usd_per_day", "model", having="caching")
    days = s.ref("workload.days_per_month")
    terms = Derived(
        rule="Σ storage_usd_per_day × days_per_month",
        operands=(*stored, days),
        replay=lambda *values: sum(values[:-1]) * values[-1],
    )
    return between("cache_storage_usd_per_month", usd, terms)


def embeddings(s: Scene) -> tuple[Operand, ...]:
    """Return what embedding the requests that meet the semantic cache costs a month, where it costs something."""
    if not s.bill.embeddings_usd:
        return ()
    layer = next(each for each in layers_of(s.case) if isinstance(each.spec, SemanticCache))
    seen = s.key("caching.semantic.embedding_model", "seen_fraction")
    operands = (
        _embedded(s, layer),
        Operand(name="seen_fraction", value=layer.seen_fraction, origin=seen.origin),
        s.ref("workload.requests_per_month"),
    )
    terms = Derived(
        rule="usd_per_embedding × seen_fraction × requests_per_month",
        operands=operands,
        replay=lambda usd, part, requests: usd * part * requests,
    )
    return (between("query_embeddings_usd_per_month", s.bill.embeddings_usd, terms),)


def _embedded(s: Scene, layer: Layer) -> Operand:
    """Return what embedding one request costs."""
    spec = layer.spec if isinstance(layer.spec, SemanticCache) else SemanticCache()
    model = s.case.books.api.find(known(spec.embedding_model, "model"))
    sheet = price_sheet(model, s.estimate.as_of)
    workload = workload_in(s.case, s.estimate.workload, model)
    family = s.case.rules.family(model.tokenizer)
    longest = float(sheet.context_window_tokens or math.inf)
    tokens = embedded_tokens(spec, workload.input_tokens.mean, workload.static_prefix_tokens, longest)
    sizes = Derived(
        rule="min(input_tokens − static_prefix_tokens, context_window_tokens), unless embedded_tokens are stated",
        operands=(
            tokens_in(s, workload, family, "input_tokens"),
            tokens_in(s, workload, family, "static_prefix_tokens"),
            s.key("caching.semantic.embedded_tokens"),
            price_leaf(sheet.used, "context_window_tokens", value=longest),
        ),
        replay=lambda whole, prefix, given, window: (
            given if given is not None else min(max(whole - prefix, 0.0), window)
        ),
    )
    price = price_leaf(sheet.used, "input_usd_per_mtok", "usd_per_mtok")
    terms = Derived(
        rule="embedded_tokens × usd_per_mtok ÷ 1,000,000",
        operands=(between("embedded_tokens", tokens, sizes), price),
        formula=token_cost_usd,
        replay=lambda count, usd: token_cost_usd(count, usd / MTOK),
    )
    return between("usd_per_embedding", tokens * sheet.used.input_usd_per_mtok / MTOK, terms)


def share(s: Scene, index: int) -> Derived:
    """Return answered calls of a model for each request that reaches the models."""
    model = s.estimate.cost.by_model[index].model
    outcome = outcome_of(errors_of(s.case))
    own = _routed(s, {model})
    if not errors_of(s.case):
        return own
    answered = _answered(s, outcome)
    mine = between("routed_to_it", replayed(own), own)
    backup = s.case.scenario.reliability.failover_model
    if backup is None or s.case.books.api.find(backup).id != model:
        return product(mine, answered)
    everything = _routed(s, {row for row, _ in asked_of(s.case)})
    spent = between("spent_fraction", outcome.spent_fraction, _ends(s, "requests whose retries are used up"))
    return Derived(
        rule="(routed_to_it + routed_to_all × spent_fraction) × answered_fraction",
        operands=(mine, between("routed_to_all", replayed(everything), everything), spent, answered),
        replay=lambda it, every, gone, kept: (it + every * gone) * kept,
    )


def _answered(s: Scene, outcome: Outcome) -> Operand:
    return between(
        "answered_fraction", outcome.answered_fraction, _ends(s, "requests that some attempt answers")
    )


def _ends(s: Scene, what: str) -> Derived:
    """Return where requests end under the errors and retries of the scenario."""
    rates = (
        "reliability.errors" if s.case.scenario.reliability.errors is not None else "reliability.error_rate"
    )
    note = f"share of the {what}, over all classes of error"
    return modelled(attempt_reached_fraction, s.key(rates), s.key("reliability.max_retries"), note=note)


def _routed(s: Scene, models: set[str]) -> Derived:
    """Return the calls that shares and cascades send to some models."""
    terms = [term for entry in range(len(s.case.scenario.models)) for term in _entry_terms(s, entry, models)]
    if not terms:
        return Derived(
            rule="0: only failover calls it",
            operands=(s.key("reliability.failover_model"),),
            replay=lambda _: 0.0,
        )
    return total(*terms) if len(terms) > 1 else terms[0].terms or stated(terms[0])


def _entry_terms(s: Scene, entry: int, models: set[str]) -> list[Operand]:
    """Return what one entry of ``models`` sends to some models."""
    at, found = f"models[{entry}]", s.case.scenario.models[entry]
    part = s.key(f"{at}.share")
    if found.model is not None:
        return [part] if s.case.books.api.find(found.model).id in models else []
    accepts: list[Operand] = []
    terms = []
    left = found.share
    for stage, step in enumerate(found.cascade or ()):
        if s.case.books.api.find(step.model).id in models:
            rule = "share" + "".join(" × (1 − accept)" for _ in accepts)
            derived = Derived(rule=rule, operands=(part, *accepts), replay=_escalated)
            terms.append(between("calls_per_request", left, derived))
        accepts.append(s.key(f"{at}.cascade[{stage}].accept"))
        left *= 1 - step.accept
    return terms


def _escalated(left: float, *accepts: float) -> float:
    for accept in accepts:
        left *= 1 - accept
    return left


def call_share(s: Scene, call: PricedCall, of_model: int) -> Operand:
    """Return calls of one kind per request: the model's own, split by mode, batch and off-peak hours."""
    whole = s.ref(f"cost.by_model[{of_model}].share", "calls_per_request")
    if call.call.share == whole.value:
        return whole
    terms = Derived(
        rule=f"the part of calls_per_request in {call.used.mode} mode"
        + (" off-peak" if call.call.off_peak else ""),
        operands=(
            whole,
            s.key("batch.share", "batch_share"),
            *(
                s.key(f"models[{entry}].mode")
                for entry, each in enumerate(s.case.scenario.models)
                if each.model
            ),
        ),
        note="batch first, then modes as routed, then the hours of the day",
    )
    return between("calls_per_request", call.call.share, terms)
