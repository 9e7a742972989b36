"""An open model on the user's own device: one user, no rent, the device's memory and bandwidth decide."""

from __future__ import annotations

import math
from collections.abc import Iterator

from planner.errors import DataError, UsageError
from planner.formulas.hosting import energy_usd
from planner.planning.architecture import unpack
from planner.planning.fit_llamacpp import fit_llamacpp
from planner.planning.serving import capacity
from planner.specs.case import Case
from planner.specs.estimate import HostingOption
from planner.specs.fit import FitRequest
from planner.specs.hardware import HardwareSpec
from planner.specs.hosting import Edge
from planner.specs.model import ModelSpec
from planner.specs.serving import Capacity
from planner.specs.workload import Workload
from planner.units import MS_PER_S

USD_PER_KWH = 0.15  # assumed household tariff; the device's owner pays it
COMMON_DEVICES = ("apple-m4-max-40c", "rtx-4090")


def edge_options(case: Case, edge: Edge, workload: Workload) -> Iterator[HostingOption]:
    """Yield the model on each device: feasible with its speed and energy, or refused with the reason."""
    if edge.model is None:
        return
    model = case.books.models.find(edge.model)
    for name in edge.devices or COMMON_DEVICES:
        yield _option(case, edge, model, case.books.hardware.find(name), workload)


def _option(
    case: Case, edge: Edge, model: ModelSpec, device: HardwareSpec, workload: Workload
) -> HostingOption:
    refused: list[str] = []
    served = _served(case, edge, model, device, workload)
    if isinstance(served, str):
        refused.append(served)
        point = None
    else:
        point = served.point
        if served.concurrency < 1:
            refused.append(served.reason)
    if not edge.quality_equivalent:
        refused.append(f"quality_equivalent is not stated for {model.id}")
    energy = None
    if point is not None and device.tdp_w is not None:
        energy = energy_usd(device.tdp_w, point.e2e_s.value * workload.requests_per_month, USD_PER_KWH)
    return HostingOption(
        kind="edge",
        name=f"{model.id} {edge.quantization} on {device.id} (llama.cpp)",
        usd_per_month=energy,
        grade="datasheet",
        refused=tuple(refused),
        model=model.id,
        gpu=device.id,
        gpus_per_replica=1,
        quantization=edge.quantization,
        ttft_s=point.ttft_p95_s if point is not None else None,
        tpot_s=point.tpot_p95_s if point is not None else None,
        bound_by=served.limited_by if isinstance(served, Capacity) else None,
        quality_equivalent=edge.quality_equivalent,
    )


def _served(
    case: Case, edge: Edge, model: ModelSpec, device: HardwareSpec, workload: Workload
) -> Capacity | str:
    slo = case.scenario.slo
    output = max(workload.output_tokens.mean + workload.reasoning_tokens.mean, 1.0)
    longest = math.ceil(workload.input_tokens.p99 + workload.output_tokens.p99)
    try:
        request = FitRequest(
            engine="llamacpp", quantization=edge.quantization, context_tokens=max(longest, 1)
        )
        memory = fit_llamacpp(unpack(model), device, request)
        if not memory.fits:
            return memory.reason
        return capacity(
            model,
            device,
            engine="llama.cpp",
            tensor_parallel=1,
            quantization=edge.quantization,
            input_tokens=max(workload.input_tokens.mean, 1.0),
            output_tokens=output,
            ttft_limit_s=slo.ttft_p95_ms / MS_PER_S if slo.ttft_p95_ms else None,
            tpot_limit_s=slo.tpot_p95_ms / MS_PER_S if slo.tpot_p95_ms else None,
            e2e_limit_s=slo.e2e_p95_s,
            max_concurrency=1.0,
        )
    except (UsageError, DataError) as error:
        return error.message
