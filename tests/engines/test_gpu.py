from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from planner.bench.telemetry import SAMPLES, Telemetry, on_gpus
from planner.engines.base import EngineOptions
from planner.engines.gpu_choice import VISIBLE, choose_gpus, split_of
from planner.engines.gpu_telemetry import GpuSampler, gpu_use
from planner.errors import EngineError, UsageError
from planner.specs.measured.host import GpuFacts
from planner.specs.measured.measurement import EngineFacts, PointFacts
from planner.specs.measured.telemetry import GpuSample
from tests.engines.fake_nvml import GIB, fake_nvml


@pytest.fixture(autouse=True)
def _two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setenv("PLANNER_VLLM", "/bin/true")


def options(*arguments: str, model: str = "org/model") -> EngineOptions:
    return EngineOptions(model=model, launch_arguments=arguments)


def test_the_free_gpu_is_taken_and_the_busy_one_left_alone() -> None:
    (chosen,) = choose_gpus("vllm", options())
    assert (chosen.index, chosen.name, chosen.driver) == (1, "NVIDIA L4", "575.51")


def test_a_split_model_needs_that_many_free_gpus() -> None:
    assert split_of(("--tensor-parallel-size", "4", "-pp", "2", "--dtype", "bfloat16")) == 8
    with pytest.raises(
        EngineError, match=r"2 free GPUs are wanted, 1 of 2 are free: GPU 0 20\.0 of 24\.0 GiB"
    ):
        choose_gpus("vllm", options("--tensor-parallel-size", "2"))


def test_the_environment_says_which_gpus_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0")
    with pytest.raises(EngineError, match="1 free GPUs are wanted, 0 of 1"):
        choose_gpus("vllm", options())
    monkeypatch.setenv(VISIBLE, "7")
    with pytest.raises(EngineError, match="allows none of the 2 GPUs"):
        choose_gpus("vllm", options())


def test_an_old_driver_is_refused_with_the_one_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(cuda=11_080))
    with pytest.raises(EngineError, match=r"driver 575.51 reaches CUDA 11.8") as refused:
        choose_gpus("vllm", options())
    assert refused.value.cure == "install driver 525 or later"


def test_a_model_larger_than_the_free_memory_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    with model.open("wb") as file:
        file.truncate(23 * GIB)
    with pytest.raises(EngineError, match=r"23\.0 GiB of weights, the chosen GPUs 23\.5 GiB free"):
        choose_gpus("llamacpp", options(model=str(model)))


def test_no_gpu_no_library_and_no_engine_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--gpu starts an engine here, and openai is not one"):
        choose_gpus("openai", options())
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("PLANNER_VLLM")
    with pytest.raises(EngineError, match="no vllm command"):
        choose_gpus("vllm", options())
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(gpus=0))
    with pytest.raises(EngineError, match="lists no GPU"):
        choose_gpus("vllm", options())
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(EngineError, match="needs nvidia-ml-py"):
        choose_gpus("vllm", options())


def test_samples_hold_what_the_device_tells_and_unknown_for_the_rest(tmp_path: Path) -> None:
    gpus = (GpuFacts(index=1, name="NVIDIA L4", memory_bytes=24 * GIB, memory_used_bytes=0, driver="575.51"),)
    start_ns = time.perf_counter_ns()
    with Telemetry(gpus, tmp_path) as telemetry:
        time.sleep(0.05)
        facts = telemetry.added_to(PointFacts(point=0, session=0, start_ns=start_ns))
    assert facts.gpu is not None
    assert (facts.gpu.power_w, facts.gpu.clock_mhz, facts.gpu.busy_fraction) == (71.0, 1800.0, 0.9)
    assert facts.gpu.throttled_fraction is None
    (line, *_) = (tmp_path / SAMPLES).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["memory_bytes"] == GIB // 2


def test_power_is_added_over_gpus_and_energy_is_the_area_under_it() -> None:
    samples = [
        GpuSample(at_ns=second * 10**9, index=index, power_w=100.0 * (1 + second), memory_bytes=index + 1)
        for second in (0, 1, 2)
        for index in (0, 1)
    ]
    use = gpu_use(samples)
    # each GPU: 100, 200, 300 W over two seconds: mean 200 W, (150 + 250) J
    assert (use.power_w, use.energy_j, use.memory_bytes) == (400.0, 800.0, 3)
    assert gpu_use([]).power_w is None


def test_a_run_without_gpus_has_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GpuSampler, "start", lambda _: pytest.fail("no GPU was asked for"))
    facts = PointFacts(point=0, session=0, start_ns=0)
    with Telemetry((), None) as telemetry:
        assert telemetry.added_to(facts) is facts


def test_the_engine_facts_name_gpu_and_driver_and_an_engine_without_gpu_support_is_refused() -> None:
    gpus = (GpuFacts(index=1, name="NVIDIA L4", memory_bytes=24 * GIB, memory_used_bytes=0, driver="575.51"),)
    facts = EngineFacts(kind="llamacpp", name="llama.cpp", version="1", model="m")
    told = on_gpus(facts, gpus).flags
    assert (told["gpu"], told["gpus"], told["driver"]) == ("NVIDIA L4", "1", "575.51")
    assert on_gpus(facts, ()) is facts
    without = EngineFacts(
        kind="llamacpp", name="llama.cpp", version="1", model="m", flags={"gpu_offload": False}
    )
    with pytest.raises(EngineError, match="built without GPU support"):
        on_gpus(without, gpus)
