"""The accuracy lock: errors on a published extract (Apache-2.0, see README.md) may not rise."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.inputs.books import load_books
from planner.inputs.measured_table import read_measured
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.validate import Tools, validate
from planner.specs.validation import ErrorGroup

TABLE = Path(__file__).parent / "silicon_extract.csv"
# metric -> median error that this version reaches, with half a point of room
LOCK = {"tpot": 0.047, "ttft": 0.102}


@pytest.fixture(scope="module")
def overall() -> dict[str, ErrorGroup]:
    tools = Tools(books=load_books(), profiles=load_serving_profiles(), memory_profile=load_vllm_memory())
    return {group.metric: group for group in validate(read_measured(TABLE), tools).groups if not group.by}


@pytest.mark.parametrize("metric", sorted(LOCK))
def test_the_median_error_has_not_risen(overall: dict[str, ErrorGroup], metric: str) -> None:
    assert overall[metric].n == 163
    assert overall[metric].median_ape <= LOCK[metric]


@pytest.mark.parametrize("metric", sorted(LOCK))
def test_intervals_hold_at_least_what_they_promise(overall: dict[str, ErrorGroup], metric: str) -> None:
    assert overall[metric].coverage_80 >= 0.8
