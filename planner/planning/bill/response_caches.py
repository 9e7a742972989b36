"""The caches of whole answers in front of the models: how much each answers, and what it leaves."""

from __future__ import annotations

from typing import Literal

from planner.records import dataclass
from planner.specs.base import Quantity
from planner.specs.books.rules import Band
from planner.specs.case import Case
from planner.specs.scenario.caching import ResponseCache, SemanticCache

LayerName = Literal["exact", "semantic"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One response cache: the share of the requests that reach it, and the share of those that it answers."""

    name: LayerName
    spec: ResponseCache
    seen_fraction: float
    hit: Quantity
    lookup_s: Band

    @property
    def left_fraction(self) -> float:
        """The share of all requests that it passes on. [1]"""
        return self.seen_fraction * (1 - self.hit.value)


def layers_of(case: Case) -> tuple[Layer, ...]:
    """Return the response caches of a scenario in the order in which a request meets them."""
    caching, numbers = case.scenario.caching, case.rules.key_numbers
    found: list[Layer] = []
    seen, exact_hit = 1.0, Quantity(value=0.0, low=0.0, high=0.0, grade="assumed")
    if caching.exact is not None:
        exact_hit = _stated(caching.exact) or exact_prior(case)
        found.append(
            Layer(
                name="exact",
                spec=caching.exact,
                seen_fraction=seen,
                hit=exact_hit,
                lookup_s=numbers.exact_lookup_s,
            )
        )
        seen = found[-1].left_fraction
    if caching.semantic is not None:
        hit = _stated(caching.semantic) or semantic_prior(case, exact_hit.value)
        found.append(
            Layer(
                name="semantic",
                spec=caching.semantic,
                seen_fraction=seen,
                hit=hit,
                lookup_s=numbers.semantic_lookup_s,
            )
        )
    return tuple(found)


def reaching_fraction(case: Case) -> float:
    """Return the share of requests that no response cache answers. [1]"""
    layers = layers_of(case)
    return layers[-1].left_fraction if layers else 1.0


def _stated(layer: ResponseCache) -> Quantity | None:
    rate = layer.hit_rate
    return None if rate is None else Quantity(value=rate, low=rate, high=rate, grade="assumed")


def together_prior(case: Case) -> Band:
    """Return the range of the share that response caches answer together; that of unlike requests where unstated."""
    numbers = case.rules.key_numbers
    alike = case.scenario.caching.queries == "faq"
    return numbers.faq_hit_fraction if alike else numbers.unique_hit_fraction


def exact_prior(case: Case, together: Band | None = None) -> Quantity:
    """Return the assumed hit rate of an exact cache: the whole range alone, its low end before a semantic one.

    The source gives one range for answers from caches and ranks the exact cache below the semantic one.
    """
    band = together or together_prior(case)
    if case.scenario.caching.semantic is not None:
        return Quantity(value=band.low, low=band.low, high=band.low, grade="assumed")
    return Quantity(value=band.middle, low=band.low, high=band.high, grade="assumed")


def semantic_prior(case: Case, exact_hit: float, together: Band | None = None) -> Quantity:
    """Return the assumed hit rate of a semantic cache on what an exact one leaves: both together keep the range."""
    band = together or together_prior(case)

    def of_the_rest(total: float) -> float:
        return max(total - exact_hit, 0.0) / (1 - exact_hit) if exact_hit < 1 else 0.0

    return Quantity(
        value=of_the_rest(band.middle),
        low=of_the_rest(band.low),
        high=of_the_rest(band.high),
        grade="assumed",
    )


def embedded_tokens(
    layer: SemanticCache, input_tokens: float, static_prefix_tokens: float, longest_tokens: float
) -> float:
    """Return what one request embeds: as stated, else what the embedding model takes of its own part. [tokens]"""
    if layer.embedded_tokens is not None:
        return layer.embedded_tokens
    return min(max(input_tokens - static_prefix_tokens, 0.0), longest_tokens)
