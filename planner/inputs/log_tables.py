"""Start-up lines of vLLM and llama.cpp, one run a row, as measured numbers one a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.inputs.table_cells import Cells
from planner.specs.answers.fit import DEFAULT_UTILIZATION_FRACTION
from planner.specs.answers.validation import EngineSettings, TableRow
from planner.units import GIB, MIB

VLLM_SIZES = {"weights_gib": "weights", "kv_gib": "kv", "peak_activation_gib": "activation"}
NOMINAL_GIB = frozenset({16.0, 24.0, 48.0, 80.0})  #: what a box says, not what the engine found


def vllm_rows(line: int, row: Cells) -> Iterator[TableRow]:
    """Yield one row for each size that vLLM logged."""
    notes = row.text("notes")
    frame = TableRow(
        line=line,
        engine=row.text("engine") or "vllm",
        engine_version=row.text("vllm_version") or row.text("engine_version"),
        model=row.text("model"),
        precision=(row.text("dtype_quant") or row.text("precision")).casefold(),
        gpu=row.text("gpu"),
        gpus=row.devices("n_gpu"),
        tensor_parallel=row.devices("tp"),
        pipeline_parallel=row.devices("pp"),
        input_tokens=None,
        output_tokens=None,
        load_type="memory",
        load_value=None,
        metric="",
        value=0.0,
        notes=notes,
        settings=_vllm_settings(row, notes),
        unreadable="the engine did not start" if "FAILED" in notes else "",
    )
    for column, metric in VLLM_SIZES.items():
        size = row.number(column)
        if size is not None:
            yield replace(frame, metric=metric, value=size * GIB)
    tokens = row.number("kv_tokens")
    if tokens is not None:
        yield replace(frame, metric="kv_tokens", value=tokens)


def _vllm_settings(row: Cells, notes: str) -> EngineSettings:
    """Return the settings of a run; three of them stand in its notes alone, in the words searched for here."""
    physical = row.positive("gpu_total_gib")
    share = row.positive("gpu_memory_utilization")
    return EngineSettings(
        context_tokens=row.whole("max_model_len"),
        utilization_fraction=share if share is not None and share <= 1 else DEFAULT_UTILIZATION_FRACTION,
        kv_dtype=row.text("kv_cache_dtype") or "auto",
        max_sequences=256 if "max_num_seqs 256" in notes else None,
        batched_tokens=2048 if "max_num_batched_tokens 2048" in notes else None,
        physical_gib=physical if physical not in NOMINAL_GIB else None,
        speculative_tokens=3 if "MTP n=3" in notes else 0,
    )


def llamacpp_rows(line: int, row: Cells) -> Iterator[TableRow]:
    """Yield one row for each buffer that llama.cpp logged; devices and host are summed."""
    model = row.text("model_file") or row.text("model")
    model = model if model.casefold() not in {"models", "model"} else ""
    frame = TableRow(
        line=line,
        engine=row.text("engine") or "llama.cpp",
        engine_version=row.text("build"),
        model=model,
        precision=row.text("model_ftype"),
        gpu=row.text("gpu"),
        gpus=row.devices("n_gpu"),
        tensor_parallel=1,
        pipeline_parallel=1,
        input_tokens=None,
        output_tokens=None,
        load_type="memory",
        load_value=None,
        metric="",
        value=0.0,
        notes=row.text("model"),
        settings=EngineSettings(
            context_tokens=row.whole("n_ctx"),
            kv_dtype=row.text("kv_type") or "f16",
            batched_tokens=row.whole("n_ubatch"),
        ),
    )
    cache = row.number("kv_self_mib")
    if cache is not None:
        yield replace(frame, metric="kv", value=cache * MIB)
    device, host = row.total("gpu_model_buffer_mib"), row.total("cpu_model_buffer_mib")
    if device is not None:
        both = "" if host is not None else "device"  # old builds log no buffer of the host
        yield replace(frame, metric="weights", value=(device + (host or 0.0)) * MIB, statistic=both)
    work = row.total("compute_buffer_gpu_mib")
    if work is not None:
        yield replace(frame, metric="compute_buffer", value=work * MIB)
