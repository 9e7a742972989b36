"""What a vLLM server's log says: how large its KV pool is, how long it took, and why it failed."""

from __future__ import annotations

import re

from planner.errors import EngineError
from planner.specs.measured.measurement import Setting

# name -> pattern of the one number; the wording is that of vLLM 0.19 to 0.32
FIGURES: dict[str, re.Pattern[str]] = {
    "kv_cache_tokens": re.compile(r"KV cache size: ([\d,]+) tokens"),
    "kv_cache_gib": re.compile(r"Available KV cache memory: ([\d.]+) GiB"),
    "weights_gib": re.compile(r"Model loading took ([\d.]+) GiB"),
    "engine_start_s": re.compile(r"init engine .* took ([\d.]+) s"),
    "graph_capture_gib": re.compile(r"Graph capturing finished in \d+ secs?, took ([\d.]+) GiB"),
}
OUT_OF_MEMORY = re.compile(
    r"out of memory|OutOfMemoryError|No available memory for the cache blocks"
    r"|larger than the available KV cache memory|Cannot allocate memory|less than desired GPU memory utilization",
    re.IGNORECASE,
)
ERROR_LINE = re.compile(r"\b(?:ERROR|[A-Z]\w*Error:)")
LINES_SHOWN = 5


def log_figures(log: str) -> dict[str, Setting]:
    """Return the numbers that the log states; absent ones are absent."""
    found: dict[str, Setting] = {}
    for name, pattern in FIGURES.items():
        match = pattern.search(log)
        if match:
            found[f"log_{name}"] = float(match.group(1).replace(",", ""))
    return found


def start_failure(log: str, *, exit_code: int | None, log_path: str) -> EngineError:
    """Say why the server did not start: out of memory, or its own last errors."""
    lines = [line for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR_LINE.search(line)] or lines
    tail = "".join(f"\n  engine: {line}" for line in errors[-LINES_SHOWN:])
    if OUT_OF_MEMORY.search(log) or exit_code == -9:  # killed by the system for memory
        return EngineError(
            f"vLLM ran out of memory while starting (log: {log_path}){tail}",
            cure="add --engine-args '--max-model-len N' or a lower '--max-num-seqs N', or take a smaller model",
        )
    how = "did not get ready in time" if exit_code is None else f"ended with code {exit_code}"
    return EngineError(f"vLLM {how} (log: {log_path}){tail}", cure=f"read {log_path}")
