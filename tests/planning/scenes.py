"""Scenarios of the repository with overrides, ready for the calculators."""

from datetime import date
from functools import cache
from pathlib import Path

from planner.inputs.estimating import read_all
from planner.planning.advice.changes import Ground
from planner.planning.estimate import estimate_scenario
from planner.planning.workload.trace import summary_of
from planner.planning.workload.workload import workload_of
from planner.specs.answers.estimate import Advice, Estimate
from planner.specs.case import Case

TODAY = date(2026, 11, 23)
CHAT = "scenarios/support-chatbot.yaml"
CASCADE = "scenarios/routing-cascade.yaml"
RAG = "scenarios/rag-documents.yaml"
FAQ = "scenarios/contracted-faq.yaml"
BATCH = "scenarios/nightly-classification.yaml"


@cache
def case_of(path: str, *sets: str) -> Case:
    (case,) = read_all((Path(path),), sets)
    return case


def ground_of(path: str, *sets: str) -> Ground:
    case = case_of(path, *sets)
    workload = workload_of(case.scenario, case.texts, summary_of(case))
    return Ground(case=case, workload=workload, as_of=case.scenario.as_of or TODAY)


def usd_of(path: str, *sets: str) -> float:
    return ground_of(path, *sets).usd


def estimate_of(path: str, *sets: str, what_if: tuple[str, ...] = ()) -> Estimate:
    case = case_of(path, *sets)
    return estimate_scenario(case, case.scenario.as_of or TODAY, what_if)


def advice_of(path: str, *sets: str) -> dict[str, Advice]:
    return {item.id: item for item in estimate_of(path, *sets).recommendation.advice}
