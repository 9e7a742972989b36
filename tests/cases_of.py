"""Cases and sides around scenarios that no file holds."""

from datetime import date
from functools import cache

from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.rules import load_rules
from planner.inputs.serving_profiles import load_serving_profiles
from planner.specs.books.books import Books
from planner.specs.case import Case
from planner.specs.gate.side import Entry, Side
from planner.specs.scenario.scenario import Scenario
from tests.strategies import AS_OF


@cache
def books() -> Books:
    return load_books()


def case_of(scenario: Scenario, file: str = "chat.yaml", own: Books | None = None) -> Case:
    return Case(
        scenario=scenario,
        file=file,
        books=own or books(),
        rules=load_rules(),
        texts={},
        vllm_memory=load_vllm_memory(),
        profiles=load_serving_profiles(),
    )


def entry_of(scenario: Scenario, place: str = "chat.yaml", as_of: date = AS_OF) -> Entry:
    return Entry(place=place, case=case_of(scenario, place), as_of=as_of, inputs={place: "0" * 64})


def side_of(*scenarios: Scenario, label: str = "side") -> Side:
    entries = tuple(entry_of(scenario, f"{index}.yaml") for index, scenario in enumerate(scenarios))
    return Side(label=label, entries=entries)
