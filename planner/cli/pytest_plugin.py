"""A pytest plugin: what a scenario costs, as a value to assert on.

``def test_budget(planner_cost): assert planner_cost("scenarios/chat.yaml").usd_per_month < 2000``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from planner.specs.answers.estimate import Estimate

PlannerCost = Callable[..., "PlannedCost"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedCost:
    """What one scenario costs under the recommended option, and the whole estimate behind it."""

    usd_per_month: float
    usd_per_day: float
    usd_per_request: float
    api_usd_per_month: float
    option: str
    estimate: Estimate


@pytest.fixture
def planner_cost(request: pytest.FixtureRequest) -> PlannerCost:
    """Return a function from a scenario's file to its cost; paths are from pytest's root, or from the test's folder.

    ``as_of`` sets the price date; further keyword-free arguments are overrides such as ``"batch.share=0.5"``.
    """

    def cost(scenario: str | Path, *sets: str, as_of: date | None = None) -> PlannedCost:
        return _cost(_found(Path(scenario), request), sets, as_of)

    return cost


def _found(file: Path, request: pytest.FixtureRequest) -> Path:
    places = (request.config.rootpath / file, request.path.parent / file)
    return next((place for place in places if place.exists()), file)


def _cost(file: Path, sets: tuple[str, ...], as_of: date | None) -> PlannedCost:
    """Estimate one scenario; planner's errors come out as messages, not as tracebacks of planner."""
    from planner.cli.options import today
    from planner.errors import PlannerError
    from planner.inputs.estimating import read_all
    from planner.planning.estimate import estimate_scenario

    try:
        (case,) = read_all((file,), sets)
        made = estimate_scenario(case, as_of or case.scenario.as_of or today())
    except PlannerError as error:
        pytest.fail(f"{error.message}" + (f"\ncure: {error.cure}" if error.cure else ""), pytrace=False)
    chosen = made.recommendation.hosting
    if chosen is None:
        pytest.fail(f"{file}: no option holds, so there is no cost to assert on", pytrace=False)
    monthly = made.recommended_usd_per_month
    return PlannedCost(
        usd_per_month=monthly,
        usd_per_day=monthly / made.workload.days_per_month,
        usd_per_request=monthly / made.workload.requests_per_month,
        api_usd_per_month=made.cost.usd_per_month,
        option=chosen.name,
        estimate=made,
    )
