"""Dimensions of models that the tests of the synthetic files share; from the models' published config.json."""

from dataclasses import replace

from planner.engines.gguf_layout import SyntheticShape


def _dense(
    name: str,
    *,
    layers: int,
    hidden: int,
    heads: int,
    kv_heads: int,
    intermediate: int,
    vocabulary: int,
) -> SyntheticShape:
    """Make a decoder of the Llama family, its heads of 128, its output matrix its own."""
    return SyntheticShape(
        name=name,
        family="llama",
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=128,
        intermediate=intermediate,
        vocabulary=vocabulary,
        tied_embeddings=False,
    )


LLAMA_2_7B = _dense(
    "llama-2-7b", layers=32, hidden=4096, heads=32, kv_heads=32, intermediate=11008, vocabulary=32000
)
LLAMA_31_8B = _dense(
    "llama-3.1-8b", layers=32, hidden=4096, heads=32, kv_heads=8, intermediate=14336, vocabulary=128256
)
LLAMA_31_70B = _dense(
    "llama-3.1-70b", layers=80, hidden=8192, heads=64, kv_heads=8, intermediate=28672, vocabulary=128256
)
QWEN3_32B = replace(
    _dense("qwen3-32b", layers=64, hidden=5120, heads=64, kv_heads=8, intermediate=25600, vocabulary=151936),
    family="qwen3",
)


def tiny(family: str, *, experts: int = 0, tied: bool = True) -> SyntheticShape:
    """Make a model of some millions of weights, of any family."""
    return SyntheticShape(
        name=f"tiny-{family}",
        family=family,
        layers=6,
        hidden=256,
        heads=4,
        kv_heads=2,
        head_dim=64,
        intermediate=512,
        vocabulary=1024,
        tied_embeddings=tied,
        experts=experts,
        active_experts=2 if experts else 0,
        sliding_window=64 if family in {"gemma2", "gemma3"} else 0,
        context=4096,
    )
