"""What a document refuses at the door, and in which words."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from planner.inputs.rules import load_rules
from planner.inputs.yaml_marks import read_yaml
from planner.specs.base import Document
from planner.specs.books.rules import Rules

CASES: list[dict[str, Any]] = list(read_yaml(Path("tests/cases/refused_documents.yaml")).data)


def document(name: str) -> type[Document]:
    module, kind = name.rsplit(".", 1)
    found: type[Document] = getattr(importlib.import_module(f"planner.specs.{module}"), kind)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['document']}-{c['expected']}-{c['found']}")
def test_keys_that_cannot_be_true_are_refused_with_what_was_expected(case: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as error:
        document(case["document"]).model_validate(case["given"])
    (fault,) = error.value.errors()
    assert fault["ctx"] == {"expected": case["expected"], "found": case["found"]}


@pytest.mark.parametrize("value", ["auto", 1, 8])
def test_tensor_parallelism_is_auto_or_a_whole_number(value: object) -> None:
    hosted = document("scenario.hosting.SelfHosted").model_validate({"tensor_parallel": value})
    assert hosted.model_dump()["tensor_parallel"] == value


@pytest.mark.parametrize("rule", ["any", "on_device", "region:eu-west"])
def test_data_rules_are_named_or_a_region(rule: str) -> None:
    assert document("scenario.scenario.Constraints").model_validate({"data": rule}).model_dump() == {
        "data": rule
    }


@pytest.mark.parametrize(("high", "accepted"), [(386.0, True), (386.1, False)])
def test_the_heaviest_tail_that_is_accepted_can_be_reached(high: float, accepted: bool) -> None:
    sizes = document("scenario.traffic.TokenSizes")
    if not accepted:
        with pytest.raises(ValidationError):
            sizes.model_validate({"mean": 100.0, "p95": high})
        return
    assert sizes.model_validate({"mean": 100.0, "p95": high}).model_dump()["p95"] == high


def test_a_rule_tree_whose_answer_leads_nowhere_is_refused() -> None:
    rules = load_rules().model_dump()
    first, *others = rules["cache_tree"]
    with pytest.raises(ValidationError, match=f"cache_tree.{first['id']} leads to 'nowhere'"):
        Rules.model_validate(rules | {"cache_tree": (first | {"yes": "nowhere"}, *others)})


def test_a_band_has_its_middle() -> None:
    band = document("books.rules.Band").model_validate({"low": 0.2, "high": 0.6})
    assert getattr(band, "middle") == pytest.approx(0.4)  # noqa: B009
