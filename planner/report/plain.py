"""Results as plain values, for JSON. Field names carry the units, so they stay as they are."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, overload

from pydantic import BaseModel

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@overload
def plain(value: BaseModel | DataclassInstance | Mapping[str, object]) -> dict[str, object]: ...
@overload
def plain(value: object) -> object: ...
def plain(value: object) -> object:
    """Return a result as dicts, lists and scalars; infinities and NaN become ``None``, dates ISO text."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json", exclude_none=True))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


def _fields(record: DataclassInstance) -> dict[str, object]:
    named = ((field.name, getattr(record, field.name)) for field in dataclasses.fields(record))
    return {name: _whole(item) if "bytes" in name else plain(item) for name, item in named}


def _whole(value: object) -> object:
    """Write whole bytes as an integer; half bytes of a 4-bit type stay as they are."""
    return int(value) if isinstance(value, float) and value.is_integer() else plain(value)


def to_json(document: Mapping[str, object]) -> str:
    """Return a document as indented JSON text that ends in a newline."""
    return json.dumps(plain(document), indent=2, ensure_ascii=False) + "\n"
