"""Which scenarios are the same on both sides, so that nothing has to be taken apart."""

from __future__ import annotations

from collections.abc import Mapping

from planner.planning.lock.used_rows import Rows, rows_of
from planner.planning.workload.trace import summary_of
from planner.specs.base import Document
from planner.specs.books.books import Books
from planner.specs.gate.side import Entry


class Sameness:
    """Comparisons of one pair of sides. Rows that many scenarios share are compared once."""

    def __init__(self) -> None:
        self._equal: dict[tuple[int, int], bool] = {}

    def unchanged(self, old: Entry, new: Entry) -> bool:
        """Tell whether both say the same, at the same date, by books that hold the same rows.

        Of the base's rows only a lock's are known before it is priced, so other books count as the same only when they
        are one and the same.
        """
        if old.as_of != new.as_of or old.planner != new.planner or not same_words(old, new):
            return False
        if old.case.books is new.case.books:
            return True
        return old.recorded is not None and self.same_rows(rows_of(old.case.books), new.case.books)

    def same_rows(self, rows: Rows, books: Books) -> bool:
        """Tell whether books hold the rows of an answer, and no machine with its GPUs beside them."""
        tables: dict[str, Mapping[str, Document]] = {
            "api": books.api.rows,
            "hardware": books.hardware.rows,
            "models": books.models.rows,
            "rentals": books.rentals,
            "rate_limits": books.rate_limits,
            "contracts": books.contracts,
            "currencies": books.currencies,
        }
        held = all(
            row_id in tables[section] and self._same_row(tables[section][row_id], row)
            for section, found in rows.items()
            for row_id, row in found.items()
        )
        gpus = rows.get("hardware", {})
        machines = sum(row.gpu in gpus for row in books.rentals.values()) if held and gpus else 0
        return held and machines == (len(rows["rentals"]) if gpus else 0)

    def _same_row(self, one: Document, other: Document) -> bool:
        pair = (id(one), id(other))
        if pair not in self._equal:
            self._equal[pair] = one == other
        return self._equal[pair]


def same_words(old: Entry, new: Entry) -> bool:
    """Tell whether two scenarios say the same and measured the same."""
    one, other = old.case, new.case
    if one is other:
        return True
    return (
        one.scenario == other.scenario
        and {name: text.sha256 for name, text in one.texts.items()}
        == {name: text.sha256 for name, text in other.texts.items()}
        and summary_of(one) == summary_of(other)
        and one.vllm_memory == other.vllm_memory
        and one.profiles == other.profiles
        and one.measured == other.measured
    )
