"""What each model type adds to the plain decoder: RMS norms, gated feed-forward, no biases, every layer full attention.

Every row was held against the modules that the hub's library builds (tests/cases/architectures.yaml).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from planner.records import dataclass
from planner.units import Count

Family = Literal[
    "heads", "gemma", "latent", "delta", "kimi", "mamba", "jamba", "blocks", "parallel", "conv", "lightning"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One model type. Biases named here are always there; others are asked of the config."""

    family: Family = "heads"
    biases: frozenset[str] = frozenset()
    """Among qkv, out, mlp, norm, head."""
    bias_keys: Mapping[str, tuple[str, ...]]
    """Switches of the config and the biases that each turns on."""
    norms: Count = 2
    final_norms: Count = 1
    qk_norm: Literal["no", "head", "full", "each"] = "no"
    """One norm for all heads, one over the whole projection, or one for each head."""
    qk_norm_key: str | None = None
    gated: bool = True
    gate: bool = False
    """The query projection makes an output gate as well."""
    tied: bool = False
    full_every: Count = 0
    """One layer in so many sees everything, the others slide; 0 where the config alone says."""
    positions: Count | None = None
    """Learned positions beyond the context; ``None`` without."""
    rotary: bool = True
    expert_bias: bool = False
    router_bias: bool = False
    sinks: bool = False
    shared_gate: bool = False
    defaults: Mapping[str, Any]
    """What the library assumes where a config is silent."""


USUAL = {"attention_bias": ("qkv", "out"), "mlp_bias": ("mlp",)}
ALL = frozenset({"qkv", "out", "mlp", "norm"})


def kind(
    *,
    bias_keys: Mapping[str, tuple[str, ...]] | None = None,
    defaults: Mapping[str, Any] | None = None,
    **said: Any,  # noqa: ANN401 - any field of Kind
) -> Kind:
    """Return a kind that says only how it differs."""
    return Kind(bias_keys=USUAL if bias_keys is None else bias_keys, defaults=defaults or {}, **said)


QKV = frozenset({"qkv"})
QKV_KEY = {"attention_bias": ("qkv",)}
GEMMA3 = kind(
    norms=4,
    qk_norm="head",
    tied=True,
    full_every=6,
    defaults={
        "heads": 8,
        "kv_heads": 4,
        "head_dim": 256,
        "vocab": 262_208,
        "max_context": 131_072,
        "sliding_window": 4096,
    },
)
NESTED = {"altup_num_inputs": 4, "laurel_rank": 64, "hidden_size_per_layer_input": 256}
QWEN2 = kind(biases=QKV, bias_keys={}, defaults={"use_sliding_window": False})
QWEN3 = kind(qk_norm="head", defaults={"use_sliding_window": False})
QWEN_NEXT = kind(family="delta", qk_norm="head", gate=True, shared_gate=True)
LATENT = kind(family="latent")
GPT2 = kind(biases=ALL, bias_keys={}, gated=False, tied=True, positions=0, rotary=False)

