from datetime import date
from pathlib import Path

from planner.inputs.estimating import read_all
from planner.planning.estimate import estimate_scenario


def codes(path: str, *sets: str, as_of: date = date(2026, 11, 23)) -> set[str]:
    (case,) = read_all((Path(path),), sets)
    return {notice.code for notice in estimate_scenario(case, as_of).warnings}


def test_a_latency_target_that_cannot_be_checked_is_said() -> None:
    assert "SLO-API" in codes("scenarios/rag-documents.yaml")
    assert "SLO-API" not in codes("scenarios/nightly-classification.yaml")


def test_a_model_that_ends_within_the_horizon_is_said() -> None:
    assert "HORIZON" in codes("scenarios/support-chatbot.yaml", as_of=date(2025, 6, 15))
    assert "HORIZON" not in codes(
        "scenarios/support-chatbot.yaml", "traffic.horizon_months=1", as_of=date(2025, 6, 15)
    )


def test_a_trace_shorter_than_a_day_is_said() -> None:
    assert "TRACE-SHORT" in codes("scenarios/traced-conversation.yaml")


def test_a_rent_first_seen_after_the_date_is_said_of_an_option_that_holds() -> None:
    promised = ("hosting.self_hosted.quality_equivalent=true", "hosting.self_hosted.gpus=[h100-sxm]")
    found = codes("scenarios/support-chatbot.yaml", *promised, as_of=date(2025, 6, 15))
    assert "RENTAL-LATER" in found


def test_a_budget_that_is_exceeded_is_said() -> None:
    assert "BUDGET" in codes("scenarios/rag-documents.yaml", "budget.usd_per_month=10")
    assert "BUDGET" in codes("scenarios/rag-documents.yaml", "budget.usd_per_request=0.0001")
    assert "BUDGET" not in codes("scenarios/rag-documents.yaml")
