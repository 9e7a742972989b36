"""SGLang's cache on one GPU by its own default rules: a share of the device for weights and cache, the rest for steps."""

from __future__ import annotations

from planner.formulas.sglang import WINDOW_SHARE, static_fraction, static_pool_bytes
from planner.planning.memory.kv_groups import CacheGroup
from planner.planning.memory.vllm_memory import StageMemory
from planner.records import dataclass
from planner.units import GIB, MIB

# Device memory below [GiB], tokens of a prefill chunk, largest batch with a CUDA graph with fewer than four ranks and from
# four on (SGLang 0.5.9, ``ServerArgs._handle_gpu_memory_settings``).
SIZES = (
    (20.0, 2048, 8, 8),
    (35.0, 2048, 24, 80),
    (60.0, 4096, 32, 160),
    (90.0, 8192, 256, 512),
    (160.0, 8192, 256, 512),
)
LARGEST = (16384, 512, 512)
MANY_RANKS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class SglangPool:
    """What a rank's cache holds, and the share that it came from."""

    static_fraction: float
    pool_bytes: float
    tokens: int


def sglang_pool(
    stage: StageMemory,
    *,
    weights_bytes: float,
    tensor_parallel: int,
    pipeline_parallel: int,
    static_share: float | None = None,
) -> SglangPool:
    """Return the cache of a rank; ``static_share`` is ``--mem-fraction-static`` where the user gives it.

    Windowed layers get the slots of 0.8 of the full layers' tokens; recurrent states 0.9 of what the cache takes.
    """
    _, chunk, few, many = next((row for row in SIZES if stage.physical_bytes < row[0] * GIB), (0.0, *LARGEST))
    share = static_share or float(
        static_fraction(
            physical_mib=stage.physical_bytes / MIB,
            chunk_tokens=chunk,
            graph_sequences=few if tensor_parallel < MANY_RANKS else many,
            ranks=tensor_parallel * pipeline_parallel,
        )
    )
    pool = float(
        static_pool_bytes(
            free_bytes=stage.physical_bytes - stage.non_torch_bytes,
            static_fraction=share,
            weights_bytes=weights_bytes,
            has_states=float(any(group.state_bytes for group in stage.groups)),
        )
    )
    each = slot_bytes(stage.groups)
    return SglangPool(
        static_fraction=share, pool_bytes=max(0.0, pool), tokens=int(max(0.0, pool) // each) if each else 0
    )


def slot_bytes(groups: tuple[CacheGroup, ...]) -> float:
    """Return what one token of the full layers takes, with its share of the windowed layers' slots [bytes]."""
    full = sum(group.layers * group.token_bytes for group in groups if group.window is None)
    windowed = sum(group.layers * group.token_bytes for group in groups if group.window is not None)
    return full + windowed * (WINDOW_SHARE if full else 1.0)
