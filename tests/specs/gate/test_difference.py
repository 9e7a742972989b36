"""Changes as shares of what was before."""

import pytest

from planner.specs.gate.difference import Difference, ScenarioDifference
from planner.specs.measured.agreement import Agreement


def scenario(before: float | None, delta: float | None) -> ScenarioDifference:
    return ScenarioDifference(
        name="x",
        status="changed",
        file_before=None,
        file_after=None,
        renamed=False,
        before=None,
        after=None,
        usd_per_month_before=before,
        usd_per_month_after=None,
        delta_usd_per_month=delta,
        causes=(),
        metrics=(),
        within_error=False,
        unknowns=(),
    )


@pytest.mark.parametrize(
    ("before", "delta", "fraction"),
    [(200.0, 50.0, 0.25), (200.0, None, None), (0.0, 50.0, None), (None, 50.0, None)],
)
def test_a_change_is_a_share_of_the_cost_before_where_there_was_one(
    before: float | None, delta: float | None, fraction: float | None
) -> None:
    assert scenario(before, delta).delta_fraction == fraction
    whole = Difference(
        base="a",
        head="b",
        as_of=(),
        scenarios=(scenario(before, delta),),
        usd_per_month_before=before or 0.0,
        usd_per_month_after=0.0,
        delta_usd_per_month=delta or 0.0,
        causes=(),
        unknowns=(),
    )
    assert whole.delta_fraction == ((delta or 0.0) / before if before else None)
    assert not whole.is_empty


def test_an_error_is_predicted_over_measured_less_one() -> None:
    found = Agreement(metric="ttft", statistic="p50", measured_s=0.2, predicted_s=0.25)
    assert found.error_fraction == pytest.approx(0.25)
