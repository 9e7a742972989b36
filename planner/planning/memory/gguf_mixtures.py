"""Recipes of llama.cpp's GGUF types: which tensors of a model "q4_k_m" stores in which width.

References
----------
1. llama.cpp, src/llama-quant.cpp, ``llama_tensor_get_type`` and ``use_more_bits``; every recipe was held against its quantiser.
2. gguf-py, gguf/constants.py, ``GGML_QUANT_SIZES``.
"""

from __future__ import annotations

import difflib
from typing import Literal

from planner.errors import UsageError
from planner.records import dataclass
from planner.specs.books.model import ModelSpec

# bits per weight, block scales included
BITS: dict[str, float] = {
    "f32": 32.0,
    "f16": 16.0,
    "bf16": 16.0,
    "q8_0": 8.5,
    "q6_k": 6.5625,
    "q5_1": 6.0,
    "q5_0": 5.5,
    "q5_k": 5.5,
    "q4_1": 5.0,
    "q4_0": 4.5,
    "q4_k": 4.5,
    "iq4_nl": 4.5,
    "iq4_xs": 4.25,
    "mxfp4": 4.25,
    "q3_k": 3.4375,
    "q2_k": 2.625,
    "iq3_s": 3.4375,
    "iq3_xxs": 3.0625,
    "iq2_s": 2.5625,
    "iq2_xs": 2.3125,
    "iq2_xxs": 2.0625,
    "iq1_m": 1.75,
    "iq1_s": 1.5625,
    "tq2_0": 2.0625,
    "tq1_0": 1.6875,
}
# what a row that is no multiple of 256 falls back to
FALLBACK = {
    "q2_k": "iq4_nl",
    "q3_k": "iq4_nl",
    "q4_k": "q5_0",
    "q5_k": "q5_1",
    "q6_k": "q8_0",
    "iq4_xs": "iq4_nl",
    "tq1_0": "q4_0",
    "tq2_0": "q4_0",
}
SUPER_BLOCK = 256
Where = Literal["all", "middle", "more", "first 2", "first 4", "first eighth", "first sixteenth"]
Rule = tuple[tuple[str, Where], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixture:
    """Storage types of a file: the first rule that covers a layer decides, else the base."""

    base: str
    output: str = "q6_k"
    attn_out: str | None = None
    value: Rule = ()
    value_grouped: Rule | None = None
    """For models with at least four query heads to one KV head."""
    down: Rule = ()
    query_key: str | None = None
    up: Rule = ()
    """Gate and up projections."""
    embedding: str | None = None
    """Of models whose output is a matrix of its own; the base where it is not said."""


MIXTURES: dict[str, Mixture] = {
    "f32": Mixture(base="f32", output="f32"),
    "f16": Mixture(base="f16", output="f16"),
    "bf16": Mixture(base="bf16", output="bf16"),
    "q8_0": Mixture(base="q8_0", output="q8_0"),
    "q6_k": Mixture(base="q6_k"),
    "q5_k_m": Mixture(base="q5_k", value=(("q6_k", "more"),), down=(("q6_k", "more"),)),
    "q5_k_s": Mixture(base="q5_k"),
    "q5_0": Mixture(base="q5_0"),
    "q5_1": Mixture(base="q5_1"),
    "q4_k_m": Mixture(base="q4_k", value=(("q6_k", "more"),), down=(("q6_k", "more"),)),
    "q4_k_s": Mixture(base="q4_k", value=(("q5_k", "first 4"),), down=(("q5_k", "first eighth"),)),
    "q4_0": Mixture(base="q4_0"),
    "q4_1": Mixture(base="q4_1"),
    "iq4_xs": Mixture(base="iq4_xs", value_grouped=(("q5_k", "all"),)),  # as made with an importance matrix
    "iq4_nl": Mixture(base="iq4_nl", value_grouped=(("q5_k", "all"),), down=(("q5_k", "first eighth"),)),
    "q3_k_l": Mixture(base="q3_k", attn_out="q5_k", value=(("q5_k", "all"),), down=(("q5_k", "all"),)),
    "q3_k_m": Mixture(
        base="q3_k",
        attn_out="q4_k",
        value=(("q5_k", "first 2"), ("q4_k", "all")),
        down=(("q5_k", "first sixteenth"), ("q4_k", "all")),
    ),
    "q3_k_s": Mixture(base="q3_k"),
    "q2_k": Mixture(
        base="q2_k",
        attn_out="q3_k",
        value=(("q3_k", "all"),),
        value_grouped=(("q4_k", "all"),),
        down=(("q3_k", "all"),),
    ),
    "q2_k_s": Mixture(base="q2_k", value_grouped=(("q4_k", "all"),), down=(("q4_k", "first eighth"),)),
    "tq1_0": Mixture(base="tq1_0", embedding="q4_k"),
    "tq2_0": Mixture(base="tq2_0", embedding="q4_k"),
    "mxfp4": Mixture(base="q8_0", output="q8_0"),
    # Importance-matrix types, as made with one.
    "iq3_m": Mixture(
        base="iq3_s", attn_out="q4_k", value=(("q4_k", "all"),), down=(("q4_k", "first eighth"),)
    ),
    "iq3_s": Mixture(base="iq3_s", value_grouped=(("q4_k", "all"),)),
    "iq3_xs": Mixture(
        base="iq3_s", value_grouped=(("q4_k", "all"),), query_key="iq3_xxs", up=(("iq3_xxs", "middle"),)
    ),
    "iq3_xxs": Mixture(
        base="iq3_xxs",
        output="q5_k",
        attn_out="iq3_s",
        value_grouped=(("q4_k", "all"),),
        query_key="iq2_s",
        embedding="iq3_s",
    ),
    "iq2_m": Mixture(
        base="iq2_s",
        output="q5_k",
        attn_out="iq3_s",
        value=(("iq3_s", "all"),),
        value_grouped=(("q4_k", "all"),),
        down=(("iq3_s", "first eighth"),),
        embedding="iq3_s",
    ),
    "iq2_s": Mixture(
        base="iq2_xs",
        output="q5_k",
        attn_out="iq3_s",
        value=(("iq3_s", "all"),),
        value_grouped=(("q4_k", "all"),),
        down=(("iq3_s", "first eighth"),),
        embedding="iq3_s",
    ),
    **{
        name: Mixture(
            base=name,
            output="q5_k",
            attn_out="iq2_xxs" if name in {"iq1_s", "iq1_m"} else None,
            value=(("q2_k", "all"),),
            value_grouped=(("q4_k", "all"),),
            down=(("q2_k", "first eighth"),),
            embedding="q2_k",
        )
        for name in ("iq2_xs", "iq2_xxs", "iq1_m", "iq1_s")
    },
}


def mixture(name: str, *, model: ModelSpec | None = None) -> tuple[str, Mixture]:
    """Return a mixture and its name; ``auto`` is q4_k_m, what most people download, or the publisher's MXFP4.

    Raises
    ------
    UsageError
        When there is no such mixture.
    """
    wanted = (
        name.strip().casefold().replace(" - medium", "_m").replace(" - small", "_s").replace(" - large", "_l")
    )
    if wanted == "auto":
        wanted = "mxfp4" if model is not None and model.quantization == "mxfp4" else "q4_k_m"
    if wanted not in MIXTURES:
        near = difflib.get_close_matches(wanted, list(MIXTURES), n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UsageError(
            f"no GGUF quantization is called {name!r}{hint}", cure=f"use auto, {', '.join(MIXTURES)}"
        )
    return wanted, MIXTURES[wanted]
