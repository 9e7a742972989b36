"""How many requests the simulator serves a CPU-second, as Python and as machine code (extra ``fast``)."""

from __future__ import annotations

from importlib.util import find_spec
from time import process_time

import numpy as np

from planner.simulation.engine import simulate, simulate_closed_loop
from planner.simulation.step import StepCosts
from planner.specs.answers.simulation import EngineLimits, RequestBatch

PYTHON_REQUESTS = 20_000
COMPILED_REQUESTS = 500_000
RATE_PER_S = 8.0
POOL_TOKENS = 400_000


def poisson_batch(size: int) -> RequestBatch:
    rng = np.random.default_rng(7)
    return RequestBatch(
        arrival_s=np.cumsum(rng.exponential(1 / RATE_PER_S, size)),
        input_tokens=rng.integers(64, 2_000, size),
        output_tokens=rng.integers(16, 500, size),
    )


def requests_per_cpu_s(size: int, *, compiled: bool) -> float:
    """Return the speed for chat-like traffic on one engine whose step takes about 8 to 40 ms."""
    limits = EngineLimits(pool_tokens=POOL_TOKENS)
    tokens = np.arange(limits.max_num_batched_tokens + 1, dtype=np.float64)
    costs = StepCosts(serial_s=0.008 + np.maximum(0.0, 1.5e-5 * tokens), kv_token_s=4e-8, pair_s=1e-10)
    batch = poisson_batch(size)
    start = process_time()
    found = simulate(batch, costs=costs, limits=limits, compiled=compiled)
    spent = process_time() - start
    assert found.refused == 0
    utilised = float(found.e2e_s.mean()) * RATE_PER_S
    print(f"  {size:,} requests, {utilised:.0f} in the system on average, in {spent:.2f} CPU-seconds")
    return size / spent


def closed_loop_per_cpu_s(*, spread: float, compiled: bool) -> float:
    """Return the speed for 400 output tokens with 64 running; ``spread`` is how far lengths vary."""
    size = 20_000
    rng = np.random.default_rng(0)
    low, high = 1 - spread, 1 + spread
    costs = StepCosts(
        serial_s=np.maximum(0.016, np.arange(8193) * 1e-4),
        prefill_overhead_s=0.001,
        kv_token_s=1.3e-7,
        pair_s=1e-9,
    )
    lengths = [np.rint(mean * rng.uniform(low, high, size)).astype(np.int64) for mean in (2_000, 400)]
    start = process_time()
    simulate_closed_loop(
        costs=costs,
        limits=EngineLimits(max_num_batched_tokens=8192, pool_tokens=470_000),
        concurrency=64,
        input_tokens=lengths[0],
        output_tokens=lengths[1],
        compiled=compiled,
    )
    return size / (process_time() - start)


def main() -> None:
    for spread in (0.0, 0.2):
        speed = closed_loop_per_cpu_s(spread=spread, compiled=False)
        print(f"Python: {speed:,.0f} requests per CPU-second, 400 ± {spread:.0%} output tokens, 64 running")
    print(f"Python: {requests_per_cpu_s(PYTHON_REQUESTS, compiled=False):,.0f} requests per CPU-second")
    if find_spec("numba") is None:
        print("machine code: numba is not installed (extra fast)")
        return
    start = process_time()
    requests_per_cpu_s(100, compiled=True)
    print(f"machine code: loaded or compiled in {process_time() - start:.1f} CPU-seconds")
    for spread in (0.0, 0.2):
        speed = closed_loop_per_cpu_s(spread=spread, compiled=True)
        print(
            f"machine code: {speed:,.0f} requests per CPU-second, 400 ± {spread:.0%} output tokens, 64 running"
        )
    print(
        f"machine code: {requests_per_cpu_s(COMPILED_REQUESTS, compiled=True):,.0f} requests per CPU-second"
    )


if __name__ == "__main__":
    main()
