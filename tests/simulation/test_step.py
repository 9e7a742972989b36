"""Runs of decode steps in closed form are the sums of their steps."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from planner.errors import UsageError
from planner.simulation.step import StepCosts, cost_table, decode_run, run_time_s, step_time_s, steps_until
from planner.units import FloatArray

COSTS = st.floats(0, 1e-3)


@st.composite
def step_costs(draw: st.DrawFn) -> StepCosts:
    whole_step = draw(st.booleans())
    return StepCosts(
        serial_s=np.full(9, draw(st.floats(1e-4, 0.1))),
        sequence_s=draw(COSTS),
        kv_token_s=draw(COSTS),
        compute_s=np.linspace(0, draw(st.floats(0, 0.1)), 9) if whole_step else None,
        memory_s=np.full(9, draw(st.floats(0, 0.1))) if whole_step else None,
        memory_kv_s=draw(COSTS) if whole_step else 0.0,
    )


@given(step_costs(), st.integers(1, 8), st.integers(0, 500), st.integers(1, 60))
def test_the_time_of_a_run_is_the_sum_of_its_steps(
    costs: StepCosts, sequences: int, context: int, steps: int
) -> None:
    table = cost_table(costs, as_lists=True)
    run = decode_run(table, sequences, context)
    one_by_one = [
        step_time_s(table, sequences, sequences, context + sequences * step, 0.0, prefill=False)
        for step in range(steps)
    ]
    assert run_time_s(run, steps) == pytest.approx(sum(one_by_one))


@given(step_costs(), st.integers(1, 8), st.integers(0, 500), st.floats(0, 5), st.integers(1, 80))
def test_the_steps_until_a_time_are_the_fewest_that_reach_it(
    costs: StepCosts, sequences: int, context: int, duration: float, most: int
) -> None:
    run = decode_run(cost_table(costs, as_lists=True), sequences, context)
    counted = next((n for n in range(1, most + 1) if run_time_s(run, n) >= duration), most)
    assert steps_until(run, duration, most) == counted


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 1000, 123_457])
@pytest.mark.parametrize("base", [0.1, 0.3, 0.7, 0.01])
def test_a_run_that_ends_exactly_on_time_has_no_step_too_many_or_too_few(base: float, steps: int) -> None:
    # n · 0.1 and its division by 0.1 round differently; the root is corrected by a step where they do
    for kv in (0.0, 1e-7):
        costs = StepCosts(serial_s=np.full(9, base), kv_token_s=kv)
        run = decode_run(cost_table(costs, as_lists=True), 3, 100)
        at = run_time_s(run, steps)
        assert steps_until(run, at, 10**6) == steps
        assert steps_until(run, float(np.nextafter(at, np.inf)), 10**6) == steps + 1


@pytest.mark.parametrize(
    "name",
    ["sequence_s", "prefill_overhead_s", "kv_token_s", "pair_s", "compute_pair_s", "memory_kv_s"],
)
@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf")])
def test_a_cost_below_nothing_or_without_end_is_refused(name: str, value: float) -> None:
    costs: dict[str, Any] = {name: value}
    with pytest.raises(UsageError, match=f"step cost {name} must be finite and not negative"):
        StepCosts(serial_s=np.ones(5), **costs)


@pytest.mark.parametrize("table", [np.ones(4), -np.ones(5), np.full(5, np.nan)])
def test_tables_are_finite_not_negative_and_of_one_length(table: FloatArray) -> None:
    with pytest.raises(UsageError, match="step cost table memory_s must be finite"):
        StepCosts(serial_s=np.ones(5), memory_s=table)
