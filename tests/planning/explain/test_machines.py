"""Where the figures of own machines come from: replicas, rent, hours, interruptions."""

import pytest

from planner.specs.answers.explanation import Explained
from tests.planning.explain.numbers import leaf, made, number, operand, operands

BULK = "scenarios/bulk-summarisation.yaml"
SPOT = (
    "hosting.self_hosted.purchase=[spot]",
    "hosting.self_hosted.redundancy=none",
    "slo.availability=0.9999",
)


def of_own(field: str, *sets: str) -> Explained:
    """Return a number of the first option on own machines that holds."""
    options = made(BULK, sets)[1].recommendation.options
    place = next(i for i, each in enumerate(options) if each.kind == "self_hosted" and not each.refused)
    return number(f"recommendation.options[{place}].{field}", BULK, *sets)


def test_rent_is_machines_times_the_hours_of_a_month() -> None:
    found = of_own("usd_per_month")
    values = operands(found)
    assert values["hours_per_month"] == 730
    machines, usd_per_hour = float(values["machines"] or 0), float(values["usd_per_hour"] or 0)
    assert found.value == pytest.approx(machines * usd_per_hour * 730)


def test_one_replica_more_than_the_load_needs_is_kept_for_the_one_that_fails() -> None:
    found = of_own("replicas")
    needed = operand(found, "replicas_needed")
    assert found.value == float(needed.value or 0) + 1
    assert leaf(found, "redundancy").place == "hosting.self_hosted.redundancy"


def test_a_busy_replica_is_measured_with_the_redundant_one_lost() -> None:
    found = of_own("utilisation_fraction")
    values = {name: float(value or 0) for name, value in operands(found).items()}
    peak, needed = values["peak_requests_per_s"], values["replicas_needed"]
    assert found.value == pytest.approx(peak / needed / values["requests_per_s_per_replica"])


def test_only_spot_machines_are_interrupted() -> None:
    assert of_own("plan.spare_for_interruptions").rule == "0 unless spot"


def test_interruptions_are_the_scenario_s_and_the_time_away_is_replacement_and_start() -> None:
    """600 s until a machine is replaced and 180 s until it serves."""
    away = of_own("plan.spot.away_s", *SPOT)
    assert away.value == 600 + 180
    assert of_own("plan.spot.wanted_fraction", *SPOT).value == 0.9999


def test_a_month_s_rent_by_the_hour_counts_the_machines_that_run_on_the_mean() -> None:
    found = of_own("plan.daily.autoscaled_usd_per_month")
    assert found.rule == "mean × usd_per_hour × hours_per_month"
    assert found.replayed


def test_what_the_serving_model_predicts_is_not_evaluated_again_and_names_its_profile() -> None:
    found = of_own("tpot_s.value")
    assert not found.replayed
    assert leaf(found, "profile").place.startswith("planner/profiles/serving.json")
    assert leaf(found, "bandwidth_gb_per_s").kind == "book"
