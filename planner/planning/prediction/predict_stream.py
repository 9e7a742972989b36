"""``planner predict --engine llamacpp``: one request, from its prompt to its last token."""

from __future__ import annotations

from planner.errors import UsageError
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.fit_llamacpp import llamacpp_memory
from planner.planning.memory.gguf_mixtures import mixture
from planner.planning.memory.versions import untold_notices
from planner.planning.prediction.predict import check_load
from planner.planning.prediction.predict_llamacpp import (
    arithmetic_s,
    decode_s,
    single_stream,
    stream_numbers,
    stream_profile,
)
from planner.planning.prediction.stream_work import HOST_BYTES_PER_S, stream_work
from planner.specs.answers.fit import FitRequest
from planner.specs.answers.prediction import OperatorTime, PredictRequest, StreamPrediction
from planner.specs.base import Notice, Quantity
from planner.specs.books.hardware import HardwareSpec
from planner.specs.profiles.serving import ServingProfile
from planner.units import GB


def predict_stream(
    architecture: Architecture,
    hardware: HardwareSpec,
    request: PredictRequest,
    *,
    profiles: tuple[ServingProfile, ...],
) -> StreamPrediction:
    """Return the speed of one user on llama.cpp.

    Raises
    ------
    UsageError
        When more than one request is asked for, the model does not fit, or a name is unknown.
    """
    check_load(architecture, request)
    versions = untold_notices(request.engine, request.version)
    if request.concurrency != 1.0:
        raise UsageError(
            "planner predict answers for one request at a time under llama.cpp",
            cure="leave --concurrency and --rate out; planner calibrate fits several slots",
        )
    devices = request.tensor_parallel * request.pipeline_parallel
    speed = single_stream(
        architecture,
        hardware,
        profiles,
        quantization=request.quantization,
        input_tokens=request.input_tokens,
        output_tokens=request.output_tokens,
        devices=devices,
    )
    if speed.prefill_tokens_per_s is None:
        raise UsageError(
            f"the books have no matrix rate for {hardware.name}, so its prompts cannot be timed",
            cure="add tflops to its row of hardware.yaml",
        )
    first = speed.prefill_tokens_per_s.under(request.input_tokens)
    each = speed.decode_tokens_per_s.under(1.0)
    steps = request.output_tokens - 1
    whole = Quantity(
        value=first.value + steps * each.value,
        low=first.low + steps * each.low,
        high=first.high + steps * each.high,
        grade=each.grade,
    )
    name, _ = mixture(request.quantization, model=architecture.model)
    memory = llamacpp_memory(
        architecture, hardware, FitRequest(engine="llamacpp", quantization=request.quantization)
    )
    parts = _breakdown(architecture, hardware, request, profiles)
    profile = stream_profile(profiles, hardware)[0]
    return StreamPrediction(
        model=architecture.model.id,
        hardware=hardware.id,
        engine="llamacpp",
        profile=profile.id,
        gpus=devices,
        quantization=name,
        prefill_tokens_per_s=speed.prefill_tokens_per_s,
        output_tokens_per_s=speed.decode_tokens_per_s,
        ttft_s=first,
        tpot_s=each,
        e2e_s=whole,
        requests_per_s=whole.under(1.0),
        bound_by=max(parts, key=lambda part: part.time_s).name,
        weights_bytes=memory.weights_bytes,
        cache_bytes=memory.cache_bytes(
            context_tokens=request.input_tokens + request.output_tokens, slots=1.0
        ),
        usable_bytes=memory.usable_bytes * devices,
        breakdown=parts,
        grade=each.grade,
        notices=(*versions, *_notices(hardware, profile, each)),
    )


def _breakdown(
    architecture: Architecture,
    hardware: HardwareSpec,
    request: PredictRequest,
    profiles: tuple[ServingProfile, ...],
) -> tuple[OperatorTime, ...]:
    """Return one token of the answer by what it waits for."""
    work = stream_work(
        architecture,
        hardware,
        quantization=request.quantization,
        context_tokens=request.input_tokens + request.output_tokens / 2,
        reserved_tokens=request.input_tokens + request.output_tokens,
        devices=request.tensor_parallel * request.pipeline_parallel,
    )
    numbers = stream_numbers(stream_profile(profiles, hardware)[0])
    total = decode_s(work, numbers)
    times = {
        "weights": (numbers["read"] * work.weights_s, work.weights_s),
        "cache": (numbers["cache_read"] * work.cache_s, work.cache_s),
        "arithmetic": (arithmetic_s(work, numbers), work.compute_s),
        "host memory": (work.spilled_s, work.spilled_s),
    }
    rest = total - sum(fitted for fitted, _ in times.values())
    times["kernels"] = (rest, 0.0)
    return tuple(
        OperatorTime(name=name, time_s=fitted, speed_of_light_s=light, share_fraction=fitted / total)
        for name, (fitted, light) in times.items()
        if fitted > 0
    )


def _notices(hardware: HardwareSpec, profile: ServingProfile, each: Quantity) -> list[Notice]:
    found = []
    if hardware.id not in profile.hardware:
        found.append(
            Notice(
                code="borrowed-profile",
                message=f"{hardware.name} was not measured: coefficients of {profile.id}",
                cure="measure it with planner bench and fit it with planner calibrate",
            )
        )
    if each.grade == "assumed":
        found.append(
            Notice(
                code="spilled",
                message="the model does not fit the device: the rest is read from host memory, at an assumed "
                f"{HOST_BYTES_PER_S / GB:g} GB/s",
                cure="choose a smaller --quantization or a device with more memory",
            )
        )
    return found
