"""``--gpu``: which local GPUs a run takes, and whether driver, memory and engine are fit for it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from planner.engines.base import EngineOptions
from planner.engines.host import driver_cuda_version, gpus, vllm_command
from planner.errors import EngineError, UsageError
from planner.specs.measured.host import GpuFacts
from planner.units import GIB

VISIBLE = "CUDA_VISIBLE_DEVICES"
LEAST_CUDA = (
    12_000  # CUDA 12.0 as NVML writes it; the wheels of vLLM and llama-cpp-python are built for 12 and later
)
BUSY_FRACTION = (
    0.1  # of its memory in use: someone else works on this GPU (chosen; an idle driver takes some 0.5 %)
)
ROOM_FOR_WEIGHTS = 0.9  # of free memory; the rest is for activations and the KV cache's first blocks (chosen)


def choose_gpus(engine: str, options: EngineOptions) -> tuple[GpuFacts, ...]:
    """Return the emptiest GPUs, as many as the engine's arguments split the model over.

    Raises
    ------
    UsageError
        If the engine does not run on local GPUs.
    EngineError
        If there are not enough, they are in use, the driver is too old, the engine is missing, or the model is
        too large.
    """
    if engine not in {"llamacpp", "vllm"}:
        raise UsageError(
            f"--gpu starts an engine here, and {engine} is not one",
            cure="add --engine vllm or --engine llamacpp",
        )
    found = _visible(gpus())
    _check_driver(found[0].driver)
    _check_engine(engine)
    wanted = split_of(options.launch_arguments)
    free = sorted(
        (gpu for gpu in found if gpu.memory_used_bytes <= BUSY_FRACTION * gpu.memory_bytes),
        key=lambda gpu: (gpu.memory_used_bytes - gpu.memory_bytes, gpu.index),
    )
    if len(free) < wanted:
        busy = ", ".join(
            f"GPU {gpu.index} {gpu.memory_used_bytes / GIB:.1f} of {gpu.memory_bytes / GIB:.1f} GiB used"
            for gpu in found
        )
        raise EngineError(
            f"{wanted} free GPUs are wanted, {len(free)} of {len(found)} are free: {busy}",
            cure="end what runs there (nvidia-smi shows it), or lower --tensor-parallel-size",
        )
    chosen = tuple(free[:wanted])
    _check_memory(options.model, chosen)
    return chosen


def split_of(arguments: Sequence[str]) -> int:
    """Return over how many GPUs vLLM's arguments split a model."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--tensor-parallel-size", "-tp", type=int, default=1)
    parser.add_argument("--pipeline-parallel-size", "-pp", type=int, default=1)
    parser.add_argument("--data-parallel-size", "-dp", type=int, default=1)
    known, _ = parser.parse_known_args(list(arguments))
    product: int = known.tensor_parallel_size * known.pipeline_parallel_size * known.data_parallel_size
    return product


def _visible(found: tuple[GpuFacts, ...]) -> tuple[GpuFacts, ...]:
    """Keep to the GPUs that the environment allows."""
    allowed = os.environ.get(VISIBLE)
    if allowed is None:
        return found
    numbers = {int(part) for part in allowed.split(",") if part.strip().isdigit()}
    kept = tuple(gpu for gpu in found if gpu.index in numbers)
    if not kept:
        raise EngineError(
            f"{VISIBLE}={allowed!r} allows none of the {len(found)} GPUs here",
            cure=f"unset {VISIBLE}, or list numbers as nvidia-smi does",
        )
    return kept


def _check_driver(driver: str) -> None:
    cuda = driver_cuda_version()
    if cuda < LEAST_CUDA:
        raise EngineError(
            f"driver {driver} reaches CUDA {cuda // 1000}.{cuda % 1000 // 10}; engines need 12.0",
            cure="install driver 525 or later",
        )


def _check_engine(engine: str) -> None:
    if engine == "vllm" and not vllm_command():
        raise EngineError("there is no vllm command", cure="pip install 'llm-capacity-planner[vllm]'")


def _check_memory(model: str, chosen: Sequence[GpuFacts]) -> None:
    """Refuse a model whose files are larger than the free memory; what is not a local file is the engine's to judge."""
    path = Path(model)
    files = [path] if path.is_file() else [*path.glob("*.safetensors"), *path.glob("*.gguf")]
    weights = sum(file.stat().st_size for file in files)
    free = sum(gpu.memory_bytes - gpu.memory_used_bytes for gpu in chosen)
    if weights > ROOM_FOR_WEIGHTS * free:
        raise EngineError(
            f"{model} has {weights / GIB:.1f} GiB of weights, the chosen GPUs {free / GIB:.1f} GiB free",
            cure="take a smaller quantization, or more GPUs with --engine-args '--tensor-parallel-size N'",
        )
