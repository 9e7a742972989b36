"""A pynvml of two GPUs, one of them in use, as a module that can be put in the place of the real one."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

GIB = 1024**3


class NVMLError(Exception):
    pass


def fake_nvml(*, gpus: int = 2, cuda: int = 12_040, used_gib: tuple[float, ...] = (20.0, 0.5)) -> ModuleType:
    module = ModuleType("pynvml")

    def unsupported(_handle: int) -> int:
        raise NVMLError("Not Supported")

    members = {
        "NVMLError": NVMLError,
        "NVML_CLOCK_SM": 1,
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlSystemGetDriverVersion": lambda: "575.51",
        "nvmlSystemGetCudaDriverVersion": lambda: cuda,
        "nvmlDeviceGetCount": lambda: gpus,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda _handle: "NVIDIA L4",
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(
            total=24 * GIB, used=int(used_gib[handle] * GIB)
        ),
        "nvmlDeviceGetPowerUsage": lambda handle: 70_000 + 1000 * handle,
        "nvmlDeviceGetClockInfo": lambda _handle, _kind: 1800,
        "nvmlDeviceGetUtilizationRates": lambda _handle: SimpleNamespace(gpu=90),
        "nvmlDeviceGetCurrentClocksThrottleReasons": unsupported,
    }
    for name, value in members.items():
        setattr(module, name, value)
    return module
