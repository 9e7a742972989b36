"""One engine step of one configuration: datasheet times per operator class, and the coefficients that slow them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from planner.errors import UsageError
from planner.formulas.collectives import quickest_all_reduce_s
from planner.formulas.step_time import busiest_rank, experts_touched, operator_s
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.kv_groups import cache_groups, kv_element_bytes
from planner.planning.memory.schemes import WeightScheme, supports, weight_scheme
from planner.planning.memory.tensors import TensorClass
from planner.planning.memory.weights import check_parallel
from planner.planning.prediction.activations import ACTIVATION_BYTES, activation_bytes
from planner.planning.prediction.collective_calls import DIRECT_SLOWNESS, RING_ROUND_S, collective_calls
from planner.planning.prediction.device_rates import rate_flops_per_s, scheme_rate_flops_per_s
from planner.planning.prediction.kernels import kernel_count, prompt_kernel_count
from planner.records import dataclass
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import AttentionGroup, HeadAttention, LatentAttention
from planner.units import BITS_PER_BYTE, GB, Numeric

# Rows of a tile of the grouped products: 16 to 64 predict left-out models alike.
TILE_ROWS = 32.0
# NVFP4 products of dense layers stay further from the datasheet than 8-bit ones, in reading and in arithmetic alike:
# fitted beside the other coefficients, 1.24 and 1.33 with one for each, 1.3 for both. Experts show no such loss.
NVFP4_SLOWNESS = 1.3
# A tile of an expert's second product sums over the columns that a rank holds of it: filling and emptying the pipeline
# costs as much as so many columns. 128 to 1,024 predict left-out models and GPUs within a percent of each other.
EXPERT_FILL_COLUMNS = 512.0
# Tokens of a batch resemble each other, so that they touch fewer experts than independent draws: as many as this share
# of them would. Of 1, 0.7, 0.5 and 0.35 it predicts throughput and time per token of left-out models best.
INDEPENDENT_FRACTION = 0.7
# A step with a prompt is launched from Python, kernel by kernel: ``prefill_step_s`` is what so many kernels take longer.
EAGER_KERNELS = 1000.0
# How much of the busiest rank's lead over the mean one is waited for. Draws by chance say all of it, engines place experts
# better; of 0, 0.3, 0.5 and 1 the second misses DeepSeek and Qwen3-235B, each left out, by the same.
BUSIEST_FRACTION = 0.3
# Products whose weights have a scale for every 128 by 128 of them rescale their sums after each 128 and quantise every
# token's row on the way: TensorRT-LLM on one H100 multiplies Qwen3-32B at 48 % of the datasheet's rate, and a 70B with one
# scale a tensor, or an 8B in 16 bits, at 66 %.
BLOCK_SCALE_SLOWNESS = 1.35


@dataclass(frozen=True, kw_only=True, slots=True)
class Operands:
    """A configuration as plain numbers (or arrays of them): seconds at datasheet speed on one rank."""

    linear_token_s: Numeric
    linear_read_s: Numeric
    expert_token_s: Numeric
    expert_read_s: Numeric  # one expert of every layer
    experts: Numeric
    experts_per_token: Numeric
    head_sample_s: Numeric
    head_read_s: Numeric
    cache_token_s: Numeric  # one token of context, all layers that see everything
    window_token_s: Numeric
    window_tokens: Numeric
    attend_pair_s: Numeric  # one query against one key, all layers that see everything
    window_pair_s: Numeric
    reduces: Numeric
    reduce_token_s: Numeric
    kernels: Numeric
    prompt_kernels: Numeric = 0.0  # of a step with a prompt
    ring_rounds: Numeric = 0.0
    direct_token_s: Numeric = 0.0  # 0 where no rank reads the others' tensors directly
    activation_token_s: Numeric = 0.0
    expert_ranks: Numeric = (
        1.0  # ranks that whole experts are spread over; 1 where each expert is split instead
    )
    # Of the dense products against those of wider types, and of narrow experts: 1 at the speed of light.
    dense_slowness: Numeric = 1.0
    expert_slowness: Numeric = 1.0
    block_slowness: Numeric = 1.0  # of the arithmetic of dense products, for scales by block


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What one step works on: decoding sequences, their mean context, prompt tokens and the pairs they attend to."""

    sequences: Numeric = 0.0
    context_tokens: Numeric = 0.0
    prefill_tokens: Numeric = 0.0
    prefill_prompts: Numeric = 0.0
    attended_tokens: Numeric = 0.0  # mean keys that a prompt token sees
    verified_tokens: Numeric = (
        1.0  # tokens of each sequence in a step: drafted ones are checked beside the next
    )


