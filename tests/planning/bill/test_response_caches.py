"""Response caches: priors from the rules, what each layer leaves, costs and saves."""

import pytest

from planner.planning.bill.response_caches import layers_of, reaching_fraction
from tests.planning.scenes import CHAT, FAQ, case_of, estimate_of, usd_of

OPUS = ("models=[{model: anthropic/claude-opus-4-8}]", "as_of=2026-11-23", "accounts={}")


def test_stated_hit_rates_leave_what_neither_layer_answers() -> None:
    case = case_of(CHAT, "caching={exact: {hit_rate: 0.2}, semantic: {hit_rate: 0.25}}")
    assert reaching_fraction(case) == pytest.approx(0.8 * 0.75)
    assert reaching_fraction(case_of(CHAT)) == 1


def test_a_cache_alone_takes_the_whole_range_of_the_rule() -> None:
    (faq,) = layers_of(case_of(CHAT, "caching={queries: faq, exact: {}}"))
    (unlike,) = layers_of(case_of(CHAT, "caching={exact: {}}"))
    assert (faq.hit.low, faq.hit.high, faq.hit.grade) == (0.3, 0.6, "assumed")
    assert faq.hit.value == pytest.approx(0.45)
    assert (unlike.hit.low, unlike.hit.value, unlike.hit.high) == (0, 0.025, 0.05)


def test_two_layers_share_the_range_of_the_rule() -> None:
    exact, semantic = layers_of(case_of(FAQ))
    assert exact.hit.value == 0.3
    for end, together in (("low", 0.3), ("value", 0.45), ("high", 0.6)):
        assert 1 - 0.7 * (1 - getattr(semantic.hit, end)) == pytest.approx(together)
    everything = layers_of(case_of(FAQ, "caching.exact.hit_rate=1"))
    assert everything[1].hit.value == 0


def test_a_layer_saves_the_difference_of_the_bills_with_the_other_layer_as_it_is() -> None:
    sets = ("caching.exact.hit_rate=0.2", "caching.semantic.hit_rate=0.25")
    exact, semantic = estimate_of(FAQ, *sets).api.caches
    assert exact.saving_usd_per_month.value == pytest.approx(
        usd_of(FAQ, sets[1], "caching.exact=null") - usd_of(FAQ, *sets)
    )
    assert semantic.seen_requests_per_month == pytest.approx(exact.left_requests_per_month)
    assert semantic.left_requests_per_month == pytest.approx(600_000 * 0.8 * 0.75)


def test_embedding_costs_what_the_seen_requests_embed() -> None:
    # 600,000 requests, 80 % reach the semantic cache, 60 tokens each at 0.02 USD/Mtok
    made = estimate_of(FAQ, "caching.exact.hit_rate=0.2")
    (line,) = (line for line in made.cost.lines if line.name == "query embeddings")
    assert line.usd_per_month == pytest.approx(600_000 * 0.8 * 60 * 0.02 / 1e6)


@pytest.mark.parametrize(("input_tokens", "embedded"), [(3000, 3000 - 1200), (60_000, 8191)])
def test_without_a_size_the_part_that_varies_is_embedded_as_far_as_the_model_takes_it(
    input_tokens: float, embedded: float
) -> None:
    semantic = "caching={semantic: {hit_rate: 0.1, embedding_model: text-embedding-3-small}}"
    made = estimate_of(CHAT, semantic, f"prompt.input_tokens={input_tokens}")
    (line,) = (line for line in made.cost.lines if line.name == "query embeddings")
    assert line.usd_per_month == pytest.approx(300_000 * embedded * 0.02 / 1e6)


def test_an_assumed_hit_rate_is_a_warning() -> None:
    codes = [notice.code for notice in estimate_of(FAQ).warnings]
    assert codes.count("CACHE-PRIOR") == 2
    assert "CACHE-PRIOR" not in [
        notice.code for notice in estimate_of("scenarios/rag-documents.yaml").warnings
    ]


def test_every_lifetime_of_the_prompt_cache_is_compared() -> None:
    use = estimate_of(FAQ, "traffic.requests_per_day=100").api.prompt_cache
    assert use is not None
    assert use.best is not None
    assert (use.best.ttl, use.pays) == ("1h", True)
    assert [each.ttl for each in use.by_ttl] == ["5m", "1h"]
    given = estimate_of(FAQ, "caching.prompt.hit_rate=0.5").api.prompt_cache
    assert given is not None
    assert given.best is None


def test_a_cache_of_answers_that_vary_is_a_warning() -> None:
    warm = ("caching.exact.hit_rate=0.2", "prompt.temperature=0.7")
    assert "CACHE-VARIED" in [notice.code for notice in estimate_of(CHAT, *warm).warnings]
    aged = estimate_of(CHAT, *warm, "caching.exact.ttl_hours=1")
    assert "CACHE-VARIED" not in [notice.code for notice in aged.warnings]


def test_text_is_embedded_in_the_tokens_of_the_embedding_model() -> None:
    # 750 words are 1,000 tokens in cl100k; the answering model's 1,351 (claude-2026) do not matter
    semantic = "caching={semantic: {hit_rate: 0.1, embedding_model: text-embedding-3-small}}"
    words = "prompt={parts: {user: {words: 750}}, output_tokens: 100}"
    made = estimate_of(CHAT, semantic, words, *OPUS)
    (line,) = (line for line in made.cost.lines if line.name == "query embeddings")
    assert line.usd_per_month == pytest.approx(300_000 * 1000 * 0.02 / 1e6)
    counted = "prompt={input_tokens: 1000, counted_with: claude-2026, output_tokens: 100}"
    made = estimate_of(CHAT, semantic, counted, *OPUS)
    (line,) = (line for line in made.cost.lines if line.name == "query embeddings")
    assert line.usd_per_month == pytest.approx(300_000 * 740 * 0.02 / 1e6)  # 1,000 × 0.555 ÷ 0.75
