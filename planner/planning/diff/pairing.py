"""Which scenario of one side is which of the other: the same file, the same name, or the most alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from planner.specs.gate.side import Entry
from planner.specs.scenario.scenario import Scenario

ALIKE = 0.6  # share of equal keys from which a deleted and a new scenario count as one that was renamed

Pair = tuple[Entry, Entry] | tuple[Entry, None] | tuple[None, Entry]
Key = Callable[[Entry], str]
Left = dict[int, Entry]  # by position: entries are compared by identity, never by value


def pairs_of(base: Sequence[Entry], head: Sequence[Entry]) -> Iterator[Pair]:
    """Yield each scenario with its counterpart; ``None`` stands for one that the other side does not have."""
    if len(base) == len(head) == 1:  # two files that were named to be compared
        yield base[0], head[0]
        return
    gone, new = dict(enumerate(base)), dict(enumerate(head))
    yield from _taken(gone, new, lambda entry: entry.place)
    yield from _taken(gone, new, _file_name, also=same_file)
    yield from _taken(gone, new, lambda entry: entry.case.scenario.name)
    yield from _alike(gone, new)
    yield from ((entry, None) for entry in gone.values())
    yield from ((None, entry) for entry in new.values())


def same_file(old: Entry, new: Entry) -> bool:
    """Tell whether two places are the same file, seen from folders of which one may lie inside the other."""
    if old.place == new.place:
        return True
    return old.place.endswith("/" + new.place) or new.place.endswith("/" + old.place)


def _file_name(entry: Entry) -> str:
    return entry.place.rsplit("/", 1)[-1]


def _taken(
    gone: Left, new: Left, key: Key, *, also: Callable[[Entry, Entry], bool] = lambda _old, _new: True
) -> Iterator[Pair]:
    """Yield the pairs with equal keys that no other scenario of their side has, and take them off both lists."""
    here, there = _by_key(gone, key), _by_key(new, key)
    for name, (old, *more) in here.items():
        found = there.get(name, [])
        if not more and len(found) == 1 and also(gone[old], new[found[0]]):
            yield gone.pop(old), new.pop(found[0])


def _by_key(left: Left, key: Key) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, entry in left.items():
        found.setdefault(key(entry), []).append(index)
    return found


def _alike(gone: Left, new: Left) -> Iterator[Pair]:
    """Yield deleted and new scenarios that say mostly the same, the most alike first."""
    if not gone or not new:
        return
    old_facts = {index: frozenset(_facts(entry.case.scenario)) for index, entry in gone.items()}
    new_facts = {index: frozenset(_facts(entry.case.scenario)) for index, entry in new.items()}
    found = [
        (_share(mine, theirs), old, other)
        for old, mine in old_facts.items()
        for other, theirs in new_facts.items()
    ]
    for share, old, other in sorted(found, key=lambda each: -each[0]):
        if share >= ALIKE and old in gone and other in new:
            yield gone.pop(old), new.pop(other)


def _share(old: frozenset[str], new: frozenset[str]) -> float:
    return len(old & new) / len(old | new)


def _facts(scenario: Scenario) -> Iterator[str]:
    return _leaves(scenario.model_dump(mode="json", exclude_unset=True, exclude={"name", "description"}), "")


def _leaves(value: object, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{at}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{at}[{index}]")
    else:
        yield f"{at}={value}"
