"""Parameters of a vision tower and its projector, from the configs beside the language model's.

Counted as the hub's library builds them; held against it in tests/cases/architectures.yaml.
"""

from __future__ import annotations

from collections.abc import Callable

from planner.inputs.architectures.keys import Keys

COLOURS = 3
FRAMES = 2


def vision_parameters(outer: Keys, hidden: int) -> int | None:
    """Return the parameters outside the language model, whose stream is ``hidden`` wide; ``None`` when not understood."""
    tower = outer.inner("vision_config")
    if not tower.config:
        return 0
    count = TOWERS.get(str(tower.get("model_type") or outer.kind))
    return None if count is None or _other_senses(outer) else count(tower, outer, hidden)


def _other_senses(outer: Keys) -> bool:
    return any(outer.get(name) for name in ("audio_config", "speech_config"))


def _block(width: int, inner: int, *, gated: bool = False, bias: bool = True, norm_bias: bool = True) -> int:
    """One layer of a tower: four square matrices, a feed-forward block and two norms."""
    matrices = 3 if gated else 2
    small = 4 * width + (matrices - 1) * inner + width if bias else 0
    return 4 * width * width + matrices * width * inner + small + (4 if norm_bias else 2) * width


def _siglip(tower: Keys, outer: Keys, hidden: int) -> int:
    width, patch = tower.count("hidden"), tower.count("patch_size")
    inner, layers = tower.count("intermediate"), tower.count("layers")
    squares = (tower.count("image_size") // patch) ** 2
    total = (
        COLOURS * patch * patch * width + width + squares * width + layers * _block(width, inner) + 2 * width
    )
    if tower.config.get("vision_use_head", True):
        total += width + _block(width, inner) - 2 * width
    if outer.kind == "gemma3":
        return total + width * hidden + width
    return total + _two_layers(width, hidden, bias=True)


def _clip(tower: Keys, _outer: Keys, hidden: int) -> int:
    width, patch = tower.count("hidden"), tower.count("patch_size")
    squares = (tower.count("image_size") // patch) ** 2 + 1
    total = width + COLOURS * patch * patch * width + squares * width + 4 * width
    total += tower.count("layers") * _block(width, tower.count("intermediate"))
    return total + _two_layers(width, hidden, bias=True)


def _pixtral(tower: Keys, outer: Keys, hidden: int) -> int:
    width, patch = tower.count("hidden"), tower.count("patch_size")
    total = COLOURS * patch * patch * width + width
    block = _block(width, tower.count("intermediate"), gated=True, bias=False, norm_bias=False)
    total += tower.count("layers") * block
    bias = outer.flag("multimodal_projector_bias")
    if outer.kind == "mistral3":
        merged = outer.maybe("spatial_merge_size", 2) ** 2
        total += width + merged * width * width
    return total + _two_layers(width, hidden, bias=bias)


def _two_layers(width: int, hidden: int, *, bias: bool) -> int:
    return width * hidden + hidden * hidden + (2 * hidden if bias else 0)


def _qwen_two(tower: Keys, _outer: Keys, hidden: int) -> int:
    width, patch = tower.count("embed_dim"), tower.count("patch_size")
    merged = tower.maybe("spatial_merge_size", 2) ** 2 * width
    block = _block(width, tower.maybe("mlp_ratio", 4) * width)
    merger = 2 * width + merged * merged + merged + merged * hidden + hidden
    return _frames(patch, width) + tower.count("depth") * block + merger


def _qwen_two_five(tower: Keys, _outer: Keys, hidden: int) -> int:
    width, patch = tower.count("hidden"), tower.count("patch_size")
    merged = tower.maybe("spatial_merge_size", 2) ** 2 * width
    block = _block(width, tower.count("intermediate"), gated=True, norm_bias=False)
    merger = width + merged * merged + merged + merged * hidden + hidden
    return _frames(patch, width) + tower.count("depth") * block + merger


def _qwen_three(tower: Keys, _outer: Keys, hidden: int) -> int:
    width, patch = tower.count("hidden"), tower.count("patch_size")
    merged = tower.maybe("spatial_merge_size", 2) ** 2 * width
    block = _block(width, tower.count("intermediate"))
    merger = merged * merged + merged + merged * hidden + hidden
    deep = tower.get("deepstack_visual_indexes") or ()
    total = _frames(patch, width) + width + tower.count("num_position_embeddings") * width
    return total + tower.count("depth") * block + 2 * width + merger + len(deep) * (merger + 2 * merged)


def _frames(patch: int, width: int) -> int:
    return COLOURS * FRAMES * patch * patch * width


def _llama_four(tower: Keys, _outer: Keys, hidden: int) -> int:
    width, patch = tower.count("hidden"), tower.count("patch_size")
    inner, out = tower.count("intermediate"), tower.count("projector_output_dim")
    squares = (tower.count("image_size") // patch) ** 2 + 1
    total = width + squares * width + COLOURS * patch * patch * width + 4 * width
    total += tower.count("layers") * _block(width, inner)
    total += inner * tower.count("projector_input_dim") + out * out
    return total + tower.count("vision_output_dim") * hidden


TOWERS: dict[str, Callable[[Keys, Keys, int], int]] = {
    "siglip_vision_model": _siglip,
    "clip_vision_model": _clip,
    "pixtral": _pixtral,
    "qwen2_vl": _qwen_two,
    "qwen2_vl_vision": _qwen_two,
    "qwen2_5_vl": _qwen_two_five,
    "qwen2_5_vl_vision": _qwen_two_five,
    "qwen3_vl": _qwen_three,
    "qwen3_vl_vision": _qwen_three,
    "qwen3_vl_moe": _qwen_three,
    "qwen3_vl_moe_vision": _qwen_three,
    "qwen3_5": _qwen_three,
    "qwen3_5_vision": _qwen_three,
    "qwen3_5_moe": _qwen_three,
    "qwen3_5_moe_vision": _qwen_three,
    "llama4_vision_model": _llama_four,
}
