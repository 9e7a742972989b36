"""Base units and the constants that convert to them.

Inside planner every quantity is SI or a plain count, and its name carries the unit as a suffix
(``_s``, ``_bytes``, ``_usd_per_token``, ``_fraction`` …). Human units (GiB, ms, USD per million
tokens) appear only in YAML keys, converted in ``inputs/``, and on the screen, converted in ``report/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

# Numeric: what a formula takes and returns, one value or an array of them.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    Numeric = float | FloatArray
else:  # importing numpy only to name a type would cost every command a tenth of a second
    FloatArray = object
    Numeric = float

Count: TypeAlias = int
"""A number of things. Fields of this type carry no unit in their name. [1]"""
MeanCount: TypeAlias = float
"""A number of things on average, which may lie between whole numbers. [1]"""
Seconds: TypeAlias = float
"""A time in a record that is about times throughout, whose fields name the statistic only. [s]"""
Bytes: TypeAlias = float
"""A size in a record that is about memory throughout; types of four bits make half ones. [bytes]"""
TokenNumber: TypeAlias = float
"""A number of tokens in a record that is about tokens throughout; means lie between whole numbers. [tokens]"""
Nanoseconds: TypeAlias = int
"""A stamp or span of the monotonic clock, as the clock gives it. [ns]"""
Ratio: TypeAlias = float
"""A dimensionless quantity: a share, a factor, a coefficient of variation. [1]"""

MIB = 1024**2  #: [bytes/MiB]
GIB = 1024**3  #: [bytes/GiB]
GB = 1000**3  #: [bytes/GB]; never to be mixed with GiB
TERA = 10**12  #: [FLOP/s per TFLOP/s]
MTOK = 1_000_000  #: [tokens/Mtok]; API prices are quoted per million tokens
MS_PER_S = 1000.0  #: [ms/s]
NS_PER_S = 1_000_000_000  #: [ns/s]
SECONDS_PER_MINUTE = 60.0
SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86_400.0
HOURS_PER_DAY = 24
DAYS_PER_MONTH = 365 / 12  #: the mean month, for dates
HOURS_PER_MONTH = 730.0  #: 365 · 24 / 12, what clouds bill as one month
BITS_PER_BYTE = 8


def plain_number(value: Numeric) -> Numeric:
    """Return a number where numpy made an array without dimensions of it, and an array as it is."""
    return float(value) if getattr(value, "ndim", 0) == 0 else value


def percent(fraction: float, digits: int = 0, *, sign: str = "-") -> str:
    """Write a fraction as messages do; with ``sign="+"`` a rise bears its sign too.

    Examples
    --------
    >>> percent(0.4), percent(0.9995, 2), percent(12.5, sign="+")
    ('40 %', '99.95 %', '+1,250 %')
    """
    return f"{fraction * 100:{sign},.{digits}f} %"
