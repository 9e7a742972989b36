"""Which tensors a GGUF of an architecture holds, and in which type llama.cpp stores each of them.

The rules are those of llama.cpp's quantiser, so that a synthetic file has the bytes per layer of a real one: "q4_k_m"
is a mixture, and even "q4_0" keeps the output matrix at 6 bits.

References
----------
1. llama.cpp, src/llama-quant.cpp, functions `llama_tensor_get_type` and `use_more_bits` (2026).
2. gguf-py, gguf/constants.py, MODEL_TENSORS: tensor names per architecture.
"""

from __future__ import annotations

from math import prod

from planner.errors import DataError, UsageError
from planner.formulas.weights import has_more_bits
from planner.records import dataclass
from planner.units import Count, Ratio


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntheticShape:
    """The dimensions of a model that fix what its engine computes and reads; everything but the weights."""

    name: str
    family: str  #: llama.cpp's architecture name, a key of FAMILIES
    layers: int
    hidden: Count
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: Count  #: width of the dense MLP, or of one expert where ``experts`` is not 0
    vocabulary: Count
    tied_embeddings: bool
    experts: Count = 0
    active_experts: Count = 0
    sliding_window: Count = 0
    context: Count = 131_072
    rope_theta: Ratio = 500_000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """What one of llama.cpp's architectures adds to the plain decoder."""

    huggingface: str  #: the class that vLLM knows it by
    qkv_bias: bool = False
    qk_norm: bool = False
    post_norms: bool = False


