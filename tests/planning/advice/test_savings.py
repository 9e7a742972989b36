"""Advice with money: every item is judged, and each saving is the difference of two bills."""

from pathlib import Path

import pytest

from planner.inputs.rules import load_rules
from planner.planning.advice.changes import CHANGES
from tests.planning.scenes import BATCH, CASCADE, CHAT, FAQ, RAG, advice_of, estimate_of, usd_of

SCENARIOS = sorted(str(path) for path in Path("scenarios").glob("*.yaml"))
CHECKLIST = [item.id for item in load_rules().checklist]


@pytest.mark.parametrize("path", SCENARIOS)
def test_every_item_of_the_checklist_is_judged_and_the_rest_say_why_not(path: str) -> None:
    found = advice_of(path)
    assert set(found) == set(CHECKLIST)
    for item in found.values():
        assert item.reason
        if item.applies:
            assert item.saving_usd_per_month is not None
            assert item.saving_usd_per_month >= 0


@pytest.mark.parametrize(
    ("advice", "sets"),
    [
        ("prompt-caching", ["caching.prompt.enabled=true"]),
        ("exact-cache", ["caching.exact.hit_rate=0.45"]),
        ("smaller-models", ["models=[{model: openai/gpt-4.1-nano}]", "prompt.output_kind=extraction"]),
    ],
)
def test_a_saving_is_the_difference_between_the_two_bills(advice: str, sets: list[str]) -> None:
    kind = "prompt.output_kind=extraction"
    given = advice_of(CHAT, kind)[advice].saving_usd_per_month
    assert given == pytest.approx(usd_of(CHAT, kind) - usd_of(CHAT, kind, *sets))


def test_shorter_prompts_save_a_tenth_of_the_input() -> None:
    # 10 % of 0.8·240,000-request mini and 0.2 sonnet input: 0.1 · (72 + 360) USD
    assert advice_of(CHAT)["shorter-prompt"].saving_usd_per_month == pytest.approx(43.2)


def test_a_shorter_prompt_that_falls_under_the_cache_minimum_is_ruled_out_with_that_reason() -> None:
    item = advice_of(FAQ)["shorter-prompt"]
    assert item.state == "ruled out"
    assert "leaves the prefix too short for the cache" in item.reason


def test_advice_that_changes_latency_only_says_how_much_sooner_an_answer_comes() -> None:
    streaming = advice_of(CHAT)["streaming"]
    assert streaming.saving_usd_per_month == 0
    assert streaming.time_saved_s is not None
    # 399 tokens after the first at 30 to 100 tokens a second
    assert streaming.time_saved_s.low == pytest.approx(399 / 100)
    assert streaming.time_saved_s.high == pytest.approx(399 / 30)


def test_what_is_there_already_is_not_advised() -> None:
    assert advice_of(RAG)["prompt-caching"].state == "in place"
    assert advice_of(BATCH)["custom-batching"].state == "in place"
    assert advice_of(CASCADE)["cascade"].state == "in place"


def test_routing_stands_beside_the_rule_of_thumb() -> None:
    item = advice_of(RAG)["routing"]
    assert (item.rule_low_fraction, item.rule_high_fraction, item.rule_of) == (0.5, 0.8, "bill")
    assert item.saving_low_usd_per_month is not None
    assert item.saving_high_usd_per_month is not None
    saving = item.saving_usd_per_month or 0.0
    assert item.saving_low_usd_per_month < saving < item.saving_high_usd_per_month


def test_prompt_caching_is_measured_against_the_input_as_its_rule_is() -> None:
    item = advice_of(CHAT)["prompt-caching"]
    assert item.rule_of == "input"
    assert item.saving_fraction == pytest.approx((item.saving_usd_per_month or 0) / 432.0)


def test_a_cascade_that_costs_more_is_ruled_out_with_what_it_costs() -> None:
    item = advice_of("scenarios/private-assistant.yaml")["cascade"]
    assert item.state == "ruled out"
    assert item.reason.startswith("would cost 0.04 USD/month more")


