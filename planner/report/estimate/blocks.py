"""What the parts of an estimate's screen are laid out with: lines beside a label."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

CENT = 0.005  #: an amount below it reads as nothing [USD]


def block(label: str, *lines: RenderableType) -> RenderableType:
    """Return lines beside a label, so that long ones wrap under themselves."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for index, line in enumerate(lines):
        table.add_row(label if index == 0 else "", line)
    return table


def dim(text: str) -> Text:
    """Return a line that stands back."""
    return Text(text, style="dim")
