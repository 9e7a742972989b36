"""Random engines and traffic, by seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.simulation.step import StepCosts
from planner.specs.answers.simulation import EngineLimits, RequestBatch


def random_limits(rng: np.random.Generator) -> EngineLimits:
    sequences = int(rng.integers(1, 12))
    block = int(rng.choice([1, 2, 4, 16]))
    pool = int(rng.integers(20, 600)) if rng.random() < 0.8 else None
    return EngineLimits(
        max_num_seqs=sequences,
        max_num_batched_tokens=int(rng.integers(sequences, 64)),
        pool_tokens=max(pool, block) if pool else None,
        block_tokens=block,
        chunked_prefill=bool(rng.random() < 0.8),
        reserve_full_input=bool(rng.random() < 0.5),
        async_scheduling=bool(rng.random() < 0.5),
        slot_tokens=int(rng.integers(30, 150)) if rng.random() < 0.2 else None,
    )


def random_costs(rng: np.random.Generator, max_tokens: int) -> StepCosts:
    tokens = np.arange(max_tokens + 1, dtype=np.float64)
    whole_step = rng.random() < 0.5
    return StepCosts(
        serial_s=0.01 + 1e-4 * float(rng.random()) * tokens,
        sequence_s=rng.random() * 1e-4,
        prefill_overhead_s=0.003,
        kv_token_s=rng.random() * 1e-5,
        pair_s=1e-6,
        compute_s=0.005 + 1e-3 * float(rng.random()) * tokens if whole_step else None,
        memory_s=0.001 * float(rng.random()) + 0.0 * tokens if whole_step else None,
        compute_pair_s=1e-6,
        memory_kv_s=rng.random() * 1e-4 if whole_step else 0.0,
    )


def random_batch(rng: np.random.Generator) -> RequestBatch:
    size = int(rng.integers(1, 40))
    gap_s = rng.choice([0.01, 0.1, 0.5, 2.0])
    return RequestBatch(
        arrival_s=np.cumsum(rng.exponential(gap_s, size)),
        input_tokens=rng.integers(1, 80, size),
        output_tokens=rng.integers(1, 60, size),
    )


def with_prefixes(rng: np.random.Generator, batch: RequestBatch, block_tokens: int) -> RequestBatch:
    """Let each prompt begin with some blocks of one of four documents, then go on with its own."""
    names: list[int] = []
    starts = [0]
    for number, tokens in enumerate(batch.input_tokens):
        blocks = int(rng.integers(0, tokens // block_tokens + 1))
        shared = int(rng.integers(0, blocks + 1))
        document = int(rng.integers(0, 4))
        names += [1_000 * document + block for block in range(shared)]
        names += [10_000 + 1_000 * number + block for block in range(shared, blocks)]
        starts.append(len(names))
    return replace(
        batch,
        prefix_hashes=np.array(names, dtype=np.int64),
        prefix_starts=np.array(starts, dtype=np.int64),
        prefix_block_tokens=block_tokens,
    )
