"""What is said about this machine, from files and libraries that say what the test lets them."""

import platform
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from planner.engines import host
from planner.errors import EngineError


class NvmlError(Exception):
    """Stands for ``pynvml.NVMLError``."""


class FakeNvml(SimpleNamespace):
    """An NVML that lists ``cards``; it refuses to start when there are ``None``."""

    NVMLError = NvmlError
    cards: tuple[str, ...] | None

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's own names
        if self.cards is None:
            raise NvmlError("Driver Not Loaded")

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "575.57"

    def nvmlSystemGetCudaDriverVersion(self) -> int:  # noqa: N802
        return 12_090

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.cards or ())

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return (self.cards or ())[handle]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=(handle + 1) * 1000, used=100)


def with_nvml(monkeypatch: pytest.MonkeyPatch, cards: tuple[str, ...] | None) -> None:
    library: Any = FakeNvml(cards=cards)
    monkeypatch.setitem(sys.modules, "pynvml", library)


def test_gpus_are_listed_with_their_memory_and_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    with_nvml(monkeypatch, ("NVIDIA L4", "NVIDIA L40S"))
    first, second = host.gpus()
    assert (first.index, first.name, first.memory_bytes, first.driver) == (0, "NVIDIA L4", 1000, "575.57")
    assert (second.index, second.memory_bytes, second.memory_used_bytes) == (1, 2000, 100)
    assert host.driver_cuda_version() == 12_090


@pytest.mark.parametrize(
    ("cards", "message"),
    [(None, "no NVIDIA GPU can be used: Driver Not Loaded"), ((), "the NVIDIA driver lists no GPU")],
)
def test_without_a_gpu_the_reason_is_an_error_or_a_note(
    cards: tuple[str, ...] | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_nvml(monkeypatch, cards)
    monkeypatch.setattr(host, "memory_bandwidth_bytes_per_s", lambda: 1e10)
    with pytest.raises(EngineError, match=message):
        host.gpus()
    facts = host.host_facts()
    assert facts.gpus == ()
    assert facts.gpu_note is not None
    assert facts.gpu_note.startswith(message)


def test_without_the_library_its_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "pynvml", missing)  # what Python keeps for a module that is not there
    with pytest.raises(EngineError, match="needs nvidia-ml-py") as error:
        host.nvml()
    assert error.value.cure == "pip install 'llm-capacity-planner[vllm]'"


def test_the_host_is_told_by_a_digest_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "secret-host")
    facts = host.machine_facts()
    assert facts.host_id == "5de42956b992"  # printf secret-host | sha256sum
    assert "secret" not in repr(facts)
    assert facts.cpu_count == host.usable_cpus() >= 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel name\t: Xeon: 8480+ \n", "Xeon: 8480+"),
        ("processor\t: 0\nBogoMIPS\t: 50\n", "aarch64"),  # ARM kernels name no model
        (None, "aarch64"),
    ],
)
def test_the_processor_is_named_by_the_kernel_or_by_its_kind(
    text: str | None, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "cpuinfo"
    if text is not None:
        info.write_text(text)
    monkeypatch.setattr(host, "Path", lambda _: info)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert host.machine_facts().cpu == name


def test_memory_that_the_system_does_not_tell_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr("os.sysconf", pages.__getitem__)
    assert host.machine_facts().memory_bytes == 4_096_000

    def refuse(_: str) -> int:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr("os.sysconf", refuse)
    assert host.machine_facts().memory_bytes is None


def test_an_extra_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(distribution: str) -> str:
        if distribution == "vllm":
            raise PackageNotFoundError
        return "1.2"

    monkeypatch.setattr(host, "version", version)
    monkeypatch.setattr(host, "memory_bandwidth_bytes_per_s", lambda: 1e10)
    with_nvml(monkeypatch, None)
    extras = {extra.name: extra for extra in host.host_facts().extras}
    assert extras["vLLM"].version is None
    assert extras["vLLM"].install == "pip install 'llm-capacity-planner[vllm]'"
    assert extras["ray"].version == "1.2"
