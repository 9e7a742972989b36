"""Where explanations end: the scenario's lines, overrides, defaults, rows of the books, constants."""

from pathlib import Path

import pytest

from planner.planning.explain.leaves import scene_of, steps_of, value_at
from tests.planning.explain.numbers import leaf, made, number
from tests.planning.scenes import CHAT


def test_a_path_is_names_and_indices() -> None:
    assert steps_of("models[0].cascade[1].accept") == ("models", 0, "cascade", 1, "accept")


def test_what_is_not_there_is_a_lookup_error_that_names_the_step() -> None:
    _, estimate = made(CHAT)
    assert value_at(estimate, "cost.by_model[0].model") == "openai/gpt-4o-mini"
    for path, step in (("cost.by_model[9]", "9"), ("cost.by_modle", "by_modle"), ("cost[0]", "0")):
        with pytest.raises(LookupError, match=step):
            value_at(estimate, path)


def test_a_key_of_the_file_is_a_leaf_with_its_line() -> None:
    found = number("workload.requests_per_day")
    origin = leaf(found, "requests_per_day")
    assert (origin.kind, origin.file) == ("scenario", CHAT)
    assert origin.line is not None
    lines = Path(CHAT).read_text(encoding="utf-8").splitlines()
    assert "requests_per_day" in lines[origin.line - 1]


def test_an_override_of_a_section_covers_the_keys_below_it_and_none_beside_it() -> None:
    case, estimate = made(CHAT)
    scene = scene_of(case, estimate, ("traffic",))
    covered, beside = scene.key("traffic.shape").origin, scene.key("budget.usd_per_month").origin
    assert covered is not None
    assert beside is not None
    assert (covered.kind, covered.place) == ("override", "--set traffic.shape")
    assert beside.kind == "scenario"


def test_a_book_row_s_leaf_says_who_checked_it_when_and_how_far_it_is_trusted() -> None:
    origin = leaf(number("cost.by_model[0].price.output_usd_per_mtok"), "output_usd_per_mtok")
    assert (origin.kind, origin.trust) == ("book", "announced, high")
    assert origin.checked is not None
    assert origin.source is not None
    assert origin.source.startswith("https://")
