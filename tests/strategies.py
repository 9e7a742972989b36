"""Random scenarios that are valid, over a handful of rows of the real books."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from planner.specs.scenario.scenario import Scenario

API_MODELS = (
    "openai/gpt-4o-mini",
    "anthropic/claude-sonnet-4-6",
    "google/gemini-2.5-flash",
    "openai/gpt-5-mini",
)
AS_OF = date(2026, 11, 1)

sizes = st.integers(1, 6000).map(float)
fractions = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9])


@st.composite
def prompts(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(["system", "tools", "history", "user"]), unique=True, max_size=4))
    parts = {name: {draw(st.sampled_from(["tokens", "words", "characters"])): draw(sizes)} for name in names}
    prompt: dict[str, Any] = {"parts": parts} if parts else {"input_tokens": draw(sizes)}
    return prompt | {
        "output_tokens": draw(sizes),
        "reasoning_tokens": draw(st.sampled_from([0.0, 500.0])),
        "static_prefix_tokens": draw(st.sampled_from([0.0, 1200.0, 3000.0])),
    }


@st.composite
def model_mixes(draw: st.DrawFn) -> list[dict[str, Any]]:
    first, second = draw(st.permutations(API_MODELS))[:2]
    share = draw(st.sampled_from([1.0, 0.8, 0.5]))
    if share == 1.0:
        return [{"model": first, "share": 1.0}]
    return [{"model": first, "share": share}, {"model": second, "share": 1 - share}]


@st.composite
def scenario_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Keys of an API scenario, as YAML would hold them."""
    volume = draw(st.sampled_from(["requests_per_day", "requests_per_month", "requests_per_second"]))
    most = (
        100 if volume == "requests_per_second" else 100_000
    )  # beyond 4 billion USD/month sums are not exact
    return {
        "name": draw(st.sampled_from(["chat", "rag"])),
        "traffic": {
            volume: float(draw(st.integers(1, most))),
            "days_per_month": draw(st.sampled_from([30.0, 31.0])),
        },
        "prompt": draw(prompts()),
        "models": draw(model_mixes()),
        "caching": {
            "exact": {"hit_rate": draw(fractions), "cost_usd_per_month": draw(st.sampled_from([0.0, 30.0]))},
            "prompt": {"enabled": draw(st.booleans())},
        },
        "batch": {"share": draw(fractions)},
        "reliability": {
            "error_rate": draw(st.sampled_from([0.0, 0.05])),
            "failover_model": draw(st.sampled_from([None, "openai/gpt-4o-mini"])),
        },
    }


def built(document: dict[str, Any]) -> Scenario:
    """Build a scenario from plain keys, leniently: lists stand for tuples."""
    return Scenario.model_validate(document, strict=False)


scenarios = scenario_documents().map(built)


@st.composite
def hosted_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Keys of a scenario that is weighed on GPUs of our own, with small or large traffic."""
    return {
        "name": "bulk",
        "traffic": {"requests_per_second": draw(st.sampled_from([0.5, 14.0, 60.0]))},
        "prompt": {"input_tokens": draw(st.sampled_from([500.0, 1800.0])), "output_tokens": 220.0},
        "models": [{"model": draw(st.sampled_from(["google/gemini-2.5-flash", "openai/gpt-4o-mini"]))}],
        "slo": {"tpot_p95_ms": draw(st.sampled_from([30.0, 80.0]))},
        "hosting": {
            "api": draw(st.sampled_from([{}, None])),
            "self_hosted": {
                "models": ["llama-3.1-8b-instruct"],
                "quantization": ["fp8"],
                "gpus": draw(st.sampled_from([["l40s"], ["h100-sxm"], ["l40s", "h100-sxm"]])),
                "tensor_parallel": 1,
                "redundancy": draw(st.sampled_from(["none", "n+1"])),
                "max_utilization": draw(st.sampled_from([0.5, 0.8])),
                "quality_equivalent": True,
            },
        },
    }


hosted = hosted_documents().map(built)
