"""A difference as Markdown, made from git revisions and from values that files may hold."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from planner.inputs.sides import side_of_files
from planner.planning.diff.difference import difference
from planner.report.gate.difference_md import cause_lines, difference_markdown, metric_lines, unknown_lines
from planner.specs.gate.difference import Cause, Difference, Unknown
from planner.specs.gate.side import Side

CHAT = Path("scenarios/support-chatbot.yaml")


def compared(*sets: str) -> Difference:
    def side(label: str, given: tuple[str, ...]) -> Side:
        return side_of_files((CHAT,), root=Path(), label=label, today=date(2026, 11, 23), sets=given)

    return difference(side("main", ()), side("working tree", sets))


def test_the_decision_comes_first_and_the_rows_sum_to_the_last_one() -> None:
    """Twice the input tokens add the 432.00 USD/month that input costs today."""
    lines = difference_markdown(compared("prompt.input_tokens=4000")).splitlines()
    assert lines[0].startswith("### +432.00 USD/month (+50.8 %), mostly ")
    assert "#### support-chatbot: 849.60 → 1,281.60 USD/month (+50.8 %)" in lines
    assert "| **together** |  | **+432.00** |" in lines


def test_nothing_that_changed_is_one_line() -> None:
    shown = difference_markdown(compared())
    assert shown.startswith("### no change: 1 scenario, 849.60 USD/month")
    assert "|" not in shown


def test_figures_beside_the_cost_are_listed_when_they_move() -> None:
    found = compared("prompt.output_tokens=800")
    lines = metric_lines(found.scenarios)
    assert any("USD/request" in line and "worse" in line for line in lines)
    assert metric_lines(compared().scenarios) == []


def test_many_causes_are_summed_and_their_total_stays() -> None:
    causes = tuple(Cause(kind="volume", name=f"cause {index}", usd_per_month=1.0) for index in range(25))
    lines = cause_lines(causes, 25.0)
    assert "| 5 more |  | +5.00 |" in lines
    assert lines[-1] == "| **together** |  | **+25.00** |"
    assert cause_lines((), 0.0) == ["no cause with an effect on the cost"]


def test_what_is_unknown_is_said_with_its_cure_and_holds_no_markup() -> None:
    unknown = Unknown(scenario="chat", side="head", reason="no <price> | yet", cure="name one")
    found = replace(compared(), unknowns=(unknown,))
    lines = unknown_lines(found)
    assert "- chat in working tree: no &lt;price&gt; \\| yet (name one)" in lines
    assert unknown_lines(compared()) == []


@pytest.mark.parametrize("count", [30, 300])
def test_many_scenarios_are_counted_beyond_the_first(count: int) -> None:
    found = compared("prompt.input_tokens=4000")
    many = replace(
        found,
        scenarios=found.scenarios * count,
        unknowns=(Unknown(scenario="x", side="base", reason="y"),) * 30,
    )
    shown = difference_markdown(many)
    assert f"And {count - 20} scenarios more." in shown
    assert "- and 10 more" in shown
    assert len(shown) < 65_536