def test_caches_are_unstated_until_the_scenario_says_how_alike_requests_are() -> None:
    assert advice_of(CHAT)["exact-cache"].state == "unstated"
    assert advice_of(CHAT, "caching.queries=unique")["exact-cache"].state == "ruled out"
    assert advice_of(CHAT, "caching.queries=faq")["exact-cache"].state == "applies"
    varied = advice_of(CHAT, "caching.queries=faq", "prompt.temperature=0.7")["exact-cache"]
    assert varied.reason == "answers vary: temperature above 0, free text, no TTL"


def test_another_lifetime_is_advised_where_it_misses_less_than_its_writes_cost() -> None:
    """12 requests a day meet a prefix again within an hour more often than within five minutes."""
    sets = (
        "caching.prompt.enabled=true",
        "traffic.requests_per_day=100",
        "models[0].model=claude-sonnet-4-6",
    )
    thin = advice_of(FAQ, *sets, "caching.prompt.ttl=5m")["cache-lifetime"]
    assert thin.applies
    assert thin.assumption == "prefixes kept for 1h instead"


def test_flex_is_advised_where_every_model_sells_it() -> None:
    item = advice_of(CASCADE, "slo={}", "models=[{model: openai/gpt-5-mini}]")["flex-mode"]
    assert item.state == "unstated"
    assert (item.saving_usd_per_month or 0) > 0
    stages = advice_of(CASCADE, "slo={}")["flex-mode"]
    assert stages.reason == "the models are bought in another mode or in a cascade"


def test_cutting_answers_at_their_p95_is_worth_less_than_the_tail() -> None:
    item = advice_of(FAQ)["max-tokens"]
    assert item.assumption == "answers cut at 600 tokens, today's p95"
    constant = advice_of(FAQ, "prompt.output_tokens=250")["max-tokens"]
    assert constant.reason == "the answers' lengths do not vary as stated; give output_tokens a p95"


def test_hosting_and_edge_are_valued_by_the_options_that_were_weighed() -> None:
    own = advice_of("scenarios/bulk-summarisation.yaml")["self-host"]
    made = estimate_of("scenarios/bulk-summarisation.yaml")
    best = min(o.usd_per_month or 0 for o in made.recommendation.options if o.kind == "self_hosted")
    assert own.saving_usd_per_month == pytest.approx(made.cost.usd_per_month - best)
    assert advice_of(CHAT)["edge"].reason == "not among the options that were weighed"
    assert advice_of(CHAT)["self-host"].reason.startswith("refused: ")


def test_the_verdict_of_the_caching_tree_carries_its_saving() -> None:
    there, advised = estimate_of(RAG), estimate_of(CHAT)
    assert there.recommendation.caching.saving_usd_per_month == pytest.approx(
        there.api.caches[0].saving_usd_per_month.value
    )
    assert advised.recommendation.caching.saving_usd_per_month == pytest.approx(210.52, abs=0.01)
    none = estimate_of(BATCH).recommendation.caching
    assert (none.kind, none.saving_usd_per_month) == ("none", None)


def test_advice_without_a_cheaper_model_says_so() -> None:
    found = advice_of(BATCH)
    for name in ("routing", "cascade", "smaller-models"):
        assert found[name].reason == "no cheaper model of the same provider is sold"


def test_spared_embeddings_are_worth_what_embeddings_cost() -> None:
    made = estimate_of(FAQ)
    (line,) = (line for line in made.cost.lines if line.name == "query embeddings")
    found = {item.id: item for item in made.recommendation.advice}
    assert found["precompute-embeddings"].saving_usd_per_month == pytest.approx(line.usd_per_month)


def test_all_changes_belong_to_the_checklist() -> None:
    assert set(CHANGES) <= set(CHECKLIST)
