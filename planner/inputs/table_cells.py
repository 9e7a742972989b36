"""One line of a foreign table: cells by name, read as far as they can be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from planner.records import dataclass

NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
DECIMAL_COMMA = re.compile(r"-?\d+,(?!\d{3}$)\d+")
KIBI = re.compile(r"(\d+(?:\.\d+)?)\s*ki?")  #: "8k" of a prompt is 8,192 tokens
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
        """Return a cell as a number: ``~22.5`` and ``1,024`` are read, ``9,5`` is 9.5, ``0.9 (default)`` is 0.9, ``inf`` is infinite."""
        found = self.row.get(name, "").strip().casefold()
        if found in UNSTATED:
            return None
        if found in {"inf", "infinity", "max"}:
            return math.inf
        match = NUMBER.match(found.lstrip("~≈ "))
        if match is None:
            return None
        try:
            decimal = DECIMAL_COMMA.fullmatch(match[0])
            return float(match[0].replace(",", "." if decimal else ""))
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
        """Return a cell as a finite number from zero: a bench of answers alone has no prompt, ``8k`` are 8,192."""
        short = KIBI.fullmatch(self.row.get(name, "").strip().casefold())
        found = float(short[1]) * 1024 if short else self.number(name)
        return found if found is not None and 0 <= found < math.inf else None

    def total(self, name: str) -> float | None:
        """Return the sum of a cell that lists one number for each device: ``144.00+312.75``."""
        parts = [part for part in self.row.get(name, "").split("+") if part.strip()]
        try:
            return sum(float(part) for part in parts) if parts else None
        except ValueError:
            return None