def operands(
    architecture: Architecture,
    hardware: HardwareSpec,
    *,
    quantization: str = "auto",
    kv_dtype: str = "auto",
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    expert_parallel: bool = False,
    attention_data_parallel: int = 1,
    engine: str = "",
) -> Operands:
    """Return the datasheet times of a configuration.

    ``attention_data_parallel`` splits the ranks of ``tensor_parallel`` into groups that hold the attention each and
    share the sequences; experts stay spread over all of them. A step passes all stages of ``pipeline_parallel``.
    ``engine`` tells which kernels are fused.

    Raises
    ------
    UsageError
        When the ranks do not divide the model, or the device lacks the data type.
    """
    model = architecture.model
    if attention_data_parallel < 1 or tensor_parallel % attention_data_parallel:
        raise UsageError(
            f"attention data parallel {attention_data_parallel} does not divide the {tensor_parallel} ranks",
            cure="use a divisor of --tensor-parallel",
        )
    inner = tensor_parallel // attention_data_parallel  # ranks that split one group's attention
    check_parallel(model, tensor_parallel=inner, pipeline_parallel=pipeline_parallel)
    scheme = weight_scheme(quantization, model=model)
    ranks = float(tensor_parallel)
    spread = ranks if expert_parallel or attention_data_parallel > 1 else 1.0
    bandwidth = hardware.bandwidth_gb_per_s * GB
    plain = rate_flops_per_s(hardware, "bf16")
    parts = architecture.parameters
    passed = architecture.active
    dense = parts.attention + parts.mlp + parts.shared_experts + parts.router
    stored = sum(_bytes(scheme, name, getattr(parts, name)) for name in DENSE_CLASSES)
    expert_layers = list(model.moe)
    experts = float(expert_layers[0].experts) if expert_layers else 0.0
    per_token = float(expert_layers[0].experts_per_token) if expert_layers else 0.0
    full, window, window_tokens = _cache_seconds(architecture, kv_dtype, inner, bandwidth)
    pair, window_pair = _pair_seconds(architecture, ranks * plain)
    head = float(model.vocab) * model.hidden
    calls = collective_calls(
        model,
        hardware,
        ranks=tensor_parallel,
        groups=attention_data_parallel,
        stages=pipeline_parallel,
        engine=engine,
    )
    return Operands(
        linear_token_s=2 * dense / ranks / scheme_rate_flops_per_s(hardware, scheme, "attention"),
        linear_read_s=stored / inner / bandwidth,
        expert_token_s=2 * passed.experts / ranks / scheme_rate_flops_per_s(hardware, scheme, "experts"),
        expert_read_s=_bytes(scheme, "experts", parts.experts) / max(experts, 1.0) / ranks / bandwidth,
        experts=experts,
        experts_per_token=per_token,
        head_sample_s=2 * head / ranks / plain,
        head_read_s=ACTIVATION_BYTES * head / ranks / bandwidth,
        cache_token_s=full / attention_data_parallel,
        window_token_s=window / attention_data_parallel,
        window_tokens=window_tokens,
        attend_pair_s=pair,
        window_pair_s=window_pair,
        reduces=calls.calls,
        ring_rounds=calls.rounds,
        reduce_token_s=calls.ring_token_s,
        direct_token_s=calls.direct_token_s,
        kernels=kernel_count(architecture, scheme, hardware, engine),
        prompt_kernels=prompt_kernel_count(architecture, scheme, hardware, engine),
        activation_token_s=activation_bytes(model, scheme, ranks=tensor_parallel, inner=inner, spread=spread)
        / bandwidth,
        expert_ranks=spread,
        dense_slowness=NVFP4_SLOWNESS if scheme.name == "nvfp4" and "fp4" in hardware.tflops else 1.0,
        expert_slowness=1.0 + EXPERT_FILL_COLUMNS / (expert_layers[0].intermediate * spread / ranks)
        if expert_layers
        else 1.0,
        block_slowness=_block_slowness(hardware, scheme),
    )


def _block_slowness(hardware: HardwareSpec, scheme: WeightScheme) -> float:
    """Return how much slower scales by block make products: devices with 4-bit products apply them in the matrix unit."""
    native = supports(hardware, scheme) == "native" and "fp4" not in hardware.tflops
    return BLOCK_SCALE_SLOWNESS if native and scheme.scale_rows > 1 else 1.0


DENSE_CLASSES: tuple[TensorClass, ...] = ("attention", "mlp", "shared_experts", "router")


