"""The scenario templates that ``planner init`` writes."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "templates"
TEMPLATES = ("chat", "rag", "batch", "agent", "edge")


def template_text(name: str) -> str:
    """Return one template, comments and all. ``name`` is one of ``TEMPLATES``."""
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
