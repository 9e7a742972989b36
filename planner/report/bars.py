"""Bars of parts side by side, drawn in characters: what takes the memory, and what takes the time."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

SHADES = "█▓▒░▪▫"
REST = "·"
MIN_CELLS, MAX_CELLS = 20, 72
LABEL_COLUMNS = 9
SHOWN_FRACTION = 0.005  #: a smaller rest is not named

Part = tuple[str, float]  #: a name and an amount, in the unit of the whole


def stacked(shaded: Sequence[tuple[str, float]], whole: float, cells: int) -> str:
    """Draw each shade as long as its share of the whole; what runs over the end is cut there and marked.

    >>> stacked([("█", 3.0), ("▓", 1.0)], 8.0, 8)
    '███▓    '
    >>> stacked([("█", 9.0)], 8.0, 8)
    '███████»'
    """
    drawn, summed = "", 0.0
    for shade, amount in shaded:
        summed += amount / whole
        drawn += shade * (round(summed * cells) - len(drawn))
    return drawn[: cells - 1] + "»" if len(drawn) > cells else drawn.ljust(cells)


def shaded(parts: Sequence[Part], whole: float) -> list[tuple[str, str, float]]:
    """Give the first parts a shade each; what is left of the whole is the rest.

    >>> shaded([("weights", 3.0)], 4.0)
    [('█', 'weights', 3.0), ('·', 'rest', 1.0)]
    """
    own = [(shade, name, amount) for shade, (name, amount) in zip(SHADES, parts, strict=False)]
    left = whole - sum(amount for _, _, amount in own)
    return [*own, (REST, "rest", left)] if left >= SHOWN_FRACTION * whole else own


def bar_lines(
    label: str, parts: Sequence[tuple[str, str, float]], whole: float, *, total: str, width: int
) -> list[Text]:
    """Draw one bar with its total behind it and its legend below, no wider than ``width``.

    ``parts`` have a shade, the words of the legend, and an amount.
    """
    cells = max(MIN_CELLS, min(MAX_CELLS, width - LABEL_COLUMNS - len(total) - 3))
    bar = stacked([(shade, amount) for shade, _, amount in parts], whole, cells)
    lines = [Text(f"{label:<{LABEL_COLUMNS}}[{bar}] {total}")]
    row = ""
    for shade, words, _ in parts:
        item = f"{shade} {words}"
        if row and LABEL_COLUMNS + len(row) + 2 + len(item) > width:
            lines.append(Text(" " * LABEL_COLUMNS + row))
            row = ""
        row = f"{row}  {item}" if row else item
    return [*lines, Text(" " * LABEL_COLUMNS + row)]
