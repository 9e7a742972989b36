"""Bits per weight of whole GGUF files, by type of the file."""

from __future__ import annotations

import difflib

from planner.errors import UsageError

# llama.cpp, tools/quantize/README.md, measured on Llama-2-7B ("Q4_K_M 4.84 bits"), floats and Q8_0 by
# block size. Q4_0, Q5_0 and IQ4_XS: as files log them or near it; their blocks are 4.5, 5.5 and 4.25 bits, and the
# output matrix is kept in Q6_K.
GGUF_BITS: dict[str, float] = {
    "q2_k": 3.35,
    "q3_k_s": 3.5,
    "q3_k_m": 3.91,
    "q3_k_l": 4.27,
    "iq4_xs": 4.37,
    "q4_0": 4.54,
    "q4_k_s": 4.58,
    "q4_k_m": 4.84,
    "q5_0": 5.54,
    "q5_k_s": 5.52,
    "q5_k_m": 5.68,
    "q6_k": 6.56,
    "q8_0": 8.5,
    "f16": 16.0,
    "bf16": 16.0,
    "f32": 32.0,
}
SPELLINGS = {"fp16": "f16", "fp32": "f32", "auto": "q4_k_m"}


def gguf_bits(quantization: str) -> float:
    """Return bits per weight of a GGUF type.

    Raises
    ------
    UsageError
        When there is no such type, with the nearest ones.
    """
    name = quantization.strip().casefold()
    name = SPELLINGS.get(name, name)
    if name not in GGUF_BITS:
        near = difflib.get_close_matches(name, GGUF_BITS, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(
            f"no GGUF type is called {quantization!r}{hint}", cure=f"use one of {', '.join(GGUF_BITS)}"
        )
    return GGUF_BITS[name]
