"""One step of an engine on one replica, in seconds: the seam between the books and the roofline formulas."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from planner.errors import DataError, UsageError
from planner.formulas.roofline import (
    all_reduce_s,
    attention_flops,
    causal_pairs,
    experts_touched,
    kv_read_s,
    linear_step_s,
)
from planner.planning.architecture import Architecture, unpack
from planner.planning.engine_rates import EngineRates, engine_rates
from planner.planning.gguf_bits import gguf_bits
from planner.planning.kv_groups import CacheGroup, cache_groups, kv_bytes_of_sequence, kv_element_bytes
from planner.planning.schemes import supports, weight_scheme
from planner.planning.vllm_memory import scheduler_defaults
from planner.planning.weights import check_parallel, engine_weights
from planner.specs.hardware import ComputeDtype, HardwareSpec
from planner.specs.model import HeadAttention, LatentAttention, ModelSpec
from planner.units import BITS_PER_BYTE, GB, TERA

LLAMA_CPP = "llama.cpp"
LLAMA_CPP_DEFAULTS = (2048, 4)  # tokens per batch (n_batch) and slots (--parallel auto) of llama-server
DIRECTIONS = 2  # the hardware book states links with both directions together


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """A model on the devices of one replica, as the plain numbers that a step needs."""

    model: ModelSpec
    rates: EngineRates
    ranks: int
    dense_bytes: float
    """Weights that every step reads, all ranks [bytes]."""
    expert_bytes: float
    """Routed experts, all ranks [bytes]."""
    body_parameters: float
    head_parameters: float
    peak_flops_per_s: float
    attention_flops_per_s: float
    bandwidth_bytes_per_s: float
    link_bytes_per_s: float
    groups: tuple[CacheGroup, ...]
    batched_tokens: int
    max_sequences: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTime:
    """The parts of one step [s]."""

    linear_s: float
    attention_s: float
    all_reduce_s: float
    overhead_s: float
    compute_bound: bool
    """Whether the linear layers wait for arithmetic, not for memory."""

    @property
    def total_s(self) -> float:
        """The whole step [s]."""
        return self.linear_s + self.attention_s + self.all_reduce_s + self.overhead_s


def replica(
    model: ModelSpec,
    hardware: HardwareSpec,
    *,
    engine: str,
    tensor_parallel: int,
    quantization: str,
    kv_dtype: str = "auto",
) -> Replica:
    """Return the numbers of a configuration.

    Raises
    ------
    UsageError
        When a name is unknown, the ranks do not divide the model, or the device cannot run the type.
    DataError
        When the hardware book lacks a rate.
    """
    check_parallel(model, tensor_parallel=tensor_parallel, pipeline_parallel=1)
    architecture = unpack(model)
    rates = engine_rates(engine)
    local = engine.strip().casefold() == LLAMA_CPP
    weights = (_gguf_weights if local else _served_weights)(architecture, quantization, tensor_parallel)
    active = architecture.active
    element_bytes = kv_element_bytes("f16" if local and kv_dtype == "auto" else kv_dtype, model=model)
    batched, sequences = LLAMA_CPP_DEFAULTS if local else scheduler_defaults(hardware)
    wide = _peak(hardware, "bf16")
    return Replica(
        model=model,
        rates=rates,
        ranks=tensor_parallel,
        dense_bytes=weights[0],
        expert_bytes=weights[1],
        body_parameters=active.total - active.head - active.embeddings,
        head_parameters=active.head,
        peak_flops_per_s=wide if local else _scheme_peak(model, hardware, quantization),
        attention_flops_per_s=wide,
        bandwidth_bytes_per_s=hardware.bandwidth_gb_per_s * GB,
        link_bytes_per_s=_link(hardware, tensor_parallel),
        groups=cache_groups(model, element_bytes=element_bytes, tensor_parallel=tensor_parallel),
        batched_tokens=batched,
        max_sequences=sequences,
    )


def step_time(
    served: Replica, *, sequences: float, context_tokens: float, prompt_tokens: float = 0.0
) -> StepTime:
    """Return the time of a step with ``sequences`` decoding at a mean context, and part of one prompt."""
    rates, tokens = served.rates, sequences + prompt_tokens
    touched_bytes = served.dense_bytes + served.expert_bytes * _expert_share(served.model, tokens)
    sampled = sequences + (1.0 if prompt_tokens else 0.0)
    work = served.body_parameters + served.head_parameters * sampled / tokens

    def linear(weight_bytes: float) -> float:
        return float(
            linear_step_s(
                active_parameters=work,
                tokens=tokens,
                weight_bytes=weight_bytes,
                peak_flops_per_s=served.peak_flops_per_s,
                bandwidth_bytes_per_s=served.bandwidth_bytes_per_s,
                tensor_parallel=served.ranks,
                compute_efficiency_fraction=rates.compute_efficiency_fraction,
                memory_efficiency_fraction=rates.memory_efficiency_fraction,
            )
        )

    both, compute = linear(touched_bytes), linear(0.0)
    cached = kv_read_s(
        kv_bytes=sequences * kv_bytes_of_sequence(served.groups, tokens=context_tokens),
        bandwidth_bytes_per_s=served.bandwidth_bytes_per_s,
        memory_efficiency_fraction=rates.memory_efficiency_fraction,
    )
    return StepTime(
        linear_s=both,
        attention_s=float(cached),
        all_reduce_s=_all_reduce(served, tokens),
        overhead_s=rates.step_overhead_s
        + rates.layer_overhead_s * served.model.layers
        + rates.sequence_overhead_s * sequences,
        compute_bound=compute >= both,
    )


def prompt_chunks(served: Replica, *, input_tokens: float, sequences: float) -> int:
    """Return in how many steps chunked prefill takes a prompt beside ``sequences`` that decode."""
    room = max(1.0, served.batched_tokens - sequences)
    return max(1, ceil(input_tokens / room))


def prompt_attention_s(served: Replica, *, input_tokens: float) -> float:
    """Return the time of a whole prompt's attention [s]."""
    flops = 0.0
    for group in served.model.attention:
        if not isinstance(group, HeadAttention | LatentAttention):
            continue  # linear attention and Mamba: fixed work per token, counted with their projections
        window = getattr(group, "window", None) or float("inf")
        pairs = causal_pairs(new_tokens=input_tokens, window=window)
        width = _pair_width(group)
        flops += float(attention_flops(layers=group.layers, heads=group.heads, head_dim=width, pairs=pairs))
    reached = served.attention_flops_per_s * served.rates.attention_efficiency_fraction
    return flops / (served.ranks * reached)


