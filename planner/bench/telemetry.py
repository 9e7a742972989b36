"""The GPUs of a run: their telemetry on disk as it comes, and summed up for each point."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Self, TextIO

from planner.engines.gpu_telemetry import GpuSampler
from planner.errors import EngineError
from planner.specs.measured.host import GpuFacts
from planner.specs.measured.measurement import EngineFacts, PointFacts, Setting
from planner.specs.measured.telemetry import GpuSample

SAMPLES = "gpu.jsonl"


class Telemetry:
    """Samples the run's GPUs inside a ``with`` block; without GPUs it does nothing."""

    def __init__(self, gpus: tuple[GpuFacts, ...], folder: Path | None) -> None:
        self._gpus, self._folder = gpus, folder
        self._file: TextIO | None = None
        self._sampler: GpuSampler | None = None

    def __enter__(self) -> Self:
        """Start to sample."""
        if self._gpus:
            if self._folder is not None:
                self._file = (self._folder / SAMPLES).open("a", encoding="utf-8")
            self._sampler = GpuSampler([gpu.index for gpu in self._gpus], take=self._keep)
            self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and close the file."""
        if self._sampler is not None:
            self._sampler.stop()
        if self._file is not None:
            self._file.close()

    def added_to(self, facts: PointFacts) -> PointFacts:
        """Return what is known of a point with what the GPUs did since its start."""
        return facts if self._sampler is None else replace(facts, gpu=self._sampler.use_since(facts.start_ns))

    def _keep(self, sample: GpuSample) -> None:
        if self._file is not None:
            self._file.write(json.dumps(asdict(sample)) + "\n")
            self._file.flush()


def on_gpus(facts: EngineFacts, gpus: tuple[GpuFacts, ...]) -> EngineFacts:
    """Return the engine's facts with the GPUs that it was given.

    Raises
    ------
    EngineError
        If the engine cannot use them.
    """
    if not gpus:
        return facts
    if facts.flags.get("gpu_offload") is False:
        raise EngineError(
            "this llama-cpp-python was built without GPU support",
            cure="CMAKE_ARGS=-DGGML_CUDA=on pip install --force-reinstall --no-cache-dir llama-cpp-python",
        )
    told: dict[str, Setting] = {
        "gpu": gpus[0].name,
        "gpus": ",".join(str(gpu.index) for gpu in gpus),
        "driver": gpus[0].driver,
        "gpu_memory_bytes": gpus[0].memory_bytes,
    }
    return replace(facts, flags=facts.flags | told)
