"""How an engine was set up, as far as a line of a measured table says: in columns of their own, or in its notes."""

from __future__ import annotations

import re

from planner.inputs.table_cells import Cells
from planner.specs.answers.validation import EngineSettings

# What notes state: "max_num_seqs=256; mbt=2048; util=0.9; ShareGPT multi-turn 300 req".
NOTED = {
    "max_sequences": r"max_num_seqs[= ](\d+)",
    "batched_tokens": r"(?:mbt|max_num_batched_tokens)[= ](\d+)",
    "utilization_fraction": r"(?:util|gpu_memory_utilization)[= ](0?\.\d+)",
    "context_tokens": r"max_model_len[= ](\d+)",
    "pool_tokens": r"(?:num_kv|kv_pool|kv_cache)_tokens[= ](\d+)",
    "requests": r"(?:num_prompts[= ]|\b)(\d+) ?(?:req\b|requests|prompts)",
}
WHOLE = ("max_sequences", "batched_tokens", "context_tokens", "pool_tokens", "requests")
COLUMNS = (
    "max_num_seqs",
    "max_num_batched_tokens",
    "num_kv_tokens",
    "gpu_memory_utilization",
    "max_model_len",
    "num_prompts",
)


def engine_settings(row: Cells) -> EngineSettings:
    """Return the settings that a line states; a column of its own comes before the notes."""
    stated = [f"{name}={row.text(name)}" for name in COLUMNS if row.text(name)]
    return _noted("; ".join((*stated, row.text("notes"))))


def _noted(notes: str) -> EngineSettings:
    found: dict[str, float] = {}
    for name, pattern in NOTED.items():
        match = re.search(pattern, notes)
        if match:
            found[name] = float(match[1])
    whole = {name: int(value) for name, value in found.items() if name in WHOLE}
    return EngineSettings(
        utilization_fraction=found.get("utilization_fraction", 0.9),
        max_sequences=whole.get("max_sequences"),
        batched_tokens=whole.get("batched_tokens"),
        context_tokens=whole.get("context_tokens"),
        pool_tokens=whole.get("pool_tokens"),
        requests=whole.get("requests"),
    )
