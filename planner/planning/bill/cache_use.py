"""What each cache of a scenario answers, costs and saves: the bill with it against the bill without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from planner.planning.bill.api_cost import Bill, embeddings_usd_per_request, monthly_bill
from planner.planning.bill.response_caches import Layer, layers_of
from planner.specs.answers.api_plan import CacheUse, PromptCacheUse, TtlSaving
from planner.specs.answers.estimate import RARE_SHARE
from planner.specs.base import Quantity
from planner.specs.books.price import Ttl
from planner.specs.books.rules import Band
from planner.specs.case import Case
from planner.specs.scenario.caching import Caching, PromptCache, SemanticCache
from planner.specs.scenario.workload import Workload


def with_caching(case: Case, **layers: object) -> Case:
    """Return the case with some layers of its caching replaced."""
    caching: Caching = case.scenario.caching.model_copy(update=layers)
    return replace(case, scenario=case.scenario.model_copy(update={"caching": caching}))


def cache_uses(case: Case, workload: Workload, bill: Bill, as_of: date) -> tuple[CacheUse, ...]:
    """Return each response cache of a scenario in the order in which a request meets them."""
    return tuple(_use(layer, case, workload, bill, as_of) for layer in layers_of(case))


def _use(layer: Layer, case: Case, workload: Workload, bill: Bill, as_of: date) -> CacheUse:
    requests = workload.requests_per_month
    embeddings = isinstance(layer.spec, SemanticCache)
    own = embeddings_usd_per_request(case, workload, as_of) * requests if embeddings else 0.0
    return CacheUse(
        name=layer.name,
        hit=layer.hit,
        stated=layer.spec.hit_rate is not None,
        seen_requests_per_month=requests * layer.seen_fraction,
        answered_requests_per_month=requests * layer.seen_fraction * layer.hit.value,
        left_requests_per_month=requests * layer.left_fraction,
        usd_per_month=own + layer.spec.cost_usd_per_month,
        added_latency_s=_quantity(layer.lookup_s),
        saving_usd_per_month=_saving(layer, case, workload, bill, as_of),
    )


def _quantity(band: Band) -> Quantity:
    return Quantity(value=band.middle, low=band.low, high=band.high, grade="assumed")


def _saving(layer: Layer, case: Case, workload: Workload, bill: Bill, as_of: date) -> Quantity:
    """Return the bill without the layer less the bill with it, also at the ends of the hit rate's range.

    The other layer keeps its hit rate: a prior is not shared out anew.
    """
    kept = frozen(case)
    without = monthly_bill(with_caching(kept, **{layer.name: None}), workload, as_of).usd
    low, high = (
        bill.usd if hit == layer.hit.value else _bill_at(layer, hit, kept, workload, as_of)
        for hit in (layer.hit.low, layer.hit.high)
    )
    return Quantity(value=without - bill.usd, low=without - low, high=without - high, grade=layer.hit.grade)


def frozen(case: Case) -> Case:
    """Return the case with the hit rates of its response caches stated, as they are now."""
    stated = {
        layer.name: layer.spec.model_copy(update={"hit_rate": layer.hit.value}) for layer in layers_of(case)
    }
    return with_caching(case, **stated)


def _bill_at(layer: Layer, hit: float, case: Case, workload: Workload, as_of: date) -> float:
    spec = layer.spec.model_copy(update={"hit_rate": hit})
    return monthly_bill(with_caching(case, **{layer.name: spec}), workload, as_of).usd


def prompt_cache_use(case: Case, workload: Workload, bill: Bill, as_of: date) -> PromptCacheUse | None:
    """Return what the prompt cache saves, with the lifetime bought and with the others; ``None`` where it is off."""
    cache = case.scenario.caching.prompt
    if cache is None or not cache.enabled:
        return None
    without = monthly_bill(with_caching(case, prompt=None), workload, as_of).usd
    derived = cache.stored_hours_per_day is None and cache.hit_rate is None
    offered = lifetimes_offered(bill) if derived else ()
    by_ttl = tuple(
        TtlSaving(ttl=ttl, saving_usd_per_month=without - _bill_with(ttl, cache, case, workload, as_of))
        for ttl in offered
    )
    return PromptCacheUse(saving_usd_per_month=without - bill.usd, by_ttl=by_ttl if len(by_ttl) > 1 else ())


def lifetimes_offered(bill: Bill) -> tuple[Ttl, ...]:
    """Return the lifetimes that any model of the bill offers, defaults first."""
    most = max(each.call.share for each in bill.priced)
    rules = [each.call.model.cache for each in bill.priced if each.call.share >= most * RARE_SHARE]
    return tuple(dict.fromkeys(ttl for each in rules if each is not None for ttl in each.ttls))


def _bill_with(ttl: Ttl, cache: PromptCache, case: Case, workload: Workload, as_of: date) -> float:
    changed = cache.model_copy(update={"ttl": ttl})
    return monthly_bill(with_caching(case, prompt=changed), workload, as_of).usd
