"""What a mix saves against its dearest model, and how that hangs on the small model's share."""

import pytest

from planner.specs.answers.api_plan import RoutingCheck
from tests.planning.scenes import CASCADE, CHAT, RAG, estimate_of


def routing(path: str, *sets: str) -> RoutingCheck | None:
    return estimate_of(path, *sets).api.routing


def test_the_worked_example_is_inside_the_rule() -> None:
    check = routing(CHAT)
    assert check is not None
    assert (check.small_model, check.small_share, check.verdict) == ("openai/gpt-4o-mini", 0.8, "inside")
    # at share s the mix costs s · 162 + (1 - s) · 3,600
    assert [point.usd_per_month for point in check.points] == [
        pytest.approx(share * 162 + (1 - share) * 3600) for share in (0.6, 0.7, 0.8, 0.9)
    ]


def test_a_cascade_pays_the_small_model_always() -> None:
    check = routing(CASCADE)
    assert check is not None
    assert (check.kind, check.small_share) == ("cascade", 0.75)
    assert [point.saving_fraction for point in check.points] == [
        pytest.approx(accept - 0.2, abs=1e-5) for accept in (0.6, 0.7, 0.8, 0.9)
    ]


def test_savings_outside_the_rule_are_called_so() -> None:
    below = routing(CHAT, "models[0].share=0.3", "models[1].share=0.7")
    above = routing(CHAT, "models[0].share=0.9", "models[1].share=0.1")
    assert below is not None
    assert above is not None
    assert (below.verdict, above.verdict) == ("below", "above")


def test_one_model_or_a_mixture_of_mixtures_has_no_single_share() -> None:
    assert routing(RAG) is None
    cascade = "{share: 0.5, cascade: [{model: gpt-4o-mini, accept: 0.7}, {model: gpt-4.1}]}"
    assert routing(CHAT, f"models=[{{model: gpt-4o-mini, share: 0.5}}, {cascade}]") is None
    upside_down = "models={cascade: [{model: openai/gpt-5.1, accept: 0.7}, {model: openai/gpt-5-mini}]}"
    assert routing(CASCADE, upside_down) is None
