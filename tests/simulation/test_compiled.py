"""What is handed to numba, with a numba that compiles nothing: the same functions over arrays, by their own names."""

import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

from planner.simulation.compiled import WORTH_COMPILING_REQUESTS, compiled_kernel, is_worth_compiling
from planner.simulation.engine import simulate
from tests.simulation.cases import random_batch, random_costs, random_limits

COPIES: list[FunctionType] = []


def njit(
    function: FunctionType | None = None, **_: object
) -> FunctionType | Callable[[FunctionType], FunctionType]:
    """Stand in for ``numba.njit``: note the function and give it back as it is."""

    def kept(given: FunctionType) -> FunctionType:
        COPIES.append(given)
        return given

    return kept if function is None else kept(function)


@pytest.fixture
def _interpreted_numba(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    numba: Any = ModuleType("numba")
    numba.njit = njit
    numba.__spec__ = ModuleSpec("numba", None)
    monkeypatch.setitem(sys.modules, "numba", numba)
    compiled_kernel.cache_clear()
    COPIES.clear()
    yield
    compiled_kernel.cache_clear()


@pytest.mark.usefixtures("_interpreted_numba")
@pytest.mark.parametrize("seed", range(5))
def test_the_kernel_gives_over_arrays_the_very_times_that_it_gives_over_lists(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = random_limits(rng)
    costs, batch = random_costs(rng, limits.max_num_batched_tokens), random_batch(rng)
    lists, arrays = (simulate(batch, costs=costs, limits=limits, compiled=fast) for fast in (False, True))
    for name in ("scheduled_s", "first_token_s", "last_token_s", "preemptions"):
        np.testing.assert_array_equal(getattr(arrays, name), getattr(lists, name))


@pytest.mark.usefixtures("_interpreted_numba")
def test_callees_are_compiled_before_their_callers_and_named_for_their_edition() -> None:
    kernel = compiled_kernel()
    names = [copy.__qualname__.rsplit("_", 1) for copy in COPIES]
    assert len({edition for _, edition in names}) == 1  # one hash over all of them
    assert names[-1][0] == "run_engine"
    assert kernel is COPIES[-1]
    compiled = {copy.__name__ for copy in COPIES}
    assert {"step_time_s", "decode_run", "steps_until"} <= compiled
    namespace = COPIES[-1].__globals__
    assert all(namespace[copy.__name__] is copy for copy in COPIES[:-1])  # the entry calls the compiled ones


@pytest.mark.usefixtures("_interpreted_numba")
def test_compiling_is_worth_it_for_long_jobs_and_for_all_once_it_is_done() -> None:
    assert not is_worth_compiling(WORTH_COMPILING_REQUESTS - 1)
    assert is_worth_compiling(WORTH_COMPILING_REQUESTS)
    compiled_kernel()
    assert is_worth_compiling(1)
