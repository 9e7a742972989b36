"""An open model on the user's own device: one user, no rent, the device's memory and bandwidth decide."""

from __future__ import annotations

import math
from collections.abc import Iterator

from planner.errors import DataError, UsageError
from planner.formulas.machine_cost import energy_usd
from planner.formulas.queueing import quantile_of_sum
from planner.planning.hosting.capacity import time_text
from planner.planning.hosting.configurations import Workbench
from planner.planning.hosting.load_steps import Demand, demand_of
from planner.planning.memory.fit_llamacpp import fit_llamacpp
from planner.planning.prediction.joined_profile import measured_stream
from planner.planning.prediction.predict_llamacpp import SingleStream, single_stream
from planner.planning.workload.tokens import workload_hosted
from planner.records import dataclass
from planner.specs.answers.estimate import HostingOption
from planner.specs.answers.fit import FitRequest
from planner.specs.base import Quantity
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.specs.case import Case
from planner.specs.refusal import Refusal
from planner.specs.scenario.hosting import Edge
from planner.specs.scenario.scenario import Slo
from planner.specs.scenario.workload import Workload

USD_PER_KWH = 0.15  # assumed household tariff; the device's owner pays it
COMMON_DEVICES = ("apple-m4-max-40c", "rtx-4090")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Speed:
    """One user's request: 95th percentiles over the scenario's lengths, and the mean request's time."""

    ttft_s: Quantity
    tpot_s: Quantity
    e2e_s: Quantity
    mean_e2e_s: float


def edge_options(case: Case, edge: Edge, workload: Workload, workbench: Workbench) -> Iterator[HostingOption]:
    """Yield the model on each device: feasible with its speed and energy, or refused with the reason."""
    if edge.model is None:
        return
    model = case.books.models.find(edge.model)
    workload = workload_hosted(case, workload, model)
    for name in edge.devices or COMMON_DEVICES:
        yield _option(case, edge, model, case.books.hardware.find(name), workload, workbench)


def _option(
    case: Case,
    edge: Edge,
    model: ModelSpec,
    device: HardwareSpec,
    workload: Workload,
    workbench: Workbench,
) -> HostingOption:
    refused: list[Refusal] = []
    speed = _speed(edge, model, device, workload, workbench)
    if isinstance(speed, Refusal):
        refused.append(speed)
    else:
        refused.extend(_missed(speed, case.scenario.slo))
    if not edge.quality_equivalent:
        words = f"quality_equivalent is not stated for {model.id}"
        refused.append(Refusal(kind="quality", words=words))
    own = workbench.measured_profile("llamacpp", model, device, edge.quantization)
    known = speed if isinstance(speed, _Speed) else None
    energy = None
    if known is not None and device.tdp_w is not None:
        energy = energy_usd(device.tdp_w, known.mean_e2e_s * workload.requests_per_month, USD_PER_KWH)
    return HostingOption(
        kind="edge",
        name=f"{model.id} {edge.quantization} on {device.id} (llama.cpp)",
        usd_per_month=energy,
        grade=known.tpot_s.grade if known is not None else "datasheet",
        refused=tuple(refused),
        model=model.id,
        gpu=device.id,
        gpus_per_replica=1,
        quantization=edge.quantization,
        ttft_s=known.ttft_s if known is not None else None,
        tpot_s=known.tpot_s if known is not None else None,
        e2e_s=known.e2e_s if known is not None else None,
        quality_equivalent=edge.quality_equivalent,
        profile=own.name if own is not None else None,
    )


def _missed(speed: _Speed, slo: Slo) -> Iterator[Refusal]:
    """Yield each limit that one user's request misses."""
    late = {"TTFT": speed.ttft_s.value, "TPOT": speed.tpot_s.value, "e2e": speed.e2e_s.value}
    for name, limit in slo.limits_s.items():
        if late[name] > limit:
            words = f"p95 {name} is {time_text(late[name])}, the limit is {time_text(limit)}"
            yield Refusal(kind="latency", words=words)


def _speed(
    edge: Edge, model: ModelSpec, device: HardwareSpec, workload: Workload, workbench: Workbench
) -> _Speed | Refusal:
    """Return how fast a device answers one user, or why it cannot."""
    demand = demand_of(workload)
    longest = math.ceil(demand.prompt.p99 + demand.answer.p99)
    architecture = workbench.architecture(model)
    try:
        request = FitRequest(
            engine="llamacpp", quantization=edge.quantization, context_tokens=max(longest, 1)
        )
        memory = fit_llamacpp(architecture, device, request)
        if not memory.fits:
            return Refusal(kind="memory", words=memory.reason)
        mean, long = (
            _stream(edge, model, device, workbench, tokens, demand.answer.mean)
            for tokens in (demand.prompt.mean, demand.prompt.p95)
        )
    except (UsageError, DataError) as error:
        return Refusal(kind="support", words=error.message)
    if long.prefill_tokens_per_s is None or mean.prefill_tokens_per_s is None:
        words = f"the books have no matrix rate for {device.id}, so nothing is known of its TTFT"
        return Refusal(kind="support", words=words)
    return _percentiles(demand, mean.prefill_tokens_per_s, mean.decode_tokens_per_s, long)


def _stream(
    edge: Edge, model: ModelSpec, device: HardwareSpec, workbench: Workbench, prompt: float, answer: float
) -> SingleStream:
    """Return the speed of one request: as it was measured on this device, else by the fit of its class."""
    own = workbench.measured_profile("llamacpp", model, device, edge.quantization)
    if own is not None:
        return measured_stream(own, input_tokens=prompt, output_tokens=answer)
    return single_stream(
        workbench.architecture(model),
        device,
        workbench.profiles,
        quantization=edge.quantization,
        input_tokens=prompt,
        output_tokens=answer,
    )


def _percentiles(demand: Demand, prefill: Quantity, decode: Quantity, long: SingleStream) -> _Speed:
    """Return the percentiles of a lonely user, who waits for nobody: only the lengths spread."""
    ttft = (long.prefill_tokens_per_s or prefill).under(demand.prompt.p95)
    tpot = long.decode_tokens_per_s.under(1.0)
    first, token = demand.prompt.mean / prefill.value, 1.0 / decode.value
    mean = first + token * (demand.answer.mean - 1.0)
    late = quantile_of_sum(mean, ttft.value - first, token * (demand.answer.p95 - demand.answer.mean))
    share = float(late) / tpot.value
    return _Speed(
        ttft_s=ttft,
        tpot_s=tpot,
        e2e_s=Quantity(value=float(late), low=tpot.low * share, high=tpot.high * share, grade=tpot.grade),
        mean_e2e_s=mean,
    )
