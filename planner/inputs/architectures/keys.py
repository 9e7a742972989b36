"""Keys of a hub-style config.json under all the names that they go by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.errors import Fault, InputError
from planner.records import dataclass

Config = Mapping[str, Any]

# What publishers call the same dimension; the first is the hub's own word.
NAMES: dict[str, tuple[str, ...]] = {
    "hidden": ("hidden_size", "n_embd", "d_model", "n_embed"),
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "kv_n_heads", "num_attention_groups"),
    "intermediate": ("intermediate_size", "ffn_hidden_size", "ffn_dim", "n_inner"),
    "vocab": ("vocab_size",),
    "max_context": (
        "max_position_embeddings",
        "n_positions",
        "max_seq_len",
        "model_max_length",
        "max_sequence_length",
        "seq_length",
        "n_ctx",
    ),
    "experts": ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"),
    "experts_per_token": (
        "num_experts_per_tok",
        "num_experts_per_token",
        "moe_top_k",
        "moe_k",
        "top_k_experts",
        "moe_topk",
    ),
    "expert_width": ("moe_intermediate_size", "expert_ffn_hidden_size"),
    "shared_experts": (
        "n_shared_experts",
        "num_shared_experts",
        "num_shared_expert",
        "moe_num_shared_experts",
        "n_shared_expert",
    ),
    "shared_width": ("shared_expert_intermediate_size", "shared_intermediate_size", "share_expert_dim"),
    "dense_first": ("first_k_dense_replace", "num_dense_layers", "moe_layer_start_index"),
    "mtp_layers": ("num_nextn_predict_layers", "num_mtp_layers", "mtp_num_hidden_layers"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """A config with the file that it came from, for faults that name both."""

    config: Config
    file: Path
    kind: str
    defaults: Config
    """What the hub's library assumes of this model type where a config is silent."""

    def count(self, name: str) -> int:
        """Return a whole number that must be there.

        Raises
        ------
        InputError
            When it is missing or something else.
        """
        found = self.get(name)
        if not isinstance(found, int) or isinstance(found, bool):
            raise self.fault(self.spelled(name), "a whole number", found)
        return found

    def maybe(self, name: str, default: int = 0) -> int:
        """Return a whole number, or the default where it is missing or null."""
        return default if self.get(name) is None else self.count(name)

    def listed(self, name: str) -> int:
        """Return a number that some publishers write as a list with one entry a layer, all alike."""
        found = self.get(name)
        if isinstance(found, list) and found and len(set(found)) == 1 and isinstance(found[0], int):
            return found[0]
        return self.count(name)

    def flag(self, name: str) -> bool:
        """Return a switch; off where nothing is said."""
        return bool(self.get(name))

    def get(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return what stands under a dimension's first name that is there."""
        for each in NAMES.get(name, (name,)):
            if self.config.get(each) is not None:
                return self.config[each]
        return self.defaults.get(name)

    def spelled(self, name: str) -> str:
        """Return the name by which a dimension is asked for when it is missing."""
        names = NAMES.get(name, (name,))
        return next((each for each in names if each in self.config), names[0])

    def words(self, name: str, layers: int) -> tuple[str, ...] | None:
        """Return a list with one word a layer; ``None`` where there is none.

        Raises
        ------
        InputError
            When it has another length.
        """
        found = self.get(name)
        if found is None:
            return None
        if not isinstance(found, list) or len(found) < layers:
            raise self.fault(name, f"a list of {layers} entries", found)
        return tuple(str(each) for each in found[:layers])

    def inner(self, name: str) -> Keys:
        """Return a config inside this one; an empty one where it is missing."""
        found = self.config.get(name)
        return Keys(
            config=found if isinstance(found, dict) else {}, file=self.file, kind=self.kind, defaults={}
        )

    def fault(self, key: str, expected: str, found: object) -> InputError:
        """Say what a key should have been."""
        return InputError((Fault(file=str(self.file), key=key, expected=expected, found=repr(found)[:60]),))
