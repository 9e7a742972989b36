"""Dimensions of models that the tests of the synthetic files share; from the models' published config.json."""

from planner.engines.gguf_layout import SyntheticShape

LLAMA_2_7B = SyntheticShape(
    name="llama-2-7b",
    family="llama",
    layers=32,
    hidden=4096,
    heads=32,
    kv_heads=32,
    head_dim=128,
    intermediate=11008,
    vocabulary=32000,
    tied_embeddings=False,
)
LLAMA_31_8B = SyntheticShape(
    name="llama-3.1-8b",
    family="llama",
    layers=32,
    hidden=4096,
    heads=32,
    kv_heads=8,
    head_dim=128,
    intermediate=14336,
    vocabulary=128256,
    tied_embeddings=False,
)
LLAMA_31_70B = SyntheticShape(
    name="llama-3.1-70b",
    family="llama",
    layers=80,
    hidden=8192,
    heads=64,
    kv_heads=8,
    head_dim=128,
    intermediate=28672,
    vocabulary=128256,
    tied_embeddings=False,
)
QWEN3_32B = SyntheticShape(
    name="qwen3-32b",
    family="qwen3",
    layers=64,
    hidden=5120,
    heads=64,
    kv_heads=8,
    head_dim=128,
    intermediate=25600,
    vocabulary=151936,
    tied_embeddings=False,
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
