"""Bars of parts: what they draw, what their legends say, and that they keep to the width."""

from planner.report.bars import MAX_CELLS, bar_lines, shaded, stacked


def test_each_part_is_as_long_as_its_share() -> None:
    assert stacked([("█", 1.0), ("▓", 1.0), ("▒", 2.0)], 4.0, 8) == "██▓▓▒▒▒▒"


def test_rounding_neither_adds_nor_loses_a_cell() -> None:
    """Seven parts of a seventh each take 20 cells together, whatever each rounds to."""
    assert len(stacked([("█", 1.0)] * 7, 7.0, 20).rstrip()) == 20


def test_parts_without_a_shade_of_their_own_are_the_rest() -> None:
    parts = [(str(n), 1.0) for n in range(8)]
    assert [name for _, name, _ in shaded(parts, 8.0)] == ["0", "1", "2", "3", "4", "5", "rest"]
    assert shaded(parts, 8.0)[-1] == ("·", "rest", 2.0)


def test_a_rest_of_nothing_is_not_named() -> None:
    assert shaded([("weights", 4.0)], 4.0) == [("█", "weights", 4.0)]


def test_a_legend_goes_on_in_the_next_line_and_the_bar_has_a_longest() -> None:
    parts = [("█", "w" * 30, 1.0), ("▓", "k" * 30, 1.0)]
    narrow = bar_lines("memory", parts, 2.0, total="2 GiB", width=60)
    assert [line.plain.strip()[:1] for line in narrow] == ["m", "█", "▓"]
    assert max(len(line.plain) for line in narrow) <= 60
    wide = bar_lines("memory", parts, 2.0, total="2 GiB", width=300)
    assert len(wide) == 2
    assert wide[0].plain.count("█") == MAX_CELLS // 2