KINDS: dict[str, Kind] = {
    **dict.fromkeys(("llama", "mistral", "mixtral", "ministral3", "phi3", "helium"), kind()),
    **dict.fromkeys(("granite", "granitemoe", "granitemoeshared"), kind()),
    "arcee": kind(gated=False),
    "apertus": kind(gated=False, qk_norm="head"),
    "baichuan": kind(),
    "bailing_moe": kind(
        bias_keys={"use_qkv_bias": ("qkv",), "use_bias": ("out",)}, qk_norm="head", qk_norm_key="use_qk_norm"
    ),
    "bloom": kind(biases=ALL, bias_keys={}, gated=False, tied=True, rotary=False),
    "cohere": kind(norms=1, qk_norm="each", qk_norm_key="use_qk_norm", tied=True),
    "cohere2": kind(norms=1, tied=True, full_every=4),
    "dbrx": kind(bias_keys={}),
    "dots1": kind(qk_norm="head"),
    "ernie4_5": kind(bias_keys={"use_bias": ("qkv", "out", "mlp")}, tied=True),
    "ernie4_5_moe": kind(bias_keys={"use_bias": ("qkv", "out", "mlp")}, tied=True),
    "exaone4": kind(qk_norm="head", full_every=4),
    "falcon": kind(
        bias_keys={"bias": ("qkv", "out", "mlp")}, biases=frozenset({"norm"}), gated=False, tied=True
    ),
    "gemma3n_text": kind(family="gemma", norms=8, qk_norm="head", tied=True, defaults=NESTED),
    "gemma4_text": kind(
        family="gemma", norms=4, qk_norm="head", tied=True, defaults={"global_head_dim": 512}
    ),
    "gemma": kind(tied=True),
    "gemma2": kind(norms=4, tied=True, full_every=2),
    "gemma3": GEMMA3,
    "gemma3_text": GEMMA3,
    "glm": kind(bias_keys=QKV_KEY, defaults={"attention_bias": False}),
    "glm4": kind(norms=4, bias_keys=QKV_KEY, defaults={"attention_bias": False}),
    "glm4_moe": kind(bias_keys=QKV_KEY, qk_norm="head", qk_norm_key="use_qk_norm"),
    "gpt2": GPT2,
    "gpt_bigcode": kind(
        biases=ALL,
        bias_keys={},
        gated=False,
        tied=True,
        positions=0,
        rotary=False,
        defaults={"multi_query": True},
    ),
    "gpt_neox": kind(
        biases=frozenset({"norm", "mlp"}),
        bias_keys={"attention_bias": ("qkv", "out")},
        gated=False,
        defaults={"attention_bias": True},
    ),
    "gpt_oss": kind(
        biases=frozenset({"qkv", "out"}),
        bias_keys={},
        full_every=2,
        expert_bias=True,
        router_bias=True,
        sinks=True,
    ),
    "gptj": kind(biases=frozenset({"norm", "mlp", "head"}), bias_keys={}, norms=1, gated=False),
    "hunyuan_v1_dense": kind(qk_norm="head"),
    "hunyuan_v1_moe": kind(qk_norm="head"),
    "internlm": kind(bias_keys={"bias": ("qkv", "out")}, defaults={"bias": True}),
    "internlm2": kind(bias_keys={"bias": ("qkv", "out")}),
    "internlm3": kind(bias_keys={"qkv_bias": ("qkv",), "bias": ("out", "mlp")}),
    "llama4_text": kind(full_every=4),
    "mimo": kind(biases=QKV, bias_keys={}),
    "minicpm": kind(),
    "minimax_m2": kind(qk_norm="full"),
    "mpt": kind(bias_keys={}, gated=False, tied=True, rotary=False),
    "nemotron": kind(biases=frozenset({"norm"}), gated=False),
    "olmo": kind(norms=0, final_norms=0),
    "olmo2": kind(qk_norm="full"),
    "olmo3": kind(qk_norm="full", full_every=4),
    "olmoe": kind(qk_norm="full"),
    "opt": kind(biases=ALL, bias_keys={}, gated=False, tied=True, positions=2, rotary=False),
    "phi": kind(biases=frozenset({*ALL, "head"}), bias_keys={}, norms=1, gated=False),
    "phimoe": kind(
        biases=frozenset({"norm"}), bias_keys={"attention_bias": ("qkv", "out"), "lm_head_bias": ("head",)}
    ),
    **dict.fromkeys(("qwen2", "qwen2_vl", "qwen2_5_vl", "qwen2_vl_text", "qwen2_5_vl_text"), QWEN2),
    "qwen2_moe": kind(
        bias_keys={"qkv_bias": ("qkv",)},
        shared_gate=True,
        defaults={"qkv_bias": True, "use_sliding_window": False},
    ),
    **dict.fromkeys(("qwen3", "qwen3_moe", "qwen3_vl_text", "qwen3_vl_moe_text"), QWEN3),
    "seed_oss": kind(
        bias_keys={"attention_bias": ("qkv",), "attention_out_bias": ("out",), "mlp_bias": ("mlp",)},
        defaults={"attention_bias": True},
    ),
    "smollm3": kind(tied=True, defaults={"use_sliding_window": False}),
    "solar_open": kind(),
    "stablelm": kind(biases=frozenset({"norm"}), bias_keys={"use_qkv_bias": ("qkv",)}),
    "starcoder2": kind(
        biases=frozenset({"norm"}),
        bias_keys={"use_bias": ("qkv", "out", "mlp")},
        gated=False,
        tied=True,
        defaults={"use_bias": True},
    ),
    # compressed attention
    **dict.fromkeys(
        ("deepseek_v2", "deepseek_v3", "deepseek_v32", "kimi_k2", "glm_moe_dsa", "glm4_moe_lite"), LATENT
    ),
    # linear attention and state spaces beside attention
    **dict.fromkeys(("qwen3_next", "qwen3_5_text", "qwen3_5_moe_text"), QWEN_NEXT),
    "kimi_linear": kind(family="kimi"),
    "jamba": kind(family="jamba"),
    "bamba": kind(family="mamba"),
    "granitemoehybrid": kind(family="mamba"),
    "nemotron_h": kind(family="blocks", norms=1, gated=False, defaults={"mamba_ssm_cache_dtype": "float32"}),
    "falcon_h1": kind(family="parallel"),
    "mamba2": kind(family="blocks", norms=1, defaults={"max_context": 1_048_576}),
    "lfm2": kind(family="conv", qk_norm="head", tied=True, defaults={"block_auto_adjust_ff_dim": True}),
    "lfm2_moe": kind(family="conv", qk_norm="head", tied=True),
    "minimax": kind(family="lightning"),
}
