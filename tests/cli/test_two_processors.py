"""A long list is worked off in two halves, and nothing but the time tells."""

import os
import time

import pytest

from planner.cli import two_processors
from planner.cli.two_processors import WORTH_IT, in_two
from planner.errors import DataError
from planner.planning.diff.difference import difference
from planner.specs.gate.side import Side
from tests.cases_of import entry_of
from tests.planning.diff.test_drift import CHAT
from tests.strategies import built

MANY = range(WORTH_IT + 1)


@pytest.fixture(autouse=True)
def _two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_processors, "_processors", lambda: 2)


def test_the_second_half_is_done_by_another_process_and_keeps_its_place() -> None:
    done = in_two(lambda item: (item, os.getpid()), MANY)
    assert [item for item, _ in done] == list(MANY)
    assert {process for _, process in done[: len(MANY) // 2]} == {os.getpid()}
    assert os.getpid() not in {process for _, process in done[len(MANY) // 2 :]}


def test_a_short_list_or_a_single_processor_is_worked_off_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(in_two(lambda _: os.getpid(), range(WORTH_IT - 1))) == {os.getpid()}
    monkeypatch.setattr(two_processors, "_processors", lambda: 1)
    assert set(in_two(lambda _: os.getpid(), MANY)) == {os.getpid()}


@pytest.mark.parametrize("bad", [3, WORTH_IT])
def test_an_error_of_either_half_comes_with_its_message(bad: int) -> None:
    def work(item: int) -> int:
        if item == bad:
            raise DataError(f"no price for {item}")
        return item

    with pytest.raises(DataError, match=f"no price for {bad}"):
        in_two(work, MANY)


def test_an_error_here_ends_the_other_process_at_once_and_leaves_none_behind() -> None:
    def work(item: int) -> None:
        if item == 0:
            raise DataError("no price for 0")
        time.sleep(60)

    start = time.monotonic()
    with pytest.raises(DataError):
        in_two(work, MANY)
    assert time.monotonic() - start < 30
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_diff_in_two_halves_is_the_diff() -> None:
    def side(name: str, per_day: float) -> Side:
        more = {"traffic": {"requests_per_day": per_day}}
        entries = tuple(entry_of(built(CHAT | more | {"name": f"c{n}"}), f"{n}.yaml") for n in MANY)
        return Side(label=name, entries=entries)

    base, head = side("a", 10_000.0), side("b", 12_000.0)
    assert difference(base, head, each=in_two) == difference(base, head)


def test_a_system_that_cannot_fork_has_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert two_processors._processors() >= 1
    monkeypatch.delattr(os, "fork")
    assert two_processors._processors() == 1