def step_parts(
    operand: Operands, coefficients: Mapping[str, Numeric], load: Load, *, prefill: bool
) -> dict[str, Numeric]:
    """Return the time of one step by operator class [s].

    ``prefill`` says that the step contains a prompt; arrays broadcast.
    """
    checked = load.sequences * load.verified_tokens
    tokens = checked + load.prefill_tokens
    sampled = checked + load.prefill_prompts
    touched = experts_touched(
        experts=operand.experts,
        experts_per_token=operand.experts_per_token,
        tokens=tokens * INDEPENDENT_FRACTION,
    )
    busiest = busiest_rank(touched=touched, experts=operand.experts, ranks=operand.expert_ranks)
    touched = touched * (1.0 + BUSIEST_FRACTION * (busiest - 1.0))
    # Each expert's rows are filled up to whole tiles: half a tile more on average.
    rows = operand.expert_slowness * tokens + touched * TILE_ROWS / 2.0 / np.maximum(
        operand.experts_per_token, 1.0
    )
    window = np.minimum(load.context_tokens, operand.window_tokens)
    seen = np.minimum(load.attended_tokens, operand.window_tokens)
    read, compute = coefficients["read"], coefficients["compute"]
    slow = operand.dense_slowness
    decoded = load.sequences * (operand.cache_token_s * load.context_tokens + operand.window_token_s * window)
    pairs = checked * load.context_tokens * operand.attend_pair_s
    prompt = load.prefill_tokens * (
        operand.attend_pair_s * load.attended_tokens + operand.window_pair_s * seen
    )
    attention = coefficients["attention_compute"]
    launched = coefficients["prefill_step_s"] * operand.prompt_kernels / EAGER_KERNELS
    overhead = coefficients["step_s"] + coefficients["sequence_s"] * load.sequences
    return {
        "linear": operator_s(
            compute_s=slow * operand.block_slowness * compute * operand.linear_token_s * tokens,
            memory_s=slow * read * operand.linear_read_s,
        ),
        "experts": operator_s(
            compute_s=coefficients["expert_compute"] * operand.expert_token_s * rows,
            memory_s=read * operand.expert_read_s * touched,
        ),
        "head": operator_s(
            compute_s=compute * operand.head_sample_s * sampled, memory_s=read * operand.head_read_s
        ),
        "attention_decode": operator_s(compute_s=attention * pairs, memory_s=read * decoded),
        "attention_prefill": attention * prompt,
        "activations": read * operand.activation_token_s * tokens,
        "communication": quickest_all_reduce_s(
            latency_s=coefficients["all_reduce_s"] * operand.reduces,
            direct_s=DIRECT_SLOWNESS * operand.direct_token_s * tokens,
            rounds_s=RING_ROUND_S * operand.ring_rounds,
            ring_s=coefficients["link"] * operand.reduce_token_s * tokens,
        ),
        "kernels": coefficients["kernel_s"] * operand.kernels,
        "overhead": overhead + (launched if prefill else 0.0),
    }


def step_s(operand: Operands, coefficients: Mapping[str, Numeric], load: Load, *, prefill: bool) -> Numeric:
    """Return the time of one step [s]."""
    parts = step_parts(operand, coefficients, load, prefill=prefill)
    total: Numeric = sum(parts.values())
    return total


def _bytes(scheme: WeightScheme, name: TensorClass, parameters: float) -> float:
    if name not in scheme.covers:
        return parameters * scheme.rest_bits / BITS_PER_BYTE
    block = scheme.scale_rows * scheme.scale_columns
    scale = scheme.scale_bits / block if block else 0.0
    return parameters * (scheme.weight_bits + scale + scheme.overhead_bits) / BITS_PER_BYTE


def _cache_seconds(
    architecture: Architecture, kv_dtype: str, ranks: int, bandwidth: float
) -> tuple[float, float, float]:
    """Seconds to read one token of context in full and in windowed layers, and the window."""
    element = kv_element_bytes(kv_dtype, model=architecture.model)
    full = window = tokens = 0.0
    for group in cache_groups(architecture.model, element_bytes=element, tensor_parallel=ranks):
        if group.window is None:
            full += group.layers * group.token_bytes / bandwidth
        else:
            window += group.layers * group.token_bytes / bandwidth
            tokens = float(group.window)
    return full, window, tokens


def _pair_seconds(architecture: Architecture, rate: float) -> tuple[float, float]:
    full = window = 0.0
    for group in architecture.model.attention:
        seconds = pair_flops(group) / rate
        if isinstance(group, HeadAttention) and group.window is not None:
            window += seconds
        else:
            full += seconds
    return full, window


def pair_flops(group: AttentionGroup) -> float:
    """Return the work of one query against one key and its value, over the group's layers [FLOP]."""
    if isinstance(group, HeadAttention):
        width = group.head_dim + (group.v_head_dim or group.head_dim)
    elif isinstance(group, LatentAttention):
        width = group.qk_nope_head_dim + group.qk_rope_head_dim + group.v_head_dim
    else:
        return 0.0  # linear attention and Mamba keep a state: no pairs
    return float(2 * group.layers * group.heads * width)
