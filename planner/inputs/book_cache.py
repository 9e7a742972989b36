"""A small store of parsed books in the user's cache folder. Losing it costs a tenth of a second.

An entry is named by the hash of the book's content and of the format below, so it can never be out of date.
Whatever goes wrong with the folder (read-only, full, absent) only means that the book is parsed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

FORMAT = b"1"  # to be raised when what is stored changes its shape
KEPT_PER_BOOK = 8  #: so many branches or projects can take turns without parsing again


def cache_folder() -> Path:
    """Return the folder: ``$XDG_CACHE_HOME/planner`` or ``~/.cache/planner``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "planner"


def _entry(stem: str, content: bytes) -> Path:
    return cache_folder() / f"{stem}-{hashlib.sha256(FORMAT + content).hexdigest()[:24]}.json"


def cached(stem: str, content: bytes) -> Any:  # noqa: ANN401 - whatever was kept
    """Return what was kept for this content, or ``None``."""
    try:
        return json.loads(_entry(stem, content).read_bytes())
    except (OSError, ValueError, RuntimeError):
        return None


def keep(stem: str, content: bytes, value: object) -> None:
    """Keep a value for this content, and let go of the oldest entries of the same book."""
    with contextlib.suppress(OSError, RuntimeError):
        entry = _entry(stem, content)
        entry.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=entry.parent, suffix=".tmp", delete=False) as file:
            json.dump(value, file)
        Path(file.name).replace(entry)
        old = sorted(entry.parent.glob(f"{stem}-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in old[KEPT_PER_BOOK:]:
            path.unlink()
