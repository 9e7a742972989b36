"""Where a leaf of an explanation is found."""

from planner.specs.answers.explanation import Origin


def test_a_leaf_of_a_file_is_found_by_its_line_and_any_other_nowhere() -> None:
    key = Origin(kind="scenario", place="traffic.requests_per_day", file="scenarios/chat.yaml", line=4)
    assert key.file_line == "scenarios/chat.yaml:4"
    assert Origin(kind="constant", place="planner/units.py SECONDS_PER_DAY").file_line is None
