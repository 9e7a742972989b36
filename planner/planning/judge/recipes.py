"""What published runs were started with: settings that their tables leave out, but their public scripts state.

InferenceMAX publishes the script of every run it makes [1]_. The tables that repeat its results say engine, model,
GPUs and lengths; the type of the KV cache, the tokens of a step and how long prompts are held back stand only there.

References
----------
.. [1] SemiAnalysisAI/InferenceX, ``benchmarks/*.sh`` (Apache-2.0), read on 2026-11-23: ``70b_*``, ``dsr1_*`` and
   ``gptoss_*`` for H100, H200 and B200, at the commits that docs/decisions/0098 lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from planner.records import dataclass

# Steps between two looks of SGLang's scheduler at its inbox (``--scheduler-recv-interval``) on Blackwell.
FEW_STREAMS = 16
INBOX_STEPS, INBOX_STEPS_FEW = 30.0, 10.0
# Steps that TensorRT-LLM may hold prompts back to process them together (``batch_wait_timeout_iters``), or to give
# every group of attention data parallel its share (``attention_dp_config.timeout_iters``).
BATCH_WAIT_STEPS, LONG_BATCH_WAIT_STEPS, BALANCE_STEPS = 20.0, 40.0, 60.0
EIGHT_BITS = frozenset({"fp8", "fp8-block"})
SPARE_TOKENS = 200  # ``--max_num_tokens $MAX_MODEL_LEN``: both lengths and a little


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedRun:
    """What the table says of a run that bears on its settings."""

    engine: str
    model: str
    hardware_class: str
    weights: str
    tensor_parallel: int
    attention_groups: int
    input_tokens: float
    output_tokens: float
    concurrency: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Settings of a run beside the engine's defaults; ``None`` and 0 are those."""

    kv_dtype: str = "auto"
    batched_tokens: int | None = None
    inbox_steps: float = 0.0
    """Steps between two looks for new requests."""
    batch_wait_steps: float = 0.0
    """Steps that a prompt may be held back until others have come."""


DEFAULTS = Recipe()


def recipe_of(run: PublishedRun) -> Recipe:
    """Return the settings that InferenceMAX's script gives a run; the engine's defaults for a model it has none for."""
    for part, of_engine in FAMILIES.items():
        if part in run.model and run.engine in of_engine:
            return of_engine[run.engine](run)
    return DEFAULTS


def _vllm_dense(_run: PublishedRun) -> Recipe:
    return Recipe(kv_dtype="fp8", batched_tokens=8192)


def _vllm_gpt_oss(run: PublishedRun) -> Recipe:
    return Recipe(kv_dtype="fp8" if run.hardware_class == "blackwell" else "auto", batched_tokens=8192)


def _trtllm_dense(run: PublishedRun) -> Recipe:
    wide = run.hardware_class == "blackwell" and run.weights in EIGHT_BITS
    held = run.input_tokens == 1024 and run.output_tokens == 1024 and run.tensor_parallel < 8
    return Recipe(
        kv_dtype="fp8",
        batched_tokens=16_384 if wide else round(run.input_tokens + run.output_tokens) + SPARE_TOKENS,
        batch_wait_steps=BATCH_WAIT_STEPS if held else 0.0,
    )


def _trtllm_gpt_oss(run: PublishedRun) -> Recipe:
    return Recipe(
        kv_dtype="fp8" if run.hardware_class == "blackwell" else "bf16",
        batched_tokens=20_000,
        batch_wait_steps=BALANCE_STEPS if run.attention_groups > 1 else 0.0,
    )


def _trtllm_deepseek(run: PublishedRun) -> Recipe:
    tokens = 64 * round((run.concurrency + run.input_tokens + 127) // 64)
    blackwell = run.hardware_class == "blackwell"
    held = blackwell and run.weights in EIGHT_BITS and run.input_tokens == run.output_tokens == 1024
    delayed = LONG_BATCH_WAIT_STEPS if held and 64 <= run.concurrency < 256 else 0.0
    return Recipe(
        kv_dtype="fp8",
        batched_tokens=max(tokens, 8192) if blackwell else tokens,
        batch_wait_steps=BALANCE_STEPS if run.attention_groups > 1 else delayed,
    )


def _sglang_deepseek(run: PublishedRun) -> Recipe:
    if run.hardware_class != "blackwell":
        return Recipe(batched_tokens=32_768)
    narrow = run.weights in EIGHT_BITS and run.tensor_parallel == 4
    few = run.concurrency < FEW_STREAMS or narrow
    wide = 8192 if narrow else 32_768
    return Recipe(
        kv_dtype="fp8",
        batched_tokens=wide if run.weights in EIGHT_BITS else 16_384,
        inbox_steps=INBOX_STEPS_FEW if few else INBOX_STEPS,
    )


FAMILIES: Mapping[str, Mapping[str, Callable[[PublishedRun], Recipe]]] = {
    "gpt-oss": {"vllm": _vllm_gpt_oss, "tensorrt-llm": _trtllm_gpt_oss},
    "deepseek": {"tensorrt-llm": _trtllm_deepseek, "sglang": _sglang_deepseek},
    "70b": {"vllm": _vllm_dense, "tensorrt-llm": _trtllm_dense},
}
