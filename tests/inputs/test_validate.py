"""What pydantic refuses, in our words and with the author's places."""

from datetime import date
from typing import Any, Literal

import pytest
from pydantic import Field

from planner.errors import InputError
from planner.inputs.validate import keys_at, nearest_of, shown, validate
from planner.inputs.yaml_marks import parse_yaml
from planner.specs.base import Document


class Inner(Document):
    width: float = Field(gt=0, lt=100)
    kind: Literal["thin", "thick", "round"] = "thin"


class Sample(Document):
    count: int = Field(1, ge=1, le=9)
    name: str = Field("x", min_length=1, pattern="^[a-z]+$")
    on: bool = True
    day: date | None = None
    inner: Inner | None = None
    several: tuple[Inner, ...] = Field((), max_length=2)
    pair: tuple[float, ...] | None = Field(None, min_length=2)
    table: dict[str, float] = Field(default_factory=dict)
    only: Literal["one"] = "one"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("count: 1.5", "1:8 count: expected a whole number, found 1.5"),
        ("count: x", '1:8 count: expected a whole number, found the text "x"'),
        ("count: 0", "1:8 count: expected a number ≥ 1, found 0"),
        ("count: 10", "1:8 count: expected a number ≤ 9, found 10"),
        ("name: 5", "1:7 name: expected text, found 5"),
        ("name: ''", '1:7 name: expected text that is not empty, found the text ""'),
        (
            "name: A b",
            '1:7 name: expected letters, digits, dots, dashes and underscores, found the text "A b"',
        ),
        ("on: 1", "1:5 on: expected true or false, found 1"),
        ("day: soon", '1:6 day: expected a date as YYYY-MM-DD, found the text "soon"'),
        ("inner: {width: 0}", "1:16 inner.width: expected a number > 0, found 0"),
        ("inner: {width: 100}", "1:16 inner.width: expected a number < 100, found 100"),
        ("inner: {}", "1:8 inner.width: expected this key, found nothing"),
        ("inner: 5", "1:8 inner: expected a mapping of keys, found 5"),
        ("inner: [1, 2]", "1:8 inner: expected a mapping of keys, found a list"),
        ("several: {a: 1}", "1:10 several: expected a list, found a mapping"),
        ("several: 5", "1:10 several: expected a list, found 5"),
        ("pair: [1]", "1:7 pair: expected at least 2 entries, found a list of 1"),
        ("table: 5", "1:8 table: expected a mapping of keys, found 5"),
        ("table: {a: .inf}", "1:12 table.a: expected a finite number, found inf"),
        ("only: two", "1:7 only: expected 'one', found the text \"two\""),
        (
            "inner: {width: 1, kind: thicc}",
            "1:25 inner.kind: expected one of 'thin', 'thick' or 'round', found the text \"thicc\"; did you mean 'thick'?",
        ),
        (
            "inner: {width: 1, kind: 5}",
            "1:25 inner.kind: expected one of 'thin', 'thick' or 'round', found 5",
        ),
        ("cuont: 1", "1:1 cuont: expected a known key, found 'cuont'; did you mean 'count'?"),
        (
            "inner: {width: 1, widht: 2}",
            "1:19 inner.widht: expected a known key, found 'widht'; did you mean 'width'?",
        ),
        (
            "several: [{width: 1}, {width: 1, q: 2}]",
            "1:34 several[1].q: expected one of width, kind, found 'q'",
        ),
    ],
)
def test_a_fault_says_what_was_expected_what_was_found_and_where(text: str, fault: str) -> None:
    with pytest.raises(InputError) as error:
        validate(Sample, parse_yaml(text, "x"))
    assert str(error.value) == f"x:{fault}"


def test_faults_come_in_the_order_of_the_file() -> None:
    with pytest.raises(InputError) as error:
        validate(Sample, parse_yaml("on: 1\nzz: 3\ncount: 0\n", "x"))
    assert [fault.line for fault in error.value.faults] == [1, 2, 3]


def test_a_part_of_a_file_is_blamed_at_its_own_place() -> None:
    tree = parse_yaml("rows:\n- {width: 1}\n- {width: -1}\n", "x")
    with pytest.raises(InputError, match=r"x:3:11 rows\[1\]\.width: expected a number > 0, found -1"):
        validate(Inner, tree, tree.data["rows"][1], ("rows", 1))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        ("x" * 61, f'the text "{"x" * 57}…"'),
        ({}, "a mapping"),
        ((), "a list of 0"),
        ([1, 2], "a list"),
        (date(2026, 1, 2), "2026-01-02"),
        (2.5, "2.5"),
    ],
)
def test_a_value_is_shown_as_its_author_knows_it(value: Any, words: str) -> None:
    assert shown(value) == words


def test_the_nearest_choice_ignores_case_and_is_none_when_nothing_is_alike() -> None:
    assert nearest_of("H100", ["h100-sxm", "a100"]) in {"h100-sxm", "a100"}
    assert nearest_of("COUNT", ["Count", "kind"]) == "Count"
    assert nearest_of("zzz", ["Count", "kind"]) is None


def test_keys_are_those_of_the_model_at_a_place_through_lists_and_unions() -> None:
    assert keys_at(Sample, ("several", 3)) == ["width", "kind"]
    assert keys_at(Sample, ("inner",)) == ["width", "kind"]
    assert keys_at(Sample, ("count",)) == []
    assert keys_at(Sample, ())[:2] == ["count", "name"]
