"""One line of a foreign table: cells by name, read as far as they can be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from planner.records import dataclass

NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
UNSTATED = frozenset({"", "nan", "null", "none", "n/a", "-", "–", "not stated", "unknown"})


@dataclass(frozen=True, slots=True)
class Cells:
    """A line's cells; what is not stated is ``None``, never zero."""

    row: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a cell as text, empty where nothing is stated."""
        found = self.row.get(name, "").strip()
        return "" if found.casefold() in {"nan", "null"} else found

    def number(self, name: str) -> float | None:
        """Return a cell as a number: ``~22.5`` and ``1,024`` are read, ``0.9 (default)`` is 0.9, ``inf`` is infinite."""
        found = self.row.get(name, "").strip().casefold()
        if found in UNSTATED:
            return None
        if found in {"inf", "infinity", "max"}:
            return math.inf
        match = NUMBER.match(found.lstrip("~≈ "))
        if match is None:
            return None
        try:
            return float(match[0].replace(",", ""))
        except ValueError:
            return None

    def whole(self, name: str) -> int | None:
        """Return a cell as a count of at least 1."""
        found = self.number(name)
        return int(found) if found is not None and 1 <= found < math.inf else None

    def devices(self, name: str) -> int:
        """Return a cell as a number of devices or of their groups; a table that says nothing of them means one."""
        return self.whole(name) or 1

    def positive(self, name: str) -> float | None:
        """Return a cell as a finite number above zero."""
        found = self.number(name)
        return found if found is not None and 0 < found < math.inf else None

    def tokens(self, name: str) -> float | None:
        """Return a cell as a finite number from zero: a bench of answers alone has no prompt."""
        found = self.number(name)
        return found if found is not None and 0 <= found < math.inf else None

    def total(self, name: str) -> float | None:
        """Return the sum of a cell that lists one number for each device: ``144.00+312.75``."""
        parts = [part for part in self.row.get(name, "").split("+") if part.strip()]
        try:
            return sum(float(part) for part in parts) if parts else None
        except ValueError:
            return None
