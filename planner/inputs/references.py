"""The names in a scenario, checked against the books: each unknown one is a fault at its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from planner.errors import Fault, InputError
from planner.inputs.scenario import ScenarioFile, fault_at
from planner.inputs.validate import nearest_of
from planner.inputs.yaml_marks import Path_
from planner.specs.books.books import Books, Shelf
from planner.specs.scenario.scenario import Scenario


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
    faults.extend(_currency_faults(file, books))
    if faults:
        raise InputError(tuple(faults))


def _api_names(scenario: Scenario, books: Books) -> Iterator[tuple[Shelf[object], Path_, str]]:
    for index, entry in enumerate(scenario.models):
        if entry.model is not None:
            yield books.api, ("models", index, "model"), entry.model
        for stage, step in enumerate(entry.cascade or ()):
            yield books.api, ("models", index, "cascade", stage, "model"), step.model
    if scenario.reliability.failover_model is not None:
        yield books.api, ("reliability", "failover_model"), scenario.reliability.failover_model
    semantic = scenario.caching.semantic
    if semantic is not None and semantic.embedding_model is not None:
        yield books.api, ("caching", "semantic", "embedding_model"), semantic.embedding_model


def _hosting_names(scenario: Scenario, books: Books) -> Iterator[tuple[Shelf[object], Path_, str]]:
    hosting = scenario.hosting
    if hosting is None:
        return
    if hosting.self_hosted is not None:
        at: Path_ = ("hosting", "self_hosted")
        for index, name in enumerate(hosting.self_hosted.models):
            yield books.models, (*at, "models", index), name
        for index, name in enumerate(hosting.self_hosted.gpus):
            yield books.hardware, (*at, "gpus", index), name
        owned = hosting.self_hosted.owned
        if owned is not None and owned.gpu is not None:
            yield books.hardware, (*at, "owned", "gpu"), owned.gpu
    if hosting.edge is not None:
        for index, name in enumerate(hosting.edge.devices):
            yield books.hardware, ("hosting", "edge", "devices", index), name
        if hosting.edge.model is not None:
            yield books.models, ("hosting", "edge", "model"), hosting.edge.model


def _name_faults(file: ScenarioFile, shelf: Shelf[object], path: Path_, name: str) -> Iterator[Fault]:
    ids = shelf.ids_of(name)
    if len(ids) == 1:
        return
    if ids:
        yield fault_at(file.tree, path, f"one of {', '.join(ids)}", f"the ambiguous name {name!r}")
        return
    near = shelf.nearest(name)
    yield fault_at(file.tree, path, f"a known {shelf.what}", repr(name), near[0] if near else None)


def _account_faults(file: ScenarioFile, books: Books) -> Iterator[Fault]:
    if not file.scenario.accounts:
        return
    tiers: dict[str, set[str]] = {}
    for edition in books.rate_limits.values():
        tiers.setdefault(edition.provider, set()).update(tier.id for tier in edition.tiers)
    providers = tiers.keys() | {row_id.split("/", 1)[0] for row_id in books.api.rows}
    for provider, account in file.scenario.accounts.items():
        at: Path_ = ("accounts", provider)
        if provider not in providers:
            yield _choose(file, at, "a provider of the books", provider, providers)
            continue
        if account.tier is not None:
            yield from _tier_faults(file, provider, account.tier, tiers.get(provider))
        about = {name for name, row in books.contracts.items() if row.provider == provider}
        if account.contract is not None and account.contract not in about:
            what = f"a contract with {provider} in your own pricing book"
            yield _choose(file, (*at, "contract"), what, account.contract, about)


def _tier_faults(
    file: ScenarioFile, provider: str, tier: str, published: Collection[str] | None
) -> Iterator[Fault]:
    at: Path_ = ("accounts", provider, "tier")
    if published is None:
        yield fault_at(file.tree, at, f"no tier, as {provider} publishes none", repr(tier))
    elif tier not in published:
        yield _choose(file, at, f"a tier of {provider}", tier, published)


def _currency_faults(file: ScenarioFile, books: Books) -> Iterator[Fault]:
    known = {"USD"} | {rate.currency for rate in books.currencies.values()}
    currency = file.scenario.currency
    if currency is not None and currency not in known:
        yield _choose(file, ("currency",), "a currency with a rate in your own pricing book", currency, known)


def _choose(file: ScenarioFile, at: Path_, what: str, found: str, choices: Collection[str]) -> Fault:
    listed = f"{what} ({', '.join(sorted(choices)) or 'it holds none'})"
    return fault_at(file.tree, at, listed, repr(found), nearest_of(found, list(choices)))
