"""What a lock says against what would be locked now."""

from __future__ import annotations

from collections.abc import Iterator

from planner.planning.lock.locked_rules import changed_rules
from planner.specs.gate.lock import Lock, LockedProfiles, LockedRows, LockedScenario
from planner.specs.gate.outcome import Outcome
from planner.specs.gate.staleness import StaleReason


def stale_reasons(lock: Lock, now: Lock) -> tuple[StaleReason, ...]:
    """Return every difference between a lock and the lock of today's inputs; none when it is up to date.

    The version of planner that wrote it is no difference: what a new version computes otherwise shows as a result.
    """
    return tuple(_reasons(lock, now if lock.rules is not None else _of_version_1(now)))


def _of_version_1(lock: Lock) -> Lock:
    """Return a lock with what version 1 held: no ranges of the API's bill. What it had not cannot be out of date."""

    def less(result: Outcome) -> Outcome:
        if not result.api_swings:
            return result
        return result.model_copy(update={"api_swings": {}, "usd_per_month_band": None})

    scenarios = {
        place: each.model_copy(update={"result": less(each.result)}) for place, each in lock.scenarios.items()
    }
    return lock.model_copy(update={"scenarios": scenarios})


def _reasons(lock: Lock, now: Lock) -> Iterator[StaleReason]:
    for place in sorted(now.scenarios.keys() - lock.scenarios.keys()):
        yield StaleReason(kind="scenario added", place=place, subject=now.scenarios[place].name)
    for place, locked in sorted(lock.scenarios.items()):
        if place in now.scenarios:
            yield from _scenario_reasons(place, locked, now.scenarios[place])
        else:
            yield StaleReason(kind="scenario removed", place=place, subject=locked.name)
    yield from _row_reasons(lock.rows, now.rows)
    yield from _profile_reasons(lock.profiles, now.profiles)
    if lock.rules is not None and now.rules is not None:
        for rule in changed_rules(lock.rules, now.rules):
            yield StaleReason(kind="rule changed", place=None, subject=rule)


def _profile_reasons(locked: LockedProfiles, now: LockedProfiles) -> Iterator[StaleReason]:
    """Yield fits that differ. A lock without own machines holds no memory profile: nothing in it hangs on the fits."""
    hosted = locked.vllm_memory and now.vllm_memory
    if hosted and (locked.vllm_memory, locked.serving) != (now.vllm_memory, now.serving):
        yield StaleReason(kind="profile changed", place=None, subject="fitted coefficients of the engine")
    old, new = locked.measured, now.measured
    for name in sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)):
        yield StaleReason(kind="profile changed", place=None, subject=name)


def _scenario_reasons(place: str, locked: LockedScenario, now: LockedScenario) -> Iterator[StaleReason]:
    changed = [
        file
        for file in sorted(locked.inputs.keys() | now.inputs.keys())
        if locked.inputs.get(file) != now.inputs.get(file)
    ]
    for file in changed:
        yield StaleReason(kind="input changed", place=place, subject=file)
    if not changed and (locked.scenario, locked.assumptions) != (now.scenario, now.assumptions):
        yield StaleReason(kind="overridden", place=place, subject="keys set on the command line, or defaults")
    if locked.as_of != now.as_of:
        yield StaleReason(kind="date changed", place=place, subject=f"{locked.as_of} is now {now.as_of}")
    if locked.result != now.result:
        before, after = locked.result.usd_per_month, now.result.usd_per_month
        figures = f"{_usd(before)} is now {_usd(after)}" if before != after else "a figure beside the cost"
        yield StaleReason(kind="result changed", place=place, subject=figures)


def _usd(value: float | None) -> str:
    return "no option" if value is None else f"{value:,.2f} USD/month"


def _row_reasons(locked: LockedRows, now: LockedRows) -> Iterator[StaleReason]:
    for section in type(locked).model_fields:
        old, new = getattr(locked, section), getattr(now, section)
        for key in sorted(old.keys() & new.keys()):
            if old[key] != new[key]:
                yield StaleReason(kind="row changed", place=None, subject=f"{section} {key}")
