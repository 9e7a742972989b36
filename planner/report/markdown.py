"""Markdown that stays Markdown, whatever a file or a message says."""

from __future__ import annotations

SHOWN_CHARACTERS = 400  #: of one cell


def cell(text: str) -> str:
    r"""Return a text that stays one cell, one line and no markup, and calls nobody.

    Examples
    --------
    >>> print(cell("a | b" + chr(10) + "<script> @team"))
    a \| b &lt;script&gt; &#64;team
    """
    flat = " ".join(text.split())
    short = flat if len(flat) <= SHOWN_CHARACTERS else flat[: SHOWN_CHARACTERS - 1] + "…"
    escaped = short.replace("\\", "\\\\").replace("|", "\\|").replace("`", "'")
    return escaped.replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def row(*cells: str) -> str:
    """Return one row of a table."""
    return f"| {' | '.join(cells)} |"


def folded(summary: str, *lines: str) -> list[str]:
    """Return lines that are folded away under a summary."""
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>", ""]
