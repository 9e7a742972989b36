"""What this machine offers: processors, memory and its bandwidth, GPUs, and the engines and extras that are installed."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from planner.errors import EngineError
from planner.specs.measured.host import ExtraFacts, GpuFacts, HostFacts
from planner.specs.measured.measurement import MachineFacts

HOST_DIGITS = 12
EXECUTABLE_VARIABLE = "PLANNER_VLLM"  # a vllm command in another environment
FOUND_AS_COMMAND = "a command"  # of another environment, whose version only starting it tells
BANDWIDTH_BUFFER_BYTES = 128 * 1024**2  # above what one core sees of most last-level caches
BANDWIDTH_BUDGET_S = 0.8
READ_AND_WRITE = 2  # a copy reads and writes each byte
# what a user may install beside planner: name shown -> (distribution, extra that brings it, what for)
EXTRAS: dict[str, tuple[str, str, str]] = {
    "llama.cpp": ("llama-cpp-python", "llamacpp", "bench and calibrate GGUF models in process"),
    "gguf": ("gguf", "llamacpp", "synthetic models, GGUF headers"),
    "vLLM": ("vllm", "vllm", "bench a vLLM that planner launches"),
    "NVML": ("nvidia-ml-py", "vllm", "GPU memory, power and clocks"),
    "genai-prices": ("genai-prices", "prices", "books sync"),
    "tokenizers": ("tokenizers", "hf", "exact token counts of open models"),
    "tiktoken": ("tiktoken", "hf", "exact token counts of OpenAI models"),
    "matplotlib": ("matplotlib", "report", "plots as PNG and SVG"),
    "ray": ("ray", "ray", "sweeps on a cluster"),
}


def machine_facts() -> MachineFacts:
    """Describe the machine. The host appears only as a digest, so that records can be shared."""
    return MachineFacts(
        host_id=host_id(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu_name(),
        cpu_count=usable_cpus(),
        memory_bytes=_memory_bytes(),
        python=platform.python_version(),
    )


def host_id() -> str:
    """Return a digest that tells machines apart and names none."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:HOST_DIGITS]


def vllm_command() -> str | None:
    """Return the vllm command that planner starts; ``None`` where there is none."""
    return os.environ.get(EXECUTABLE_VARIABLE) or shutil.which("vllm")


def engine_versions(distributions: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of those distributions that are installed, by the same keys."""
    found = {}
    for name, distribution in distributions.items():
        with suppress(PackageNotFoundError):
            found[name] = version(distribution)
    return found


def usable_cpus() -> int:
    """Return the processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def host_facts() -> HostFacts:
    """Look at everything; takes about a second, which is the bandwidth measurement."""
    gpus, note = gpus_or_note()
    return HostFacts(
        machine=machine_facts(),
        memory_bandwidth_bytes_per_s=memory_bandwidth_bytes_per_s(),
        gpus=gpus,
        gpu_note=note,
        extras=tuple(_extra(name) for name in EXTRAS),
    )


def memory_bandwidth_bytes_per_s(budget_s: float = BANDWIDTH_BUDGET_S) -> float:
    """Copy a large buffer on one thread until the budget is spent; return the best rate, bytes read and written."""
    import numpy as np  # noqa: PLC0415 - the worker of llama.cpp must not load it

    source = np.ones(BANDWIDTH_BUFFER_BYTES // 8)
    target = np.ones_like(source)  # touched, so that no copy pays for page faults
    best_s, end_s = float("inf"), time.perf_counter() + budget_s
    while time.perf_counter() < end_s:
        start_s = time.perf_counter()
        np.copyto(target, source)
        best_s = min(best_s, time.perf_counter() - start_s)
    return READ_AND_WRITE * source.nbytes / best_s


def gpus() -> tuple[GpuFacts, ...]:
    """List the NVIDIA GPUs.

    Raises
    ------
    EngineError
        If the library is missing, or there is no driver or no GPU.
    """
    pynvml = nvml()
    try:
        pynvml.nvmlInit()
        driver = str(pynvml.nvmlSystemGetDriverVersion())
        found = tuple(_gpu(pynvml, index, driver) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError as error:
        raise EngineError(
            f"no NVIDIA GPU can be used: {error}",
            cure="check that nvidia-smi lists a GPU here, or measure without --gpu",
        ) from error
    if not found:
        raise EngineError(
            "the NVIDIA driver lists no GPU", cure="measure without --gpu, or on a machine with one"
        )
    return found


def driver_cuda_version() -> int:
    """Return the newest CUDA that the driver runs, as NVML writes it: 12040 is 12.4."""
    pynvml = nvml()
    pynvml.nvmlInit()
    return int(pynvml.nvmlSystemGetCudaDriverVersion())


def nvml() -> Any:  # noqa: ANN401 - pynvml has no types
    """Return the NVML library.

    Raises
    ------
    EngineError
        If it is not installed.
    """
    try:
        import pynvml  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise EngineError(
            "looking at GPUs needs nvidia-ml-py", cure="pip install 'llm-capacity-planner[vllm]'"
        ) from error
    return pynvml


def _gpu(pynvml: Any, index: int, driver: str) -> GpuFacts:  # noqa: ANN401
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return GpuFacts(
        index=index,
        name=str(pynvml.nvmlDeviceGetName(handle)),
        memory_bytes=int(memory.total),
        memory_used_bytes=int(memory.used),
        driver=driver,
    )


def gpus_or_note() -> tuple[tuple[GpuFacts, ...], str | None]:
    """Return the NVIDIA GPUs, or none and why not."""
    try:
        return gpus(), None
    except EngineError as error:
        return (), error.message


def _extra(name: str) -> ExtraFacts:
    distribution, extra, purpose = EXTRAS[name]
    try:
        found: str | None = version(distribution)
    except PackageNotFoundError:
        found = FOUND_AS_COMMAND if name == "vLLM" and vllm_command() else None
    return ExtraFacts(
        name=name,
        version=found,
        purpose=purpose,
        install=f"pip install 'llm-capacity-planner[{extra}]'",
    )


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
