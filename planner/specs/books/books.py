"""The three books as one value: rows by id, and the names under which people look for them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Generic, TypeVar

from planner.errors import DataError
from planner.records import dataclass
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.limits import RateLimitEdition
from planner.specs.books.model import ModelSpec
from planner.specs.books.price import ApiModel, Contract, CurrencyRate
from planner.specs.books.rental import GpuRental

RowT_co = TypeVar("RowT_co", covariant=True)  # rows are only read, so a shelf of models is a shelf of objects
_SEPARATORS = re.compile(r"[\s_\-]+")
MAX_SUGGESTIONS = 5  #: near names in a message: a line or two


def normal_name(name: str) -> str:
    """Return the form in which names are compared: no case, no spaces, dashes or underscores.

    Examples
    --------
    >>> normal_name("H100_SXM") == normal_name("h100-sxm") == normal_name("H100 SXM")
    True
    """
    return _SEPARATORS.sub("", name.casefold())


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf(Generic[RowT_co]):
    """The rows of one kind, found by id or by any name that people use for them.

    ``named`` holds ids and declared aliases, ``bare`` what is left of them after the last slash; both by
    :func:`normal_name`. A declared name wins over a bare one.
    """

    what: str
    listing: str
    """The word after ``planner books list`` that shows the rows."""
    rows: Mapping[str, RowT_co]
    named: Mapping[str, tuple[str, ...]] = field(repr=False)
    bare: Mapping[str, tuple[str, ...]] = field(repr=False)

    def ids_of(self, name: str) -> tuple[str, ...]:
        """Return the ids that a name can mean: none, one, or several when it is ambiguous."""
        if name in self.rows:
            return (name,)
        wanted = normal_name(name)
        return (
            self.named.get(wanted) or self.bare.get(wanted) or self.bare.get(wanted.rsplit("/", 1)[-1]) or ()
        )

    def nearest(self, name: str) -> tuple[str, ...]:
        """Return the ids whose names are most like ``name``, best first."""
        wanted = normal_name(name)
        known = {**self.bare, **self.named}
        close = difflib.get_close_matches(wanted, list(known), n=MAX_SUGGESTIONS, cutoff=0.6)
        found = [row_id for match in close for row_id in known[match]]
        return tuple(dict.fromkeys(found))[:MAX_SUGGESTIONS]

    def find(self, name: str) -> RowT_co:
        """Return the row that a name means.

        Raises
        ------
        DataError
            When no row has that name, with the nearest ones, or when several have, with all of them.
        """
        ids = self.ids_of(name)
        if len(ids) == 1:
            return self.rows[ids[0]]
        if ids:
            raise DataError(
                f"{self.what} {name!r} is ambiguous: {', '.join(ids)}", cure="name one of these in full"
            )
        near = self.nearest(name)
        cure = f"did you mean {', '.join(near)}?" if near else f"see `planner books list {self.listing}`"
        if self.what == "model" and "/" in name and not near:
            cure += "; `planner models import FILE_OR_FOLDER` makes a row of a config.json or a GGUF"
        raise DataError(f"no {self.what} is called {name!r} in the books", cure=cure)


@dataclass(frozen=True, kw_only=True, slots=True)
class Books:
    """Pricing, hardware and models, with a user's own rows already laid over ours."""

    api: Shelf[ApiModel]
    hardware: Shelf[HardwareSpec]
    models: Shelf[ModelSpec]
    rentals: Mapping[str, GpuRental]
    rate_limits: Mapping[str, RateLimitEdition]
    contracts: Mapping[str, Contract]
    currencies: Mapping[str, CurrencyRate]
    sources: tuple[str, ...]
