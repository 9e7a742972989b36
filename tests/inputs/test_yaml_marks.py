"""Plain values and places out of YAML, and nothing else."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st

from planner.errors import InputError
from planner.inputs.yaml_marks import MAX_DEPTH, Tree, key_path, parse_yaml, read_yaml

VALUES: list[dict[str, Any]] = list(read_yaml(Path("tests/cases/yaml_values.yaml")).data)
FAULTS: list[dict[str, Any]] = list(read_yaml(Path("tests/cases/yaml_faults.yaml")).data)
TEXT = """models:
  - model: a
    share: 0.5
  - {model: b}
slo: {}
"""
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("abc xyz-_.", max_size=8)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


def tree() -> Tree:
    return parse_yaml(TEXT, "s.yaml")


@pytest.mark.parametrize("case", VALUES, ids=lambda c: repr(c["text"]))
def test_a_plain_value_is_read_as_yaml_1_2_reads_it(case: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(case["text"], encoding="utf-8")
    data = read_yaml(file).data
    if "key" in case:
        assert list(data) == [case["key"]]
        return
    assert data["a"] == case["value"]
    assert type(data["a"]) is type(case["value"])


@pytest.mark.parametrize("text", ["a: .inf", "a: -.INF", "a: +.inf"])
def test_infinities_are_numbers_for_the_document_to_refuse(text: str) -> None:
    value = parse_yaml(text, "x").data["a"]
    assert abs(value) == float("inf")
    assert (value < 0) == ("-" in text)


def test_what_is_no_number_is_none() -> None:
    value = parse_yaml("a: .nan", "x").data["a"]
    assert value != value  # noqa: PLR0124 - only a NaN differs from itself


@pytest.mark.parametrize("case", FAULTS, ids=lambda c: repr(c["text"]))
def test_a_fault_is_told_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        parse_yaml(case["text"], "x")
    assert str(error.value) in {f"x:{case['fault']}", f"x: {case['fault']}"}


@given(DOCUMENTS)
def test_what_is_written_is_read_back_with_tuples_for_lists(document: Any) -> None:
    def frozen(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(frozen(each) for each in value)
        if isinstance(value, dict):
            return {key: frozen(each) for key, each in value.items()}
        return value

    assert parse_yaml(yaml.safe_dump(document), "x").data == frozen(document)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_our_words(text: str) -> None:
    with suppress(InputError):
        parse_yaml(text, "x")


@pytest.mark.parametrize(
    ("depth", "accepted"), [(MAX_DEPTH, True), (MAX_DEPTH + 2, False), (5000, False), (200_000, False)]
)
@pytest.mark.parametrize("shape", ["[{}]", "- {}", "{{a: {}}}"])
def test_nesting_is_bounded_in_every_notation(shape: str, depth: int, accepted: bool) -> None:
    before, after = shape.replace("{{", "{").replace("}}", "}").split("{}")
    text = before * depth + "x" + after * depth
    if accepted:
        parse_yaml(text, "x")
        return
    with pytest.raises(InputError, match=f"expected at most {MAX_DEPTH} levels"):
        parse_yaml(text, "x")


def test_a_rule_of_dashes_and_open_brackets_in_a_text_are_no_nesting() -> None:
    text = "a: |\n  " + "-" * 3000 + "\n  :-[ " + "x" * 3000
    assert parse_yaml(text, "x").data["a"].startswith("---")


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ((), (1, 1)),
        (("models", 0, "share"), (3, 12)),
        (("models", 1, "model"), (4, 13)),
        (("models", 1, "share"), (4, 5)),  # it is not there: the entry is
        (("models", 7), (2, 3)),
        (("models", "x"), (2, 3)),
        (("nothing",), (1, 1)),
    ],
)
def test_a_place_is_that_of_its_deepest_part(path: tuple[str | int, ...], mark: tuple[int, int]) -> None:
    assert tree().mark(path) == mark


def test_a_key_has_a_place_of_its_own() -> None:
    assert tree().key_mark(("slo",)) == (5, 1)
    assert tree().key_mark(("models", 0, "share")) == (3, 5)
    assert tree().key_mark(("models", 0, "mode")) == (2, 5)  # not there: its mapping is
    assert tree().key_mark(("models", 0)) == (2, 5)


def test_the_known_beginning_of_a_path_is_what_the_file_holds() -> None:
    assert tree().known(("models", 0, "share", "mean")) == ("models", 0, "share")
    assert tree().known(("models", 1)) == ("models", 1)


def test_a_file_without_content_has_no_places() -> None:
    empty = parse_yaml("", "x")
    assert (empty.data, empty.mark(("a",)), empty.key_mark(("a",))) == (None, None, None)


def test_a_path_is_written_as_people_read_it() -> None:
    assert key_path(("models", 0, "share")) == "models[0].share"
    assert key_path(()) == ""
