"""Changes as shares of what was before."""

import pytest

from planner.specs.measured.agreement import Agreement
from tests.differences import main_against_tree, scenario_change


@pytest.mark.parametrize(
    ("before", "delta", "fraction"),
    [(200.0, 50.0, 0.25), (200.0, None, None), (0.0, 50.0, None), (None, 50.0, None)],
)
def test_a_change_is_a_share_of_the_cost_before_where_there_was_one(
    before: float | None, delta: float | None, fraction: float | None
) -> None:
    change = scenario_change("x", before=before, delta=delta)
    assert change.delta_fraction == fraction
    whole = main_against_tree(change)
    assert whole.delta_fraction == ((delta or 0.0) / before if before else None)
    assert not whole.is_empty


def test_an_error_is_predicted_over_measured_less_one() -> None:
    found = Agreement(metric="ttft", statistic="p50", measured_s=0.2, predicted_s=0.25)
    assert found.error_fraction == pytest.approx(0.25)
