"""Decimals as text: what a lock and a diff write, so that no reader's arithmetic changes a digit."""

from __future__ import annotations

from decimal import Decimal
from typing import overload


@overload
def decimals_as_text(value: dict[str, object]) -> dict[str, object]: ...
@overload
def decimals_as_text(value: object) -> object: ...
def decimals_as_text(value: object) -> object:
    """Return a plain value whose floats are decimal text, the shortest that reads back to the same float.

    Examples
    --------
    >>> decimals_as_text({"usd": 849.6, "per_token": 1.5e-07, "months": 12, "share": 1.0})
    {'usd': '849.6', 'per_token': '0.00000015', 'months': 12, 'share': '1'}
    """
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, dict):
        return {key: decimals_as_text(item) for key, item in value.items()}
    return [decimals_as_text(item) for item in value] if isinstance(value, list) else value
