"""Numbers as people read them. Base units come in, human units go out; nothing else rounds."""

from __future__ import annotations

from math import isnan

from planner.specs.base import Quantity
from planner.units import GIB, MS_PER_S

UNKNOWN = "unknown"


def usd(value: float | None) -> str:
    """Write an amount in cents: ``3,600.00``; below one cent with four significant digits."""
    if value is None:
        return UNKNOWN
    if value and abs(value) < 0.01:
        return f"{value:.4g}" if abs(value) >= 1e-4 else f"{value:.3e}"
    return f"{value:,.2f}"


def signed_usd(value: float | None) -> str:
    """Write a change in cents with its sign: ``+1,234.00``, ``−12.50``, ``±0``."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "±0"
    return f"{'+' if value > 0 else '−'}{usd(abs(value))}"


def usd_each(value: float | None) -> str:
    """Write the price of one request: four significant digits, never in exponents above a millionth."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    digits = max(2, 3 - _magnitude(value))
    return f"{value:,.{digits}f}"


def _magnitude(value: float) -> int:
    return int(f"{abs(value):e}".split("e")[1])


def count(value: float | None) -> str:
    """Write a count with separators, without decimals above ten."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:,.3g}"


def percent(fraction: float | None, digits: int = 1) -> str:
    """Write a fraction as a percentage: ``76.4 %``."""
    return UNKNOWN if fraction is None else f"{fraction * 100:,.{digits}f} %"


def signed_percent(fraction: float | None) -> str:
    """Write a relative change with its sign: ``+12.0 %``; ``new`` where there was nothing."""
    if fraction is None:
        return "new"
    return f"{'+' if fraction >= 0 else '−'}{percent(abs(fraction))}"


def gib(value_bytes: float | None, digits: int = 2) -> str:
    """Write bytes as GiB: ``14.99 GiB``."""
    return UNKNOWN if value_bytes is None else f"{value_bytes / GIB:,.{digits}f} GiB"


def duration(value_s: float | None) -> str:
    """Write a time in the unit in which it has one to three digits: ``85 ms``, ``1.24 s``."""
    if value_s is None or isnan(value_s):
        return UNKNOWN
    if value_s < 0.9995:  # from here on it would be rounded to 1000 ms
        ms = value_s * MS_PER_S
        return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"
    return f"{value_s:.2f} s" if value_s < 100 else f"{value_s:,.0f} s"


def duration_band(value: Quantity | None) -> str:
    """Write a predicted time with its 80 % interval: ``85 ms (70 ms to 110 ms)``."""
    if value is None:
        return UNKNOWN
    if value.low == value.high:
        return duration(value.value)
    return f"{duration(value.value)} ({duration(value.low)} to {duration(value.high)})"


def rate(value_per_s: float | None) -> str:
    """Write a rate per second with three significant digits."""
    if value_per_s is None:
        return UNKNOWN
    return f"{value_per_s:,.0f}" if value_per_s >= 100 else f"{value_per_s:.3g}"


def folded(name: str, columns: int) -> str:
    r"""Break the name of a machine behind its slashes and between its words, so that no word is cut.

    >>> folded("4 × cloud/a-long-machine/region spot", 24)
    '4 × cloud/\na-long-machine/region\nspot'
    """
    words = name.replace(" × ", "\u00a0×\u00a0").replace("/", "/ ")
    lines, line = [], ""
    for word in words.split(" "):
        glue = "" if line.endswith("/") or not line else " "
        if line and len(line) + len(glue) + len(word) > columns:
            lines.append(line)
            line, glue = "", ""
        line += glue + word
    return "\n".join([*lines, line]).replace("\u00a0", " ")
