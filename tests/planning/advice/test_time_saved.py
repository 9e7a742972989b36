"""The latency effect of every item of the checklists: a range with its basis, or unknown with what would tell."""

from dataclasses import replace
from typing import Any

import pytest

from planner.inputs.rules import load_rules
from planner.planning.advice.changes import CHANGES
from planner.planning.advice.savings import OPTIONS
from planner.planning.advice.time_saved import hosted_sooner
from planner.specs.answers.estimate import Advice, HostingOption
from planner.specs.base import Quantity
from tests.planning.scenes import CHAT, FAQ, RAG, estimate_of, ground_of

OPEN = ("accounts={}", "as_of=2026-11-23", "models=[{model: openai/gpt-5.1}]", "slo={}")


def advice(path: str, name: str, *sets: str) -> Advice:
    items = estimate_of(path, *sets).recommendation.advice
    return next(item for item in items if item.id == name)


def span(item: Advice) -> tuple[float, float]:
    assert item.time_saved_s is not None, item
    assert item.time_saved_s.grade == "assumed"
    return item.time_saved_s.low, item.time_saved_s.high


def test_every_item_says_on_what_its_latency_rests_or_what_would_tell() -> None:
    unknown = set()
    for item in load_rules().checklist:
        assert item.latency
        if item.latency.startswith("unknown: "):
            unknown.add(item.id)
            assert "planner bench --url" in item.latency or "a trace of" in item.latency, item.id
    tools = {"parallel-tools", "async-calls", "speculative-execution"}
    assert unknown == tools | {"smaller-models", "routing", "flex-mode"}
    known = set(CHANGES) | set(OPTIONS) | {"streaming"}
    assert {item.id for item in load_rules().checklist} - tools == known


def test_a_machine_of_one_s_own_is_sooner_by_the_api_s_answer_less_its_own() -> None:
    """400 tokens at 30 to 100 a second take an API 4 to 13.3 s; TTFT, which nobody publishes, is left out."""
    ground, option = (
        ground_of(CHAT),
        HostingOption(kind="edge", name="own", usd_per_month=1.0, grade="fitted"),
    )
    assert hosted_sooner(ground, option) is None
    own = Quantity(value=3.0, low=2.0, high=5.0, grade="fitted")
    found = hosted_sooner(ground, replace(option, e2e_s=own))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((400 / 100 - 5.0, 400 / 30 - 2.0))


def test_a_cached_prefix_spares_the_reading_of_what_hits() -> None:
    sets = (*OPEN, "prompt={input_tokens: 20000, output_tokens: 100, static_prefix_tokens: 10240}")
    item = advice(CHAT, "prompt-caching", *sets)
    cached = estimate_of(CHAT, *sets, "caching={prompt: {}}").cost.by_model[0].caching
    assert cached is not None
    # Anthropic: 9.1 s for 100,000 tokens; OpenAI: 7 % of 100 ms for 1,024
    assert span(item) == pytest.approx(
        (cached.cached_read_tokens * 0.000007, cached.cached_read_tokens * 0.000091)
    )
    assert 0.5 < span(item)[1] < 0.94  # nearly all of 10,240 tokens at 0.091 ms


def test_a_shorter_prompt_spares_the_reading_of_what_is_cut() -> None:
    # a tenth of 2,000 tokens, 80 and 20 % of the requests
    assert span(advice(CHAT, "shorter-prompt")) == pytest.approx((200 * 0.000007, 200 * 0.000091))


def test_shorter_answers_come_sooner_by_what_is_cut_off() -> None:
    sizes = "prompt={input_tokens: 500, output_tokens: {mean: 400, p95: 900}}"
    low, high = span(advice(CHAT, "max-tokens", *OPEN, sizes))
    assert low > 0
    assert high / low == pytest.approx(100 / 30)


def test_batches_may_take_a_day() -> None:
    assert span(advice(CHAT, "custom-batching", *OPEN)) == (-86_400, 0)


def test_stored_embeddings_spare_a_part_of_the_look_up() -> None:
    low, high = span(advice(FAQ, "precompute-embeddings"))
    # 70 % of the requests pass the exact cache and see the semantic one, which takes 10 to 50 ms
    assert (low, high) == pytest.approx((0, 0.7 * 0.05))


def test_a_cascade_makes_escalated_requests_wait() -> None:
    low, high = span(advice(CHAT, "cascade", *OPEN, "prompt={input_tokens: 900, output_tokens: 400}"))
    # a quarter of the answers, 100 tokens on average, at 30 to 100 a second
    assert (low, high) == pytest.approx((-100 / 30, -100 / 100))


def test_our_own_machine_is_held_against_the_api_s_stream() -> None:
    own = "hosting={api: {}, self_hosted: {models: [llama-3.1-8b-instruct], gpus: [l40s], quality_equivalent: true}}"
    busy = ("traffic={requests_per_second: 20}", "prompt={input_tokens: 500, output_tokens: 300}")
    item = advice(CHAT, "self-host", *OPEN, own, *busy)
    made = estimate_of(CHAT, *OPEN, own, *busy)
    option = next(each for each in made.recommendation.options if each.kind == "self_hosted")
    assert option.e2e_s is not None
    low, high = span(item)
    assert (low, high) == pytest.approx((3 - option.e2e_s.high, 10 - option.e2e_s.low))


@pytest.mark.parametrize(("path", "sets"), [(CHAT, ()), (FAQ, ()), (RAG, ()), (CHAT, OPEN)])
def test_what_applies_has_a_range_or_an_unknown_with_its_reason(path: str, sets: tuple[str, ...]) -> None:
    items: Any = estimate_of(path, *sets).recommendation.advice
    for item in items:
        if item.state in {"applies", "unstated"}:
            assert item.time_basis
            assert (item.time_saved_s is None) == item.time_basis.startswith("unknown"), item.id
