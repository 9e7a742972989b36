"""The names in a scenario, checked against the books: each unknown one is a fault at its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planner.errors import Fault, InputError
from planner.inputs.scenario import ScenarioFile, fault_at
from planner.inputs.validate import nearest_of
from planner.inputs.yaml_marks import Path_
from planner.specs.books import Books, Shelf
from planner.specs.scenario import Scenario


def check_references(file: ScenarioFile, books: Books) -> None:
    """Refuse names that the books do not hold.

    Raises
    ------
    InputError
        With one fault for every unknown or ambiguous name.
    """
    faults = [
        fault
        for shelf, path, name in (*_api_names(file.scenario, books), *_hosting_names(file.scenario, books))
        for fault in _name_faults(file, shelf, path, name)
    ]
    faults.extend(_account_faults(file, books))
    if faults:
        raise InputError(tuple(faults))


def _api_names(scenario: Scenario, books: Books) -> Iterator[tuple[Shelf[Any], Path_, str]]:
    for index, entry in enumerate(scenario.models):
        if entry.model is not None:
            yield books.api, ("models", index, "model"), entry.model
        for stage, step in enumerate(entry.cascade or ()):
            yield books.api, ("models", index, "cascade", stage, "model"), step.model
    if scenario.reliability.failover_model is not None:
        yield books.api, ("reliability", "failover_model"), scenario.reliability.failover_model


def _hosting_names(scenario: Scenario, books: Books) -> Iterator[tuple[Shelf[Any], Path_, str]]:
    hosting = scenario.hosting
    if hosting is None:
        return
    if hosting.self_hosted is not None:
        at: Path_ = ("hosting", "self_hosted")
        for index, name in enumerate(hosting.self_hosted.models):
            yield books.models, (*at, "models", index), name
        for index, name in enumerate(hosting.self_hosted.gpus):
            yield books.hardware, (*at, "gpus", index), name
    if hosting.edge is not None:
        for index, name in enumerate(hosting.edge.devices):
            yield books.hardware, ("hosting", "edge", "devices", index), name
        if hosting.edge.model is not None:
            yield books.models, ("hosting", "edge", "model"), hosting.edge.model


def _name_faults(file: ScenarioFile, shelf: Shelf[Any], path: Path_, name: str) -> Iterator[Fault]:
    ids = shelf.ids_of(name)
    if len(ids) == 1:
        return
    if ids:
        yield fault_at(file.tree, path, f"one of {', '.join(ids)}", f"the ambiguous name {name!r}")
        return
    near = shelf.nearest(name)
    yield fault_at(file.tree, path, f"a known {shelf.what}", repr(name), near[0] if near else None)


def _account_faults(file: ScenarioFile, books: Books) -> Iterator[Fault]:
    tiers: dict[str, set[str]] = {}
    for edition in books.rate_limits.values():
        tiers.setdefault(edition.provider, set()).update(tier.id for tier in edition.tiers)
    for provider, account in file.scenario.accounts.items():
        if provider not in tiers:
            expected = f"a provider with published tiers ({', '.join(sorted(tiers))})"
            yield fault_at(
                file.tree, ("accounts", provider), expected, repr(provider), nearest_of(provider, list(tiers))
            )
        elif account.tier not in tiers[provider]:
            choices = sorted(tiers[provider])
            at = ("accounts", provider, "tier")
            expected = f"a tier of {provider} ({', '.join(choices)})"
            yield fault_at(file.tree, at, expected, repr(account.tier), nearest_of(account.tier, choices))