def _pair_width(group: HeadAttention | LatentAttention) -> float:
    if isinstance(group, LatentAttention):
        return (group.qk_nope_head_dim + group.qk_rope_head_dim + group.v_head_dim) / 2
    return (group.head_dim + (group.v_head_dim or group.head_dim)) / 2


def _expert_share(model: ModelSpec, tokens: float) -> float:
    """Share of all routed experts' bytes that a step touches; blocks weigh by their size."""
    total = touched = 0.0
    for moe in model.moe:
        size = moe.layers * moe.intermediate
        total += size * moe.experts
        touched += size * float(
            experts_touched(experts=moe.experts, experts_per_token=moe.experts_per_token, tokens=tokens)
        )
    return touched / total if total else 0.0


def _all_reduce(served: Replica, tokens: float) -> float:
    if served.ranks == 1:
        return 0.0
    return float(
        all_reduce_s(
            layers=served.model.layers,
            tokens=tokens,
            hidden=served.model.hidden,
            tensor_parallel=served.ranks,
            link_bytes_per_s=served.link_bytes_per_s * served.rates.link_efficiency_fraction,
            latency_s=served.rates.all_reduce_latency_s,
        )
    )


def _served_weights(architecture: Architecture, quantization: str, ranks: int) -> tuple[float, float]:
    """Bytes that every step reads, and routed experts, all ranks together."""
    stage = engine_weights(architecture, quantization=quantization, tensor_parallel=ranks).stages[0]
    skipped = {"experts", "vision", "tables"} | (set() if architecture.model.tied else {"embeddings"})
    dense = sum(size for name, size in stage.by_class.items() if name not in skipped)
    return dense * ranks, stage.by_class.get("experts", 0.0) * ranks


def _gguf_weights(architecture: Architecture, quantization: str, ranks: int) -> tuple[float, float]:
    """Return the same of a GGUF file, every matrix at the file's mean bits."""
    del ranks  # llama.cpp splits what there is
    held, element_bytes = architecture.parameters, gguf_bits(quantization) / BITS_PER_BYTE
    looked_up = 0.0 if architecture.model.tied else held.embeddings
    return (held.total - held.experts - looked_up) * element_bytes, held.experts * element_bytes


def _scheme_peak(model: ModelSpec, hardware: HardwareSpec, quantization: str) -> float:
    """Rate of the type that is multiplied: 16 bits where the device only stores the narrow type."""
    scheme = weight_scheme(quantization, model=model)
    support = supports(hardware, scheme)
    if support == "no":
        raise UsageError(
            f"{hardware.id} cannot multiply {scheme.multiplies}, which {scheme.name} needs",
            cure=f"it multiplies {', '.join(hardware.tflops)}",
        )
    return _peak(hardware, scheme.multiplies if support == "native" else "bf16")


def _peak(hardware: HardwareSpec, wanted: ComputeDtype) -> float:
    """Peak in a type, or in the 16-bit type that the device has."""
    choices: tuple[ComputeDtype, ...] = (wanted, "bf16", "fp16", "fp32")
    for dtype in choices:
        if dtype in hardware.tflops:
            return hardware.tflops[dtype] * TERA
    raise DataError(
        f"the hardware book has no 16-bit rate for {hardware.id}, so no time can be computed",
        cure="add its `tflops` to a book of your own, or choose another device",
    )


def _link(hardware: HardwareSpec, ranks: int) -> float:
    """One direction of what joins the devices [bytes/s]; PCIe where there is no link."""
    one_way = hardware.link_gb_per_s / DIRECTIONS or hardware.pcie_gb_per_s or 0.0
    if ranks > 1 and not one_way:
        raise UsageError(
            f"tensor parallel {ranks} needs a link, and {hardware.id} has none", cure="use tensor parallel 1"
        )
    return one_way * GB
