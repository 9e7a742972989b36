"""A whole decoder from a config: its layers put into groups of equals, and the small tensors beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from planner.inputs.architectures import feed_forward, mixers
from planner.inputs.architectures.gemma import gemma_blocks, gemma_extras, gemma_mixers
from planner.inputs.architectures.keys import Keys
from planner.inputs.architectures.kinds import Kind
from planner.records import dataclass

Group = dict[str, Any]
PATTERN = {"M": "mamba", "*": "attention", "-": "mlp", "E": "moe"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """Mixers and feed-forward blocks in order; a layer may have one of each, either, or two mixers."""

    count: int
    mixers: list[Group]
    blocks: list[Group]


def decoder_fields(keys: Keys, kind: Kind) -> dict[str, Any]:
    """Return the fields of a model row that its config determines."""
    stack = _layers(keys, kind)
    fields: dict[str, Any] = {
        "hidden": keys.count("hidden"),
        "layers": stack.count,
        "attention": _grouped(stack.mixers),
        "mlp": _grouped(each for each in stack.blocks if "experts" not in each),
        "moe": _grouped(each for each in stack.blocks if "experts" in each),
        "norms_per_layer": _norms(keys, kind),
        "final_norms": _final_norms(keys, kind),
        "mtp_layers": keys.maybe("mtp_layers"),
    }
    if small := _vectors(keys, kind, stack):
        fields["vectors"] = small
    if kind.family == "gemma":
        fields |= gemma_extras(keys, stack.count)
    if kind.positions is not None:
        fields["learned_positions"] = keys.count("max_context") + kind.positions
    if not kind.rotary:
        fields["rotary_dim"] = 0
    return fields


def _layers(keys: Keys, kind: Kind) -> Layers:
    count = _block_count(keys)
    match kind.family:
        case "blocks":
            return _blocks(keys, kind)
        case "parallel":
            both = [mixers.head_attention(keys, kind)] * count + [mixers.mamba_two(keys, kind)] * count
            return Layers(count=count, mixers=both, blocks=feed_forward.blocks(keys, kind, count))
        case "heads":
            made = mixers.windowed(keys, kind, mixers.head_attention(keys, kind), count)
        case "gemma":
            made = gemma_mixers(keys, kind, count)
        case "latent":
            made = [mixers.latent_attention(keys, kind)] * count
        case _:
            made = _interleaved(keys, kind, count)
    return Layers(count=count, mixers=made, blocks=_feed(keys, kind, count))


def _block_count(keys: Keys) -> int:
    for name in ("hybrid_override_pattern", "layers_block_type"):
        if isinstance(found := keys.get(name), str | list):
            return len(found)
    return keys.count("layers")


def _feed(keys: Keys, kind: Kind, count: int) -> list[Group]:
    if kind.family == "gemma":
        return gemma_blocks(keys, kind, count)
    made = feed_forward.blocks(keys, kind, count)
    if keys.kind == "granitemoehybrid" and not keys.maybe("experts"):
        return [each | {"intermediate": keys.count("shared_intermediate_size")} for each in made]
    return made


RECURRENT: dict[str, mixers.Mixer] = {
    "delta": mixers.delta_rule,
    "kimi": mixers.kimi_delta,
    "mamba": mixers.mamba_two,
    "jamba": mixers.mamba_one,
    "conv": mixers.short_convolution,
    "lightning": mixers.lightning,
}


def _interleaved(keys: Keys, kind: Kind, count: int) -> list[Group]:
    """Attention in some layers, a recurrence in the others."""
    words = _words(keys, kind, count)
    wrong = sorted({word for word in words if word not in mixers.FULL | mixers.OTHER})
    if wrong:
        raise keys.fault("layer_types", "attention or a recurrence", wrong[0])
    attend = mixers.latent_attention if kind.family == "kimi" else mixers.head_attention
    recur = RECURRENT[kind.family]
    return [attend(keys, kind) if word in mixers.FULL else recur(keys, kind) for word in words]


def _words(keys: Keys, kind: Kind, count: int) -> tuple[str, ...]:
    for name in ("layer_types", "layers_block_type", "layer_type_list"):
        if (words := keys.words(name, count)) is not None:
            return words
    if kind.family == "jamba":
        period, offset = keys.count("attn_layer_period"), keys.count("attn_layer_offset")
        full: Iterable[int] = (index for index in range(count) if index % period == offset)
    elif kind.family == "kimi":
        full = (int(each) - 1 for each in keys.inner("linear_attn_config").get("full_attn_layers") or ())
    elif keys.get("attn_type_list") is not None:  # MiniMax-Text-01
        full = (index for index, each in enumerate(keys.get("attn_type_list")) if each == 1)
    elif (listed := keys.get("attn_layer_indices") or keys.get("full_attn_idxs")) is not None:
        full = listed
    else:
        every = keys.count("full_attention_interval")
        full = (index for index in range(count) if (index + 1) % every == 0)
    chosen = set(full)
    return tuple("full_attention" if index in chosen else "linear_attention" for index in range(count))


def _blocks(keys: Keys, kind: Kind) -> Layers:
    """Layers that are a mixer or a feed-forward block, one by one (Nemotron-H, Mamba-2)."""
    pattern = keys.get("hybrid_override_pattern")
    if isinstance(pattern, str):
        words = [PATTERN.get(each, each) for each in pattern]
    else:
        said = keys.get("layers_block_type")
        words = said if isinstance(said, list) else ["mamba"] * keys.count("layers")
    made, blocks = [], []
    for word in words:
        if word in {"mamba", "linear_attention"}:
            made.append(mixers.mamba_two(keys, kind))
        elif word in mixers.FULL:
            made.append(mixers.head_attention(keys, kind))
        elif word == "mlp":
            blocks.append(feed_forward.dense(keys, kind))
        elif word == "moe":
            blocks.append(feed_forward.experts(keys, kind))
        else:
            raise keys.fault("hybrid_override_pattern", "M, *, - or E", word)
    return Layers(count=len(words), mixers=made, blocks=blocks)


def _grouped(layers: Iterable[Group]) -> tuple[Group, ...]:
    """Count equal layers; groups stand in the order of their first layer, full attention before windows."""
    counts: dict[tuple[tuple[str, Any], ...], int] = {}
    for each in layers:
        key = tuple(sorted(each.items(), key=lambda item: item[0]))
        counts[key] = counts.get(key, 0) + 1
    groups = [{"layers": number, **dict(key)} for key, number in counts.items()]
    return tuple(sorted(groups, key=lambda group: group.get("window") is not None))


def _norms(keys: Keys, kind: Kind) -> int:
    norms = kind.norms
    if keys.kind == "falcon" and keys.flag("parallel_attn"):
        norms = 1
        if keys.flag("new_decoder_architecture"):
            norms = keys.maybe("num_ln_in_parallel_attn", 2)
    if keys.kind == "stablelm" and keys.flag("use_parallel_residual"):
        norms = 1
    if kind.family == "blocks":
        norms = 1
    return norms * (2 if "norm" in kind.biases else 1)


def _final_norms(keys: Keys, kind: Kind) -> int:
    norms = kind.final_norms + (1 if keys.kind == "bloom" else 0)  # and the embedding's
    return norms * (2 if "norm" in kind.biases else 1)


def _vectors(keys: Keys, kind: Kind, stack: Layers) -> int:
    """Elements of small tensors outside the groups' own: what is added here is no matrix."""
    biased, hidden = mixers.biases(keys, kind), keys.count("hidden")
    attending = [each for each in stack.mixers if "kv_heads" in each]
    total = sum(_norm_vectors(keys, kind, each) for each in attending)
    if "out" in biased:
        total += len(attending) * hidden
    if kind.sinks:
        total += sum(each["heads"] for each in attending)
    if kind.router_bias:
        total += sum(each.get("experts", 0) for each in stack.blocks)
    if "head" in biased:
        total += keys.count("vocab")
    return total + _own(keys, stack)


def _norm_vectors(keys: Keys, kind: Kind, group: Group) -> int:
    if not mixers.normed(keys, kind):
        return 0
    if kind.qk_norm in {"full", "each"}:
        return int((group["heads"] + group["kv_heads"]) * group["head_dim"])
    return 0


def _own(keys: Keys, stack: Layers) -> int:
    """Return what single model types have beside all that."""
    if keys.kind == "apertus":
        return 2 * stack.count  # two slopes of the activation
    if keys.kind == "ernie4_5_moe":
        return sum(each.get("experts", 0) for each in stack.blocks)  # corrections of the router's scores
    return 0
