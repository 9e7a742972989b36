"""Quick dataclasses behave as the standard library's do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest
from hypothesis import given, strategies as st

from planner.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Quick:
    """A record made the quick way."""

    name: str
    sizes: tuple[int, ...] = ()
    key: str | None = dataclasses.field(default=None, repr=False)
    note: str = dataclasses.field(default="", compare=False)
    parts: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Plain:
    """The same record, by the standard library alone."""

    name: str
    sizes: tuple[int, ...] = ()
    key: str | None = dataclasses.field(default=None, repr=False)
    note: str = dataclasses.field(default="", compare=False)
    parts: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Point:
    """A record whose values may be given by place."""

    x: float
    y: float = 0.0


VALUES = st.fixed_dictionaries(
    {"name": st.text(max_size=2)},
    optional={
        "sizes": st.tuples(st.integers(0, 2)),
        "key": st.sampled_from([None, "k"]),
        "note": st.text(max_size=1),
        "parts": st.dictionaries(st.text(max_size=1), st.integers(), max_size=1),
    },
)


@given(VALUES, VALUES)
def test_a_quick_record_is_filled_compared_and_shown_as_a_plain_one(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    assert dataclasses.asdict(Quick(**a)) == dataclasses.asdict(Plain(**a))
    assert (Quick(**a) == Quick(**b)) == (Plain(**a) == Plain(**b))
    assert hash(Quick(**a)) == hash(Plain(**a))
    assert repr(Quick(**a)) == repr(Plain(**a)).replace("Plain", "Quick")


@given(VALUES)
def test_a_quick_record_survives_copies(a: dict[str, Any]) -> None:
    record = Quick(**a)
    for twin in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
        assert dataclasses.asdict(twin) == dataclasses.asdict(record)
    assert dataclasses.replace(record, name="other") == Quick(**{**a, "name": "other"})


def test_a_quick_record_is_frozen_and_has_slots() -> None:
    record = Quick(name="a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        record.name = "b"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del record.name
    assert not hasattr(record, "__dict__")


@pytest.mark.parametrize("values", [{}, {"name": "a", "nme": "b"}])
def test_wrong_keys_are_refused_as_by_any_function(values: dict[str, Any]) -> None:
    for made in (Quick, Plain):
        with pytest.raises(TypeError, match=r"__init__\(\) (missing 1 required|got an unexpected)"):
            made(**values)


def test_a_default_made_for_one_record_is_not_shared_with_another() -> None:
    assert Quick(name="a").parts is not Quick(name="b").parts


def test_values_are_given_by_place_where_the_class_says_so() -> None:
    assert Point(1.0, 2.0) == Point(x=1.0, y=2.0)
    other: object = Plain(name="1")
    assert Point(1.0) != other
    with pytest.raises(TypeError, match="positional"):
        Quick("a")  # type: ignore[call-arg]


def test_a_class_that_checks_itself_is_left_to_the_standard_library() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Checked:
        share: float

        def __post_init__(self) -> None:
            if self.share > 1.0:
                raise ValueError(self.share)

    with pytest.raises(ValueError, match="2"):
        Checked(share=2.0)


def test_a_method_that_the_class_writes_itself_is_kept() -> None:
    @dataclass(frozen=True, slots=True)
    class Secret:
        key: str

        def __repr__(self) -> str:
            return "Secret(...)"

    assert repr(Secret("k")) == "Secret(...)"
    assert Secret("k") == Secret("k")
