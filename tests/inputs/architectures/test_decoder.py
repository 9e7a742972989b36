"""Every architecture that is understood has the parameters and the cache that the hub's own library gives it."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.errors import DataError, InputError
from planner.inputs.architectures.kinds import KINDS
from planner.inputs.model_files import read_model
from planner.planning.memory.architecture import unpack
from planner.planning.memory.kv_groups import cache_groups, kv_bytes_per_token
from planner.specs.books.model import ModelSpec

CASES = yaml.safe_load(Path("tests/cases/architectures.yaml").read_text(encoding="utf-8"))
TODAY = date(2026, 11, 23)
# Architectures that the library has under the same layers' names, or whose code lies with the weights.
SAME_AS = {
    "baichuan", "bailing_moe", "dbrx", "gemma3", "internlm", "internlm2", "internlm3", "kimi_k2", "mimo",
    "minicpm", "qwen2_vl", "qwen2_5_vl", "qwen2_vl_text", "qwen2_5_vl_text", "qwen3_vl_text", "qwen3_vl_moe_text",
}  # fmt: skip


def read(tmp_path: Path, config: dict[str, Any]) -> ModelSpec:
    """Read a config as a hub-style folder."""
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return read_model(tmp_path, checked=TODAY)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["config"]["model_type"])
def test_parameters_and_cache_are_those_of_the_library(tmp_path: Path, case: dict[str, Any]) -> None:
    found = read(tmp_path, case["config"])
    assert unpack(found).parameters.total == case["parameters"]
    if "kv" in case:
        assert kv_bytes_per_token(found, element_bytes=1) == case["kv"]


def test_every_architecture_has_its_case() -> None:
    assert {case["config"]["model_type"] for case in CASES} == set(KINDS) - SAME_AS


PUBLISHED: dict[str, tuple[int, dict[str, Any]]] = {
    "dbrx": (
        131_596_523_520,
        {
            "model_type": "dbrx", "d_model": 6144, "n_heads": 48, "n_layers": 40, "max_seq_len": 32768,
            "vocab_size": 100352, "attn_config": {"kv_n_heads": 8},
            "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4},
        },
    ),
    "internlm2.5-7b": (
        7_737_708_544,
        {
            "model_type": "internlm2", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
            "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 92544,
            "max_position_embeddings": 32768, "bias": False, "tie_word_embeddings": False,
        },
    ),
    "internlm3-8b": (
        8_804_241_408,
        {
            "model_type": "internlm3", "hidden_size": 4096, "num_hidden_layers": 48, "num_attention_heads": 32,
            "num_key_value_heads": 2, "head_dim": 128, "intermediate_size": 10240, "vocab_size": 128512,
            "max_position_embeddings": 32768, "bias": False, "qkv_bias": False, "tie_word_embeddings": False,
        },
    ),
    "baichuan2-13b": (
        13_896_668_160,
        {
            "model_type": "baichuan", "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40,
            "intermediate_size": 13696, "vocab_size": 125696, "model_max_length": 4096,
        },
    ),
    "minicpm-2b": (
        2_724_880_896,
        {
            "model_type": "minicpm", "hidden_size": 2304, "num_hidden_layers": 40, "num_attention_heads": 36,
            "num_key_value_heads": 36, "intermediate_size": 5760, "vocab_size": 122753,
            "max_position_embeddings": 2048, "tie_word_embeddings": True,
        },
    ),
    "ling-lite": (
        16_801_974_272,
        {
            "model_type": "bailing_moe", "hidden_size": 2048, "num_hidden_layers": 28, "num_attention_heads": 16,
            "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 5632, "moe_intermediate_size": 1408,
            "num_experts": 64, "num_experts_per_tok": 6, "num_shared_experts": 2, "vocab_size": 126464,
            "max_position_embeddings": 16384, "use_bias": False, "use_qkv_bias": False,
        },
    ),
    "minimax-text-01": (
        456_089_655_296,
        {
            "model_type": "minimax", "hidden_size": 6144, "num_hidden_layers": 80, "num_attention_heads": 64,
            "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 9216, "num_local_experts": 32,
            "num_experts_per_tok": 2, "vocab_size": 200064, "max_position_embeddings": 10240000,
            "attn_type_list": [0, 0, 0, 0, 0, 0, 0, 1] * 10, "tie_word_embeddings": False,
        },
    ),
    "gemma-3-27b, silent on what the library assumes": (
        27_009_346_304,
        {
            "model_type": "gemma3_text", "hidden_size": 5376, "intermediate_size": 21504, "num_attention_heads": 32,
            "num_hidden_layers": 62, "num_key_value_heads": 16, "head_dim": 128, "sliding_window": 1024,
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes_are_met_to_the_parameter(tmp_path: Path, name: str) -> None:
    published, config = PUBLISHED[name]
    assert unpack(read(tmp_path, config)).parameters.total == published


LLAMA = next(case["config"] for case in CASES if case["config"]["model_type"] == "llama")
QWEN_NEXT = next(case["config"] for case in CASES if case["config"]["model_type"] == "qwen3_next")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (LLAMA | {"layer_types": ["full_attention"] * 3}, "layer_types: expected a list of 32 entries"),
        (LLAMA | {"layer_types": ["rwkv"] * 32}, "layer_types: expected full, sliding or chunked attention"),
        (QWEN_NEXT | {"layer_types": ["rwkv"] * 48}, "layer_types: expected attention or a recurrence"),
        (LLAMA | {"model_type": "nemotron_h", "hybrid_override_pattern": "M*?"}, "expected M, \\*, - or E"),
        (LLAMA | {"model_type": "hunyuan_v1_moe", "num_experts": 1, "moe_topk": 1}, "at least 2 experts"),
    ],
)
def test_layers_of_an_unknown_kind_are_refused(tmp_path: Path, config: dict[str, Any], message: str) -> None:
    extra = {"mamba_num_heads": 8, "mamba_head_dim": 8, "n_groups": 1, "ssm_state_size": 8, "conv_kernel": 4}
    with pytest.raises(InputError, match=message):
        read(tmp_path, extra | config)


def test_the_other_ways_to_say_which_layers_attend(tmp_path: Path) -> None:
    silent = {key: value for key, value in QWEN_NEXT.items() if key != "layer_types"}
    found = read(tmp_path, silent | {"full_attention_interval": 4})
    assert found.attention == read(tmp_path, QWEN_NEXT).attention
    jamba = next(case["config"] for case in CASES if case["config"]["model_type"] == "jamba")
    assert [group.layers for group in read(tmp_path, jamba).attention] == [28, 4]
    kimi = {
        key: value
        for key, value in next(
            case["config"] for case in CASES if case["config"]["model_type"] == "kimi_linear"
        ).items()
        if not key.startswith("linear") and key != "layer_types"
    }
    said = {"full_attn_layers": [4, 8], "num_heads": 32, "head_dim": 128, "short_conv_kernel_size": 4}
    kinds = {
        group.kind: group.layers for group in read(tmp_path, kimi | {"linear_attn_config": said}).attention
    }
    assert kinds == {"mla": 2, "state": 25}


def test_windows_follow_the_switches_of_the_config(tmp_path: Path) -> None:
    mistral = LLAMA | {"model_type": "mistral", "sliding_window": 4096}
    assert [group.kind for group in read(tmp_path, mistral).attention] == ["sliding"]
    qwen = LLAMA | {"model_type": "qwen2", "sliding_window": 4096, "max_window_layers": 28}
    assert [group.kind for group in read(tmp_path, qwen).attention] == ["full"]
    used = read(tmp_path, qwen | {"use_sliding_window": True}).attention
    assert [(group.kind, group.layers) for group in used] == [("full", 28), ("sliding", 4)]
    exaone = LLAMA | {"model_type": "exaone4", "sliding_window": 4096, "sliding_window_pattern": "LLLG"}
    assert [(group.kind, group.layers) for group in read(tmp_path, exaone).attention] == [
        ("full", 8),
        ("sliding", 24),
    ]


def test_a_state_space_model_keeps_states_and_no_tokens(tmp_path: Path) -> None:
    config = next(case["config"] for case in CASES if case["config"]["model_type"] == "mamba2")
    (group,) = cache_groups(read(tmp_path, config))
    # 128 heads of 64 with a state of 128, and 3 x (8192 + 2 x 8 x 128) of convolution, both in the activations' type
    assert (group.token_bytes, group.state_bytes) == (0, 2 * (128 * 64 * 128 + 3 * (8192 + 2048)))


GEMMA_TOWER = {
    "model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27,
    "image_size": 896, "patch_size": 14, "vision_use_head": False,
}  # fmt: skip
QWEN_TOWER = {
    "hidden_size": 1152, "intermediate_size": 4304, "depth": 27, "patch_size": 16, "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [8, 16, 24],
}  # fmt: skip
LLAMA_TOWER = {
    "model_type": "llama4_vision_model", "hidden_size": 1408, "intermediate_size": 5632, "num_hidden_layers": 34,
    "image_size": 336, "patch_size": 14, "vision_output_dim": 4096, "projector_input_dim": 4096,
    "projector_output_dim": 4096,
}  # fmt: skip
PIXTRAL_TOWER = {
    "model_type": "pixtral", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "patch_size": 14,
}  # fmt: skip
CLIP_TOWER = PIXTRAL_TOWER | {"model_type": "clip_vision_model", "image_size": 336}


@pytest.mark.parametrize(
    ("kind", "hidden", "tower", "parameters"),
    [  # transformers 5.19.0, modules outside the language model, counted on the meta device
        ("gemma3", 2560, GEMMA_TOWER, 419_816_304),
        ("llava", 4096, CLIP_TOWER, 324_487_168),
        ("llama4", 5120, LLAMA_TOWER, 871_932_416),
        ("mistral3", 5120, PIXTRAL_TOWER, 438_958_080),
        ("qwen2_vl", 8192, {"embed_dim": 1280, "depth": 32, "patch_size": 14}, 699_356_672),
        (
            "qwen2_5_vl",
            8192,
            {"hidden_size": 1280, "depth": 32, "patch_size": 14, "intermediate_size": 3420},
            700_147_712,
        ),
        ("qwen3_vl", 4096, QWEN_TOWER, 576_388_336),
        ("qwen3_vl_moe", 2048, QWEN_TOWER, 538_631_408),
        ("qwen3_5", 4096, QWEN_TOWER | {"deepstack_visual_indexes": []}, 456_010_480),
    ],
)
def test_vision_towers_have_the_parameters_of_the_library(
    tmp_path: Path, kind: str, hidden: int, tower: dict[str, Any], parameters: int
) -> None:
    outer = {"model_type": kind, "vision_config": tower, "text_config": LLAMA | {"hidden_size": hidden}}
    assert read(tmp_path, outer).vision_parameters == parameters


def test_a_siglip_tower_may_keep_its_head(tmp_path: Path) -> None:
    outer = {"model_type": "gemma3", "text_config": LLAMA | {"hidden_size": 2304}}
    small = {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "image_size": 224,
        "patch_size": 16,
    }
    found = read(tmp_path, outer | {"vision_config": small | {"model_type": "siglip_vision_model"}})
    assert found.vision_parameters == 94_654_464  # transformers 5.19.0, the library's own defaults
    llava = read(tmp_path, outer | {"model_type": "llava", "vision_config": GEMMA_TOWER})
    # two layers with biases instead of one matrix and a norm
    assert (
        llava.vision_parameters == 419_816_304 - (1152 * 2560 + 1152) + 1152 * 2304 + 2304 * 2304 + 2 * 2304
    )


@pytest.mark.parametrize(
    "more", [{"vision_config": {"model_type": "mystery"}}, {"audio_config": {}, "vision_config": GEMMA_TOWER}]
)
def test_a_tower_that_is_not_understood_is_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    outer = {"model_type": "strange", "text_config": LLAMA, **more}
    if "audio_config" in more:
        outer["audio_config"] = {"layers": 1}
    with pytest.raises(DataError, match=r"tower .* is not understood"):
        read(tmp_path, outer)
