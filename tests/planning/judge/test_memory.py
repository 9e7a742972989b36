"""Start-up lines judged: what vLLM and llama.cpp print of their weights, caches and buffers."""

from __future__ import annotations

import pytest

from planner.specs.answers.validation import EngineSettings
from tests.planning.judge.rows import predicted, refusal

GIB, MIB = 2.0**30, 2.0**20
LLAMACPP: dict[str, object] = {"engine": "llama.cpp", "gpus": 1, "tensor_parallel": None, "metric": "kv"}


@pytest.mark.parametrize(
    ("model", "engine", "kv_dtype", "context", "slots", "mib"),
    [
        # llama.cpp prints "KV self size = 1024.00 MiB" for Llama 3 8B with 8,192 tokens: 32 layers, 8 heads of 128,
        # keys and values of 2 bytes, 8192 * 32 * 8 * 128 * 2 * 2 / 2**20.
        ("llama-3-8b", "llama.cpp", "f16", 8192, 1, 1024),
        ("llama-3-8b", "llama.cpp", "f16", 2048, 4, 1024),  # four slots of 2,048 tokens are as many cells
        ("llama-3-8b", "llama.cpp", "q8_0", 8192, 1, 1024 * 34 / 64),  # 32 elements are 34 bytes, not 64
        # Gemma 3 27B: 16 heads of 128, 8 KiB a token and layer. 10 layers keep all of 8,192 cells, 52 keep the window
        # of 1,024 and a batch of 512: (10 * 8192 + 52 * 1536) / 128 MiB.
        ("gemma-3-27b", "llama.cpp", "f16", 8192, 1, (10 * 8192 + 52 * 1536) / 128),
        (
            "gemma-3-27b",
            "ik_llama.cpp",
            "f16",
            8192,
            1,
            62 * 8192 / 128,
        ),  # knows no windows: all 62 layers keep all
    ],
)
def test_llamacpp_allocates_its_cache_at_the_start_by_cells(
    model: str, engine: str, kv_dtype: str, context: int, slots: int, mib: float
) -> None:
    settings = EngineSettings(kv_dtype=kv_dtype, context_tokens=context, slots=slots)
    found = predicted(**{**LLAMACPP, "engine": engine, "model": model, "settings": settings})
    assert found.value == pytest.approx(mib * MIB)
    assert found.low == pytest.approx(
        found.value, rel=0.005
    )  # a log line rounds, and nothing else is uncertain


def test_vllm_fills_the_memory_that_it_found_and_not_the_datasheets() -> None:
    """Each GiB more of physical memory is 0.9 GiB more of pool on each of the four cards."""
    pools = [
        predicted(metric="kv", settings=EngineSettings(physical_gib=found)).value for found in (78.0, 79.0)
    ]
    assert pools[1] - pools[0] == pytest.approx(0.9 * GIB)


@pytest.mark.parametrize(
    ("physical_gib", "reason"),
    [
        (19.0, "the model does not fit the GPUs with the profile's memory"),
        # 0.05 GB are left, and 0.4 % of 21.85 GiB, 0.09 GB, are uncertain: the interval would begin below nothing.
        (21.85, "the prediction is no positive number"),
    ],
)
def test_a_pool_that_may_be_nothing_is_not_judged(physical_gib: float, reason: str) -> None:
    assert refusal(metric="kv", settings=EngineSettings(physical_gib=physical_gib)) == reason
