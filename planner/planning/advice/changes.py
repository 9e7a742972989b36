"""What following a piece of advice changes in a scenario, so that the real calculator can price it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from planner.formulas.traffic import capped_lognormal_mean
from planner.planning.advice.small_model import cheapest_embedding, cheapest_sibling
from planner.planning.bill.api_cost import Bill, monthly_bill, served_by
from planner.planning.bill.cache_use import lifetimes_offered, with_caching
from planner.planning.bill.flow import asked_of
from planner.planning.bill.response_caches import exact_prior, semantic_prior
from planner.records import dataclass
from planner.specs.base import Quantity
from planner.specs.books.rules import Band
from planner.specs.case import Case
from planner.specs.scenario.caching import PromptCache, ResponseCache, SemanticCache
from planner.specs.scenario.scenario import Batch, CascadeStage, ModelShare, Scenario
from planner.specs.scenario.workload import Workload
from planner.units import percent

# Chosen: a cut that an audit of a prompt finds without taking anything from it that answers need.
SHORTER_PROMPT_FRACTION = 0.10


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """A scenario at a moment: what advice starts from, and what it leads to."""

    case: Case
    workload: Workload
    as_of: date

    @property
    def bill(self) -> Bill:
        """The bill of the first month."""
        return monthly_bill(self.case, self.workload, self.as_of)

    @property
    def usd(self) -> float:
        """What that bill comes to. [USD/month]"""
        return self.bill.usd

    def with_scenario(self, **fields: object) -> Ground:
        """Return the ground with some fields of the scenario replaced."""
        scenario: Scenario = self.case.scenario.model_copy(update=fields)
        return replace(self, case=replace(self.case, scenario=scenario))


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A scenario after advice was followed. ``low`` and ``high`` are it at the ends of the assumed range."""

    after: Ground
    assumption: str
    low: Ground | None = None
    high: Ground | None = None


Builder = Callable[[Ground], Change | str]
"""Returns the change, or why it cannot be made here."""


def _prompt_caching(ground: Ground) -> Change | str:
    cache = ground.case.scenario.caching.prompt
    if cache is not None and cache.enabled:
        return "in place already"
    if ground.workload.static_prefix_tokens <= 0:
        return "the prompt has no stated static prefix"
    after = replace(ground, case=with_caching(ground.case, prompt=PromptCache()))
    return Change(after=after, assumption="one prefix for all, hit rate from traffic and lifetime")


def _cache_lifetime(ground: Ground) -> Change | str:
    cache = ground.case.scenario.caching.prompt
    if cache is None or not cache.enabled or cache.hit_rate is not None:
        return "no prompt cache whose hit rate is derived"
    bill = monthly_bill(ground.case, ground.workload, ground.as_of)
    used = {each.used.ttl for each in bill.priced}
    others = [ttl for ttl in lifetimes_offered(bill) if {ttl} != used]
    if not others or cache.stored_hours_per_day is not None:
        return "the models offer no other lifetime"
    grounds = {
        ttl: replace(ground, case=with_caching(ground.case, prompt=cache.model_copy(update={"ttl": ttl})))
        for ttl in others
    }
    best = min(grounds, key=lambda ttl: grounds[ttl].usd)
    return Change(after=grounds[best], assumption=f"prefixes kept for {best} instead")


def _exact_cache(ground: Ground) -> Change | str:
    if ground.case.scenario.caching.exact is not None:
        return "in place already"

    def at(rate: float) -> Ground:
        return replace(ground, case=with_caching(ground.case, exact=ResponseCache(hit_rate=rate)))

    return _cached(at, exact_prior(ground.case, _alike(ground)))


def _semantic_cache(ground: Ground) -> Change | str:
    caching = ground.case.scenario.caching
    if caching.semantic is not None:
        return "in place already"
    exact = (caching.exact.hit_rate or 0.0) if caching.exact is not None else 0.0
    embedding = cheapest_embedding(ground.case, ground.as_of)

    def at(rate: float) -> Ground:
        layer = SemanticCache(hit_rate=rate, embedding_model=embedding)
        return replace(ground, case=with_caching(ground.case, semantic=layer))

    return _cached(at, semantic_prior(ground.case, exact, _alike(ground)))


def _alike(ground: Ground) -> Band:
    """Return the range of the hit rate if the advice fits at all: requests as alike as those of an FAQ."""
    return ground.case.rules.key_numbers.faq_hit_fraction


def _cached(at: Callable[[float], Ground], hit: Quantity) -> Change:
    assumed = f"{percent(hit.value)} hits ({percent(hit.low)} to {percent(hit.high)}) as with an FAQ, before what running it costs"
    return Change(after=at(hit.value), low=at(hit.low), high=at(hit.high), assumption=assumed)


def _max_tokens(ground: Ground) -> Change | str:
    if ground.case.scenario.prompt.max_tokens is not None:
        return "in place already"
    output = ground.workload.output_tokens
    if output.sigma == 0:
        return "the answers' lengths do not vary as stated; give output_tokens a p95"
    cap = round(output.p95)
    mean = capped_lognormal_mean(output.mean, output.sigma, cap)
    shorter = replace(output, mean=mean, p99=float(cap))
    prompt = ground.case.scenario.prompt.model_copy(update={"max_tokens": cap})
    after = replace(
        ground.with_scenario(prompt=prompt), workload=replace(ground.workload, output_tokens=shorter)
    )
    return Change(after=after, assumption=f"answers cut at {cap:,} tokens, today's p95")


