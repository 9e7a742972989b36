"""Simulate one serving engine: the door to the event loop."""

from __future__ import annotations

import numpy as np

from planner.errors import UsageError
from planner.simulation.compiled import compiled_kernel, is_worth_compiling
from planner.simulation.kernel import run_engine
from planner.simulation.prefix_cache import prefix_cache_of
from planner.simulation.state import engine_of, limits_of, requests_of, results_of
from planner.simulation.step import StepCosts, cost_table
from planner.specs.answers.simulation import EngineLimits, IntArray, RequestBatch, SimulatedRequests


def simulate(
    batch: RequestBatch, *, costs: StepCosts, limits: EngineLimits, compiled: bool | None = None
) -> SimulatedRequests:
    """Serve requests that arrive at given times on one engine.

    Parameters
    ----------
    batch
        The requests in order of arrival.
    costs
        What a step costs on this replica.
    limits
        The scheduler's settings.
    compiled
        Whether to run as machine code (needs numba) or as Python; by default whichever is sooner done.

    Raises
    ------
    UsageError
        If the cost tables end before the step's token limit, or ``compiled`` is asked for without numba.
    """
    return _run(batch, costs, limits, concurrency=None, turnaround_s=0.0, compiled=compiled)


def simulate_closed_loop(
    *,
    costs: StepCosts,
    limits: EngineLimits,
    concurrency: int,
    input_tokens: IntArray,
    output_tokens: IntArray,
    turnaround_s: float = 0.0,
    compiled: bool | None = None,
) -> SimulatedRequests:
    """Serve clients that each wait for an answer before they ask again, as load generators do at a concurrency.

    ``concurrency`` requests arrive together at time zero; each end sends the next one after ``turnaround_s``.

    Raises
    ------
    UsageError
        For a concurrency under one; else as ``simulate``.
    """
    if concurrency < 1:
        raise UsageError(f"concurrency must be at least 1, found {concurrency}")
    batch = RequestBatch(
        arrival_s=np.zeros(input_tokens.size), input_tokens=input_tokens, output_tokens=output_tokens
    )
    return _run(batch, costs, limits, concurrency=concurrency, turnaround_s=turnaround_s, compiled=compiled)


def _run(
    batch: RequestBatch,
    costs: StepCosts,
    limits: EngineLimits,
    *,
    concurrency: int | None,
    turnaround_s: float,
    compiled: bool | None,
) -> SimulatedRequests:
    if costs.max_tokens < limits.max_num_batched_tokens:
        raise UsageError(
            f"the step costs cover {costs.max_tokens} tokens, the scheduler allows "
            f"{limits.max_num_batched_tokens} in one step"
        )
    fast = is_worth_compiling(batch.size) if compiled is None else compiled
    served = _servable(batch, limits)
    plain = limits_of(limits)
    requests = requests_of(batch, served, as_lists=not fast)
    issued = min(concurrency or served.size, served.size)
    engine = engine_of(served.size, plain, issued=issued, turnaround_s=turnaround_s, as_lists=not fast)
    cache = prefix_cache_of(batch, served, plain, enabled=limits.prefix_caching, as_lists=not fast)
    kernel = compiled_kernel() if fast else run_engine
    kernel(requests, engine, plain, cost_table(costs, as_lists=not fast), cache)
    return results_of(batch, served, requests)


def _servable(batch: RequestBatch, limits: EngineLimits) -> IntArray:
    """Return the places of the requests that an empty engine could serve; an engine refuses the others at once."""
    longest = batch.input_tokens + batch.output_tokens - 1
    fits = np.ones(batch.size, dtype=np.bool_)
    if limits.slot_tokens is not None:
        fits &= longest <= limits.slot_tokens
    if limits.pool_tokens is not None:
        fits &= -(-longest // limits.block_tokens) <= limits.pool_tokens // limits.block_tokens
    if not limits.chunked_prefill:
        fits &= longest <= limits.max_num_batched_tokens
    return np.flatnonzero(fits)
