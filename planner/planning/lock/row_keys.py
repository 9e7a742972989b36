"""Rows of many scenarios under one key each: their id, or ``id~hash`` where an id stands for different rows."""

from __future__ import annotations

import hashlib

from planner.planning.lock.used_rows import Rows
from planner.specs.base import Document

KEY_DIGITS = 8  # of the hash: enough to tell the few rows of one id apart


class RowKeys:
    """The rows that scenarios use, each kept once."""

    def __init__(self) -> None:
        self._hashes: dict[int, str] = {}
        self._rows: dict[tuple[str, str], dict[str, Document]] = {}

    def add(self, rows: Rows) -> None:
        """Remember the rows of one scenario, by section and id."""
        for section, found in rows.items():
            for row_id, row in found.items():
                self._rows.setdefault((section, row_id), {})[self._hash(row)] = row

    def keys(self, rows: Rows) -> dict[str, tuple[str, ...]]:
        """Return the keys of one scenario's rows by section; sections without a row are left out."""
        return {
            section: tuple(
                sorted(self._key(section, row_id, self._hash(row)) for row_id, row in found.items())
            )
            for section, found in rows.items()
            if found
        }

    def rows(self) -> dict[str, dict[str, Document]]:
        """Return every row by section and key."""
        kept: dict[str, dict[str, Document]] = {}
        for (section, row_id), variants in self._rows.items():
            for each, row in variants.items():
                kept.setdefault(section, {})[self._key(section, row_id, each)] = row
        return kept

    def _key(self, section: str, row_id: str, row_hash: str) -> str:
        several = len(self._rows[section, row_id]) > 1
        return f"{row_id}~{row_hash[:KEY_DIGITS]}" if several else row_id

    def _hash(self, row: Document) -> str:
        known = self._hashes.get(id(row))
        if known is None:
            known = hashlib.sha256(row.model_dump_json().encode()).hexdigest()
            self._hashes[id(row)] = known
        return known


def row_id_of(key: str) -> str:
    """Return the id that a key of a lock's rows stands for.

    Examples
    --------
    >>> row_id_of("openai/gpt-4o~0a1b2c3d")
    'openai/gpt-4o'
    """
    return key.partition("~")[0]
