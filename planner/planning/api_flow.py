"""From incoming requests to calls of models: response caches, shares, cascades, batch and failover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.formulas.reliability import failed_fraction
from planner.specs.books import Books
from planner.specs.price import ApiModel, ModeOrStandard
from planner.specs.scenario import ModelShare, Scenario


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Calls of one model in one mode. ``share`` is calls for each request that reaches the models."""

    model: ApiModel
    share: float
    mode: ModeOrStandard


def reaching_fraction(scenario: Scenario) -> float:
    """Return the share of requests that no response cache answers; an unstated hit rate counts as no hits. [1]"""
    reaching = 1.0
    for layer in (scenario.caching.exact, scenario.caching.semantic):
        reaching *= 1 - ((layer.hit_rate or 0.0) if layer is not None else 0.0)
    return reaching


def calls_of(scenario: Scenario, books: Books) -> tuple[Call, ...]:
    """Return every kind of call that the scenario makes, by model and mode."""
    shares: dict[str, float] = {}
    for entry in scenario.models:
        for name, share in _stages(entry):
            row = books.api.find(name)
            shares[row.id] = shares.get(row.id, 0.0) + share
    _fail_over(shares, scenario, books)
    batch = scenario.batch.share
    modes: tuple[tuple[ModeOrStandard, float], ...] = (("standard", 1 - batch), ("batch", batch))
    return tuple(
        Call(model=books.api.rows[row_id], share=share * part, mode=mode)
        for row_id, share in shares.items()
        for mode, part in modes
        if share * part > 0
    )


def _stages(entry: ModelShare) -> Iterator[tuple[str, float]]:
    """Yield each model of an entry with its calls per request: a cascade's later stages see what is escalated."""
    if entry.model is not None:
        yield entry.model, entry.share
    left = entry.share
    for stage in entry.cascade or ():
        yield stage.model, left
        left *= 1 - stage.accept


def _fail_over(shares: dict[str, float], scenario: Scenario, books: Books) -> None:
    """Move the requests whose retries are spent to the failover model."""
    rules = scenario.reliability
    if rules.failover_model is None or rules.error_rate == 0:
        return
    lost = float(failed_fraction(rules.error_rate, rules.max_retries))
    moved = 0.0
    for row_id, share in tuple(shares.items()):
        moved += share * lost
        shares[row_id] = share * (1 - lost)
    backup = books.api.find(rules.failover_model).id
    shares[backup] = shares.get(backup, 0.0) + moved
