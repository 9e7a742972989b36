"""What engines reach of a datasheet: assumed, the same for all devices, until fitted profiles replace them."""

from __future__ import annotations

from dataclasses import dataclass

from planner.errors import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineRates:
    """Efficiencies, overheads and scheduler defaults of one engine, and how far off they were."""

    compute_efficiency_fraction: float
    attention_efficiency_fraction: float
    memory_efficiency_fraction: float
    link_efficiency_fraction: float
    all_reduce_latency_s: float
    step_overhead_s: float
    layer_overhead_s: float
    """Launching and small kernels of one layer in one step [s]."""
    sequence_overhead_s: float
    """Scheduling and sampling of one running sequence in one step [s]."""
    tpot_low_ratio: float
    """Measured over predicted at the 10th percentile of the comparison."""
    tpot_high_ratio: float
    """The same at the 90th percentile."""


# TTFT of a steady state has not been measured: published tables start with all prompts at once. The interval is
# assumed, wide enough for the 56 % that the best published tool is off.
TTFT_LOW_RATIO = 0.5
TTFT_HIGH_RATIO = 2.0
# Percentile over mean. TPOT is a mean over many steps and varies little between requests; TTFT depends on what
# happens to be in the queue. Assumed: M/D/1 at moderate load has p95 near twice the mean.
TTFT_P95_RATIO = 2.0
TPOT_P95_RATIO = 1.15

# Checked against 528 published points of vLLM (aiconfigurator's silicon table: H100, H200, B200; gpt-oss-120b, Llama 8B
# and 70B, Qwen3 32B and 235B), nothing fitted to a device: TPOT median error 12.5 %, measured over predicted 0.74 at
# the 10th and 1.44 at the 90th percentile.
VLLM = EngineRates(
    compute_efficiency_fraction=0.5,
    attention_efficiency_fraction=0.35,
    memory_efficiency_fraction=0.75,
    link_efficiency_fraction=0.5,
    all_reduce_latency_s=10e-6,
    step_overhead_s=2e-3,
    layer_overhead_s=15e-6,
    sequence_overhead_s=20e-6,
    tpot_low_ratio=0.74,
    tpot_high_ratio=1.44,
)
LLAMA_CPP = EngineRates(
    compute_efficiency_fraction=0.5,
    attention_efficiency_fraction=0.3,
    memory_efficiency_fraction=0.68,
    link_efficiency_fraction=0.5,
    all_reduce_latency_s=50e-6,
    step_overhead_s=0.5e-3,
    layer_overhead_s=20e-6,
    sequence_overhead_s=20e-6,
    tpot_low_ratio=0.8,
    tpot_high_ratio=1.4,
)
RATES: dict[str, EngineRates] = {
    "vllm": VLLM,
    "sglang": VLLM,  # borrowed: no rates of its own yet
    "tensorrt-llm": VLLM,  # borrowed
    "llama.cpp": LLAMA_CPP,
}


def engine_rates(engine: str) -> EngineRates:
    """Return the rates of an engine.

    Raises
    ------
    UsageError
        When there is no such engine.
    """
    name = engine.strip().casefold()
    if name not in RATES:
        raise UsageError(f"no serving engine is called {engine!r}", cure=f"use one of {', '.join(RATES)}")
    return RATES[name]