def _smaller_models(ground: Ground) -> Change | str:
    small = _small(ground)
    if small is None:
        return "no cheaper model of the same provider is sold"
    after = replace(ground, case=served_by(ground.case, small))
    return Change(after=after, assumption=f"{small} is good enough for every request")


def _small(ground: Ground) -> str | None:
    """Return the cheapest model of the provider that serves most requests, if it is not in use already."""
    asked = asked_of(ground.case)
    largest = max(asked, key=lambda key: asked[key])[0]
    small = cheapest_sibling(ground.case, ground.workload, largest, ground.as_of)
    return None if small in {model for model, _ in asked} else small


def _single(ground: Ground) -> ModelShare | None:
    """Return the only model of the scenario; ``None`` where requests are routed already."""
    models = ground.case.scenario.models
    return models[0] if len(models) == 1 and models[0].cascade is None else None


def _routing(ground: Ground) -> Change | str:
    large, small = _single(ground), _small(ground)
    if large is None:
        return "in place already"
    if small is None:
        return "no cheaper model of the same provider is sold"
    rule = ground.case.rules.key_numbers.small_model_share

    def at(share: float) -> Ground:
        routed = (ModelShare(model=small, share=share), large.model_copy(update={"share": 1 - share}))
        return ground.with_scenario(models=routed)

    assumption = f"{percent(rule.middle)} of the requests ({percent(rule.low)} to {percent(rule.high)}) are simple enough for {small}"
    return Change(after=at(rule.middle), low=at(rule.low), high=at(rule.high), assumption=assumption)


def _cascade(ground: Ground) -> Change | str:
    large, small = _single(ground), _small(ground)
    if large is None or large.model is None:
        models = ground.case.scenario.models
        return "in place already" if any(entry.cascade for entry in models) else "requests are routed already"
    if small is None:
        return "no cheaper model of the same provider is sold"
    rule = ground.case.rules.key_numbers.small_model_share
    last = CascadeStage(model=large.model, mode=large.mode)

    def at(accept: float) -> Ground:
        stages = (CascadeStage(model=small, accept=accept), last)
        return ground.with_scenario(models=(ModelShare(cascade=stages),))

    assumption = f"{percent(rule.middle)} of the answers of {small} ({percent(rule.low)} to {percent(rule.high)}) are accepted"
    return Change(after=at(rule.middle), low=at(rule.low), high=at(rule.high), assumption=assumption)


def _shorter_prompt(ground: Ground) -> Change | str:
    work, keep = ground.workload, 1 - SHORTER_PROMPT_FRACTION
    tokens = work.input_tokens
    shorter = replace(
        tokens, mean=tokens.mean * keep, p50=tokens.p50 * keep, p95=tokens.p95 * keep, p99=tokens.p99 * keep
    )
    after = replace(
        work,
        input_tokens=shorter,
        static_prefix_tokens=work.static_prefix_tokens * keep,
        parts=tuple(replace(part, amount=part.amount * keep) for part in work.parts),
    )
    shortened = replace(ground, workload=after)
    assumption = f"every part of the prompt {percent(SHORTER_PROMPT_FRACTION)} shorter"
    if _models_caching(shortened) < _models_caching(ground):
        assumption += ", which leaves the prefix too short for the cache"
    return Change(after=shortened, assumption=assumption)


def _models_caching(ground: Ground) -> int:
    """Return how many models find the prefix long enough for their cache."""
    caching = [each.caching for each in ground.bill.priced if each.caching is not None]
    return len({each.model for each in caching if each.cacheable_tokens > 0})


def _batch(ground: Ground) -> Change | str:
    if ground.case.scenario.batch.share > 0:
        return "in place already"
    after = ground.with_scenario(batch=Batch(share=1.0))
    return Change(after=after, assumption="all requests may wait up to a day for the batch API")


def _flex(ground: Ground) -> Change | str:
    models = ground.case.scenario.models
    if any(entry.cascade for entry in models) or any(entry.mode != "standard" for entry in models):
        return "the models are bought in another mode or in a cascade"
    flexible = tuple(entry.model_copy(update={"mode": "flex"}) for entry in models)
    return Change(
        after=ground.with_scenario(models=flexible), assumption="all requests may wait for spare capacity"
    )


def _precomputed_embeddings(ground: Ground) -> Change | str:
    semantic = ground.case.scenario.caching.semantic
    if semantic is None or semantic.embedding_model is None:
        return "no embedding model is in use"
    spared = semantic.model_copy(update={"embedding_model": None})
    after = replace(ground, case=with_caching(ground.case, semantic=spared))
    return Change(after=after, assumption="at most: every embedding is stored beforehand")


# advice -> what following it changes on the bill; advice that is not here changes no bill, or is an option of its own
CHANGES: dict[str, Builder] = {
    "prompt-caching": _prompt_caching,
    "cache-lifetime": _cache_lifetime,
    "exact-cache": _exact_cache,
    "semantic-cache": _semantic_cache,
    "max-tokens": _max_tokens,
    "smaller-models": _smaller_models,
    "shorter-prompt": _shorter_prompt,
    "routing": _routing,
    "cascade": _cascade,
    "custom-batching": _batch,
    "flex-mode": _flex,
    "precompute-embeddings": _precomputed_embeddings,
}
