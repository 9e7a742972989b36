"""How many kernels a decoding step launches: most of what a small model or a busy link waits for."""

from __future__ import annotations

from planner.planning.memory.architecture import Architecture
from planner.planning.memory.schemes import WeightScheme
from planner.planning.prediction.profile_choice import hardware_class
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import HeadAttention, LatentAttention

# Kernels that a layer launches in a decoding step, counted in vLLM's and TensorRT-LLM's layers: norm, qkv, rotary and
# cache, attention, output; norm, gate and up, activation, down; router, top-k, permute, two grouped products,
# activation, combine. Dynamic quantisation adds one in front of each product.
ATTENTION_KERNELS = 5
QUERY_NORM_KERNELS = 2  # Qwen3 and its like: queries and keys are normed by themselves
LATENT_EXTRA_KERNELS = 6
# A prompt's latent attention expands keys and values, splits, joins, pads and quantises them, all launched one by one.
# Not counted but fitted: DeepSeek's first token is 0.1 to 0.2 s later than its work on SGLang and TensorRT-LLM alike, at
# every length. Of 25, 50 and 200 launches the last leaves the throughput that MLPerf and TensorRT-LLM publish as it was.
LATENT_PROMPT_KERNELS = 200
DENSE_KERNELS = 4
EXPERT_KERNELS = 9
# Blackwell's kernels for 4-bit experts (FlashInfer's, from TensorRT-LLM, in all three engines): routing in two, then
# two products with permutation and activation inside, and the sum.
FUSED_EXPERT_KERNELS = 6
SHARED_KERNELS = 3
QUANTISE_KERNELS = 2
# TensorRT-LLM joins adding, norm and quantising into one kernel, behind an all-reduce into its last step: one fewer for
# each block than the others launch.
JOINED_KERNELS = {"tensorrt-llm": 1}


def kernel_count(
    architecture: Architecture, scheme: WeightScheme, hardware: HardwareSpec, engine: str = ""
) -> float:
    """Return the kernels that a decoding step launches on one rank."""
    model = architecture.model
    quantised = QUANTISE_KERNELS if scheme.multiplies in {"fp8", "fp4", "int8"} else 0
    joined = JOINED_KERNELS.get(engine, 0)
    count = 0
    for group in model.attention:
        extra = LATENT_EXTRA_KERNELS if isinstance(group, LatentAttention) else 0
        if isinstance(group, HeadAttention) and group.qk_norm:
            extra = QUERY_NORM_KERNELS
        count += group.layers * (ATTENTION_KERNELS + extra + quantised - joined)
    count += sum(mlp.layers * (DENSE_KERNELS + quantised - joined) for mlp in model.mlp)
    routed = FUSED_EXPERT_KERNELS if _fuses_experts(hardware, scheme) else EXPERT_KERNELS
    for moe in model.moe:
        shared = SHARED_KERNELS if moe.shared_experts else 0
        count += moe.layers * (routed + shared + quantised - joined)
    return float(count)


def prompt_kernel_count(
    architecture: Architecture, scheme: WeightScheme, hardware: HardwareSpec, engine: str = ""
) -> float:
    """Return the kernels that a step with a prompt launches on one rank, one by one and outside of CUDA graphs."""
    latent = sum(group.layers for group in architecture.model.attention if isinstance(group, LatentAttention))
    return kernel_count(architecture, scheme, hardware, engine) + LATENT_PROMPT_KERNELS * latent


def _fuses_experts(hardware: HardwareSpec, scheme: WeightScheme) -> bool:
    return scheme.name in {"nvfp4", "mxfp4"} and hardware_class(hardware) == "blackwell"
