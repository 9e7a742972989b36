"""What one engine step costs, and closed forms for many steps in a row.

Between two events the batch is fixed and every context grows by one token a step, so step ``j`` of a run costs
``base + serial_kv·(K + j·n) + max(compute, memory + memory_kv·(K + j·n))``: two arithmetic series with at most one
crossing. The simulator therefore adds a run of any length in constant time.

The functions work on plain numbers and index their tables only, so that the same source runs as Python (tables are
lists) and compiled by numba (tables are arrays).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.errors import UsageError
from planner.records import dataclass
from planner.units import Count

if TYPE_CHECKING:
    from planner.units import FloatArray

NEVER = 1 << 40  #: a step number that no simulation reaches
ALMOST_LINEAR = 1e-9  #: below this share a quadratic term is lost in the rounding of the linear one


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StepCosts:
    """Coefficients of one engine step, for one model on one replica.

    A step of ``T`` tokens (one per decoding sequence plus the prefill chunks), ``n`` sequences, ``K`` context tokens
    read by the decoding sequences and ``P`` query-key pairs of prefill attention takes
    ``serial_s[T] + sequence_s·n + prefill_overhead_s·[any prefill] + kv_token_s·K + pair_s·P
    + max(compute_s[T] + compute_pair_s·P, memory_s[T] + memory_kv_s·K)``.

    The tables are indexed by ``T`` and hold whatever depends on the number of tokens alone: launch overhead, weights
    read against matrix products, experts touched, all-reduce. A model that adds its operator classes uses the first
    line only; one that takes a roofline over the whole step uses the second.

    An engine that gives every sequence of a pass equally many tokens (``apart``: llama.cpp with a cache for each) takes
    prompts beside decoding sequences in two passes, ``serial_s[n] + serial_s[T − n]``: one token of each, then the rest.
    """

    serial_s: FloatArray
    sequence_s: float = 0.0
    prefill_overhead_s: float = 0.0
    kv_token_s: float = 0.0
    pair_s: float = 0.0
    compute_s: FloatArray | None = None
    memory_s: FloatArray | None = None
    compute_pair_s: float = 0.0
    memory_kv_s: float = 0.0
    apart: bool = False

    def __post_init__(self) -> None:
        """Refuse coefficients that could make a step take no time or run backwards.

        Raises
        ------
        UsageError
            For a negative or non-finite coefficient, or tables of unequal length.
        """
        for name in (
            "sequence_s",
            "prefill_overhead_s",
            "kv_token_s",
            "pair_s",
            "compute_pair_s",
            "memory_kv_s",
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"step cost {name} must be finite and not negative, found {value}")
        for name in ("serial_s", "compute_s", "memory_s"):
            table = getattr(self, name)
            if table is not None and not _is_cost_table(table, self.serial_s.size):
                raise UsageError(
                    f"step cost table {name} must be finite, not negative and as long as serial_s"
                )

    @property
    def max_tokens(self) -> int:
        """Return the largest number of tokens in one step that the tables cover [tokens]."""
        return int(self.serial_s.size) - 1


def _is_cost_table(table: FloatArray, length: int) -> bool:
    return table.ndim == 1 and table.size == length and bool(np.isfinite(table).all() and (table >= 0).all())


class CostTable(NamedTuple):
    """``StepCosts`` as the kernel reads it: no ``None``, and lists in place of arrays when run as Python."""

    serial_s: list[float] | FloatArray
    compute_s: list[float] | FloatArray
    memory_s: list[float] | FloatArray
    sequence_s: float
    prefill_overhead_s: float
    kv_token_s: float
    pair_s: float
    compute_pair_s: float
    memory_kv_s: float
    apart: bool


class Run(NamedTuple):
    """Steps in a row with a fixed batch: ``t(j) = base + kv·(K + j·n) + max(flat, floor + memory_kv·(K + j·n))``.

    ``sequences`` is ``n`` and ``context`` is ``K`` at the first step. ``crossing`` is the number of the first step at
    which the memory side is the longer one.
    """

    base_s: float
    kv_s: float
    flat_s: float
    floor_s: float
    memory_kv_s: float
    sequences: Count
    context: Count
    crossing: Count


def cost_table(costs: StepCosts, *, as_lists: bool) -> CostTable:
    """Unpack ``costs`` for the kernel, as lists (fast in Python) or arrays (for compiled code)."""
    none = np.zeros_like(costs.serial_s)
    tables = [
        np.ascontiguousarray(none if table is None else table, dtype=np.float64)
        for table in (costs.serial_s, costs.compute_s, costs.memory_s)
    ]
    given = [table.tolist() if as_lists else table for table in tables]
    return CostTable(
        given[0],
        given[1],
        given[2],
        float(costs.sequence_s),
        float(costs.prefill_overhead_s),
        float(costs.kv_token_s),
        float(costs.pair_s),
        float(costs.compute_pair_s),
        float(costs.memory_kv_s),
        bool(costs.apart),
    )


def step_time_s(
    costs: CostTable, tokens: int, sequences: int, context: int, pairs: float, prefill: bool
) -> float:
    """Return the time of one step [s]; the quantities are those of ``StepCosts``.

    Only decoding sequences read context, so a step with prompts and context is a mixed one.
    """
    compute = costs.compute_s[tokens] + costs.compute_pair_s * pairs
    memory = costs.memory_s[tokens] + costs.memory_kv_s * context
    time = (
        costs.serial_s[tokens]
        + costs.sequence_s * sequences
        + costs.kv_token_s * context
        + costs.pair_s * pairs
    )
    if prefill:
        time += costs.prefill_overhead_s
        if costs.apart and context > 0 and sequences < tokens:
            time += costs.serial_s[sequences] + costs.serial_s[tokens - sequences] - costs.serial_s[tokens]
    return time + max(compute, memory)


def decode_run(costs: CostTable, sequences: int, context: int) -> Run:
    """Return the run of pure decode steps that starts with ``context`` tokens over ``sequences`` sequences."""
    flat = costs.compute_s[sequences]
    floor = costs.memory_s[sequences]
    growth = costs.memory_kv_s * sequences
    gap = flat - floor - costs.memory_kv_s * context
    crossing = 0
    if gap > 0.0:
        crossing = math.ceil(gap / growth) if gap < growth * NEVER else NEVER
    base = costs.serial_s[sequences] + costs.sequence_s * sequences
    return Run(base, costs.kv_token_s, flat, floor, costs.memory_kv_s, sequences, context, crossing)


def run_time_s(run: Run, steps: int) -> float:
    """Return the time that the first ``steps`` steps of a run take together [s], in closed form."""
    series = steps * run.context + run.sequences * (steps * (steps - 1) // 2)
    time = steps * run.base_s + run.kv_s * series
    flat_steps = min(steps, run.crossing)
    flat_series = flat_steps * run.context + run.sequences * (flat_steps * (flat_steps - 1) // 2)
    memory = (steps - flat_steps) * run.floor_s + run.memory_kv_s * (series - flat_series)
    return time + flat_steps * run.flat_s + memory


def steps_until(run: Run, duration_s: float, at_most: int) -> int:
    """Return the fewest steps, from 1 to ``at_most``, that take at least ``duration_s``; ``at_most`` if none do.

    The time of a run is a convex function of its length, so the root of its last piece, corrected by a step or two
    for rounding, is exact.
    """
    if run_time_s(run, at_most) < duration_s:
        return at_most
    low, high = 1, at_most
    first = min(run.crossing, at_most)
    if first > 0 and run_time_s(run, first) >= duration_s:
        high = first
        guess = _root(run.base_s + run.flat_s + run.kv_s * run.context, run.kv_s * run.sequences, duration_s)
    else:
        low = max(first, 1)
        rest = duration_s - run_time_s(run, first)
        growth = (run.kv_s + run.memory_kv_s) * run.sequences
        start = run.base_s + run.floor_s + (run.kv_s + run.memory_kv_s) * run.context + growth * first
        guess = first + _root(start, growth, rest)
    steps = min(max(math.ceil(guess), low), high)
    while steps > 1 and run_time_s(run, steps - 1) >= duration_s:
        steps -= 1
    while steps < at_most and run_time_s(run, steps) < duration_s:
        steps += 1
    return steps


def _root(start_s: float, growth_s: float, duration_s: float) -> float:
    """Return the ``k`` with ``k·start + growth·k(k−1)/2 = duration``."""
    if growth_s * duration_s <= ALMOST_LINEAR * start_s * start_s:
        return duration_s / start_s if start_s > 0.0 else 1.0
    linear = start_s - growth_s / 2
    return (math.sqrt(linear * linear + 2 * growth_s * duration_s) - linear) / growth_s
