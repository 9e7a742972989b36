"""The choices of ``planner bench`` and how its small notations are read."""

from __future__ import annotations

import re
from enum import StrEnum
from math import inf
from typing import Any, TypeAlias

from planner.errors import UsageError
from planner.specs.measured.load import SloTarget

# percentiles of two digits, and p9xx for what lies beyond p99: p999 is 0.999
SLO = re.compile(r"^(ttft|tpot|itl|e2e)_p([1-9]\d|9\d\d)_(ms|s)=(\d+(?:\.\d+)?)$")


Given: TypeAlias = dict[str, Any]
"""The options of ``planner bench`` by parameter name, as typer read them; bench_flags.py has the type of each."""


class Convention(StrEnum):
    """Whose definitions of the metrics to use."""

    planner = "planner"
    vllm = "vllm"
    guidellm = "guidellm"
    aiperf = "aiperf"


class Endpoint(StrEnum):
    """Which API of the server to use."""

    auto = "auto"
    completions = "completions"
    chat = "chat"


class Arrival(StrEnum):
    """How an open loop releases requests."""

    constant = "constant"
    poisson = "poisson"
    gamma = "gamma"
    ramp = "ramp"


def parse_slo(texts: list[str] | None) -> tuple[SloTarget, ...]:
    """Read limits such as ``ttft_p95_ms=500``.

    Raises
    ------
    UsageError
        If one is not of that form.
    """
    targets = []
    for text in texts or ():
        found = SLO.match(text)
        if found is None:
            raise UsageError(
                f"bad limit {text!r}", cure="write it as ttft_p95_ms=500, tpot_p95_ms=50 or e2e_p95_s=15"
            )
        metric, digits, unit, value = found.groups()
        limit_s = float(value) / (1000 if unit == "ms" else 1)
        fraction = int(digits) / 10 ** len(digits)
        targets.append(SloTarget(metric=f"{metric}_s", fraction=fraction, limit_s=limit_s))  # type: ignore[arg-type]
    return tuple(targets)


def numbers(text: str, name: str, kind: type[int | float]) -> tuple[Any, ...]:
    """Read a list of numbers above 0.

    Raises
    ------
    UsageError
        If it is not one.
    """
    try:
        values = tuple(kind(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(0 < value < inf for value in values):
        raise UsageError(f"bad {name} {text!r}", cure="give numbers above 0, separated by commas: 1,2,4,8")
    return values
