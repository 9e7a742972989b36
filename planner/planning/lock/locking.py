"""Scenarios into a lock, and a lock back into scenarios that can be priced without any other file."""

from __future__ import annotations

import json
from dataclasses import replace

from planner.errors import DataError, UsageError
from planner.planning.hosting.configurations import Workbenches
from planner.planning.lock.locked_rules import laid_over, used_rules
from planner.planning.lock.outcome import outcome_at
from planner.planning.lock.row_keys import RowKeys, row_id_of
from planner.planning.lock.used_rows import Rows, WatchedBooks, books_of
from planner.planning.workload.assumptions import assumed, completed
from planner.planning.workload.trace import summary_of
from planner.specs.books.books import Books
from planner.specs.books.rules import Rules
from planner.specs.case import Case
from planner.specs.decimals import decimals_as_text
from planner.specs.gate.lock import Lock, LockedProfiles, LockedRows, LockedRules, LockedScenario
from planner.specs.gate.outcome import Outcome
from planner.specs.gate.side import Entry, Side
from planner.specs.profiles.memory import EngineMemoryProfile
from planner.specs.profiles.serving import ServingProfile
from planner.specs.scenario.scenario import Scenario


def priced(entry: Entry, benches: Workbenches) -> tuple[Outcome, Rows]:
    """Return what a scenario costs, and the rows of the books that the answer rests on.

    Raises
    ------
    DataError, UsageError
        As :func:`planner.planning.lock.figures.figures_of`.
    """
    watched = WatchedBooks(entry.case.books)
    case = replace(entry.case, books=watched.books)
    outcome = outcome_at(case, entry.as_of, benches.of(case))
    return outcome, watched.used(entry.as_of)


def _priced_by_name(entry: Entry, benches: Workbenches) -> tuple[Outcome, Rows]:
    """Price a scenario; a refusal says which one it is about."""
    try:
        return priced(entry, benches)
    except (DataError, UsageError) as error:
        raise type(error)(f"{entry.place}: {error.message}", cure=error.cure) from None


def lock_of(side: Side, *, planner: str, seed: int = 0) -> Lock:
    """Return the lock of a side's scenarios at the prices of their books.

    Raises
    ------
    DataError, UsageError
        When one of them cannot be priced.
    """
    benches = Workbenches()
    found = [(entry, *_priced_by_name(entry, benches)) for entry in side.entries]
    keys = RowKeys()
    for _, _, rows in found:
        keys.add(rows)
    hosted = [entry.case for entry, _, rows in found if rows["hardware"]]
    kept = LockedRows.model_validate(keys.rows())
    return Lock(
        planner=planner,
        seed=seed,
        scenarios={entry.place: _locked(entry, outcome, keys.keys(rows)) for entry, outcome, rows in found},
        rows=kept,
        profiles=LockedProfiles(
            vllm_memory=hosted[0].vllm_memory if hosted else None,
            serving=hosted[0].profiles if hosted else (),
            measured=dict(hosted[0].measured) if hosted else {},
        ),
        rules=_rules(side, kept),
    )


def _rules(side: Side, kept: LockedRows) -> LockedRules | None:
    if not side.entries:
        return None
    cases = [entry.case for entry in side.entries]
    return used_rules(cases, kept.api.values(), [model.family for model in kept.models.values()])


def _locked(entry: Entry, outcome: Outcome, rows: dict[str, tuple[str, ...]]) -> LockedScenario:
    scenario = entry.case.scenario
    return LockedScenario(
        name=scenario.name,
        as_of=entry.as_of,
        inputs=dict(entry.inputs),
        scenario=decimals_as_text(scenario.model_dump(mode="json", exclude_unset=True)),
        assumptions=decimals_as_text(assumed(scenario)),
        texts=dict(entry.case.texts),
        trace=summary_of(entry.case),
        rows=rows,
        result=outcome,
    )


def side_of(
    lock: Lock,
    *,
    label: str,
    rules: Rules,
    vllm_memory: EngineMemoryProfile,
    profiles: tuple[ServingProfile, ...],
) -> Side:
    """Return a lock's scenarios with the lock's own rows as their books.

    Parameters
    ----------
    lock : the lock.
    label : what messages call it.
    rules : rules of thumb of today: those that give advice, and all for a lock that holds none.
    vllm_memory, profiles : for a lock without hosting, whose results do not depend on them.
    """
    memory, ruled = lock.profiles.vllm_memory or vllm_memory, laid_over(rules, lock.rules)
    entries = tuple(
        Entry(
            place=place,
            case=Case(
                scenario=scenario_in(each),
                file=place,
                books=_books(lock, each, label),
                rules=ruled,
                texts=each.texts,
                vllm_memory=memory,
                profiles=lock.profiles.serving or profiles,
                measured=lock.profiles.measured,
                summary=each.trace,
            ),
            as_of=each.as_of,
            inputs=each.inputs,
            recorded=each.result,
            planner=lock.planner,
        )
        for place, each in lock.scenarios.items()
    )
    return Side(label=label, entries=entries)


def scenario_in(locked: LockedScenario) -> Scenario:
    """Return the scenario as it was, with the defaults of the planner that locked it.

    Decimals are text in a lock, so they are read leniently.
    """
    as_given = _scenario(locked.scenario)
    if decimals_as_text(assumed(as_given)) == locked.assumptions:
        return as_given  # today's defaults are those of then
    return _scenario(completed(locked.scenario, locked.assumptions))


def _scenario(keys: dict[str, object]) -> Scenario:
    return Scenario.model_validate_json(json.dumps(keys), strict=False)


def _books(lock: Lock, locked: LockedScenario, source: str) -> Books:
    rows: dict[str, dict[str, object]] = {}
    for section, keys in locked.rows.items():
        kept = getattr(lock.rows, section)
        rows[section] = {row_id_of(key): kept[key] for key in keys}
    return books_of(rows, source)