FAMILIES: dict[str, Family] = {
    "llama": Family(huggingface="LlamaForCausalLM"),
    "qwen2": Family(huggingface="Qwen2ForCausalLM", qkv_bias=True),
    "qwen3": Family(huggingface="Qwen3ForCausalLM", qk_norm=True),
    "qwen3moe": Family(huggingface="Qwen3MoeForCausalLM", qk_norm=True),
    "gemma": Family(huggingface="GemmaForCausalLM"),
    "gemma2": Family(huggingface="Gemma2ForCausalLM", post_norms=True),
    "gemma3": Family(huggingface="Gemma3ForCausalLM", qk_norm=True, post_norms=True),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """One tensor of the file: its name, its dimensions (columns last) and its storage type."""

    name: str
    dims: tuple[int, ...]
    storage: str

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor's data."""
        block, size = BLOCKS[self.storage]
        return prod(self.dims) // block * size


# storage type -> (weights per block, bytes per block); ggml-common.h, static_asserts of the block structs
BLOCKS: dict[str, tuple[int, int]] = {
    "f32": (1, 4),
    "f16": (1, 2),
    "bf16": (1, 2),
    "q8_0": (32, 34),
    "q4_0": (32, 18),
    "q5_0": (32, 22),
    "q5_1": (32, 24),
    "q4_k": (256, 144),
    "q5_k": (256, 176),
    "q6_k": (256, 210),
}
# file type -> (storage of most matrices, value of general.file_type); llama.h, enum llama_ftype
QUANTIZATIONS: dict[str, tuple[str, int]] = {
    "f32": ("f32", 0),
    "f16": ("f16", 1),
    "q4_0": ("q4_0", 2),
    "q8_0": ("q8_0", 7),
    "q4_k_s": ("q4_k", 14),
    "q4_k_m": ("q4_k", 15),
    "q6_k": ("q6_k", 18),
    "bf16": ("bf16", 32),
}
# what a matrix falls back to when its rows are no multiple of 256 weights
FALLBACK = {"q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0"}
EIGHT_EXPERTS = 8  # llama.cpp keeps the small attention matrices of 8-expert models at 8 bits
LAYERS_OF_70B = 80  # its "70B" type, by layer count, lifts 4-bit attn_v to 5 bits


def tensors(shape: SyntheticShape, quantization: str) -> tuple[Tensor, ...]:
    """List the tensors of `shape` stored as `quantization`, in file order.

    Raises
    ------
    DataError
        If the architecture is not one that planner can write.
    UsageError
        If the quantization is not one that planner can write.
    """
    if shape.family not in FAMILIES:
        raise DataError(
            f"synthetic weights: the architecture {shape.family!r} of {shape.name} is not supported",
            cure=f"supported: {', '.join(FAMILIES)}; or measure a real file with --model FILE.gguf",
        )
    if quantization not in QUANTIZATIONS:
        raise UsageError(
            f"unknown quantization {quantization!r}", cure=f"choose one of: {', '.join(QUANTIZATIONS)}"
        )
    rows = [*_ends(shape), *(pair for layer in range(shape.layers) for pair in _layer(shape, layer))]
    return tuple(
        Tensor(name=name, dims=dims, storage=_storage(shape, quantization, name, dims)) for name, dims in rows
    )


def total_bytes(shape: SyntheticShape, quantization: str) -> int:
    """Sum the tensor bytes of the file, what llama-bench prints as model_size [bytes]."""
    return sum(tensor.nbytes for tensor in tensors(shape, quantization))


def _ends(shape: SyntheticShape) -> list[tuple[str, tuple[int, ...]]]:
    """Embedding, final norm and, unless tied, the output matrix."""
    table = (shape.vocabulary, shape.hidden)
    rows: list[tuple[str, tuple[int, ...]]] = [
        ("token_embd.weight", table),
        ("output_norm.weight", (shape.hidden,)),
    ]
    return rows if shape.tied_embeddings else [*rows, ("output.weight", table)]


def _layer(shape: SyntheticShape, layer: int) -> list[tuple[str, tuple[int, ...]]]:
    """All tensors of one decoder layer."""
    family = FAMILIES[shape.family]
    q_width, kv_width = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    rows: list[tuple[str, tuple[int, ...]]] = [
        ("attn_norm.weight", (shape.hidden,)),
        ("attn_q.weight", (q_width, shape.hidden)),
        ("attn_k.weight", (kv_width, shape.hidden)),
        ("attn_v.weight", (kv_width, shape.hidden)),
        ("attn_output.weight", (shape.hidden, q_width)),
        ("ffn_norm.weight", (shape.hidden,)),
        *_mlp(shape),
    ]
    if family.qkv_bias:
        rows += [("attn_q.bias", (q_width,)), ("attn_k.bias", (kv_width,)), ("attn_v.bias", (kv_width,))]
    if family.qk_norm:
        rows += [("attn_q_norm.weight", (shape.head_dim,)), ("attn_k_norm.weight", (shape.head_dim,))]
    if family.post_norms:
        rows += [("post_attention_norm.weight", (shape.hidden,)), ("post_ffw_norm.weight", (shape.hidden,))]
    return [(f"blk.{layer}.{name}", dims) for name, dims in rows]


def _mlp(shape: SyntheticShape) -> list[tuple[str, tuple[int, ...]]]:
    """Gate, up and down matrices, or the router and the stacked experts."""
    up, down = (shape.intermediate, shape.hidden), (shape.hidden, shape.intermediate)
    if not shape.experts:
        return [("ffn_gate.weight", up), ("ffn_up.weight", up), ("ffn_down.weight", down)]
    return [
        ("ffn_gate_inp.weight", (shape.experts, shape.hidden)),
        ("ffn_gate_exps.weight", (shape.experts, *up)),
        ("ffn_up_exps.weight", (shape.experts, *up)),
        ("ffn_down_exps.weight", (shape.experts, *down)),
    ]


def _storage(shape: SyntheticShape, quantization: str, name: str, dims: tuple[int, ...]) -> str:
    """Choose the storage type of one tensor as llama.cpp's quantiser does."""
    if len(dims) == 1 or "ffn_gate_inp" in name:
        return "f32"
    wanted, _ = QUANTIZATIONS[quantization]
    if wanted in {"f32", "f16", "bf16", "q8_0"}:
        return wanted
    is_output = name == "output.weight" or (shape.tied_embeddings and name == "token_embd.weight")
    if is_output:
        wanted = "q6_k"
    elif name.startswith("blk."):
        wanted = _layer_storage(shape, quantization, name)
    block, _ = BLOCKS[wanted]
    return wanted if dims[-1] % block == 0 else FALLBACK[wanted]


def _layer_storage(shape: SyntheticShape, quantization: str, name: str) -> str:
    """Apply the quantiser's exceptions for the matrices of a layer."""
    wanted, _ = QUANTIZATIONS[quantization]
    layer, kind = int(name.split(".")[1]), name.split(".")[2]
    mixed = quantization == "q4_k_m" and has_more_bits(layer, shape.layers)
    if shape.experts == EIGHT_EXPERTS and kind in {"attn_k", "attn_v"}:
        return "q8_0"
    if shape.experts == EIGHT_EXPERTS and kind == "attn_output":
        return "q5_k" if quantization in {"q4_k_s", "q4_k_m"} else wanted
    if kind == "attn_v" and shape.layers == LAYERS_OF_70B and wanted == "q4_k" and not mixed:
        return "q5_k"
    if mixed and kind in {"attn_v", "ffn_down", "ffn_down_exps"}:
        return "q6_k"
    return wanted
