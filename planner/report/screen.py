"""Rich renderables into text: the same for a terminal, a pipe and a file, but for colour and width."""

from __future__ import annotations

from io import StringIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.theme import Theme

THEME = Theme(
    {
        "good": "green",
        "bad": "red",
        "warn": "yellow",
        "dim": "dim",
        "head": "bold",
        "number": "bold cyan",
    }
)


def render(*parts: RenderableType, width: int, color: bool) -> str:
    """Return the parts as text of at most ``width`` columns, with ANSI colours when asked for."""
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=width,
        theme=THEME,
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        highlight=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def grid(*columns: str, title: str | None = None, left: int = 1) -> Table:
    """Return a table without a frame: the first ``left`` columns are text, the others right-aligned numbers."""
    table = Table(
        title=title, title_justify="left", title_style="head", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for index, column in enumerate(columns):
        text = index < left
        table.add_column(
            column,
            justify="left" if text else "right",
            header_style="dim",
            overflow="fold",
            no_wrap=not text,
        )
    return table
