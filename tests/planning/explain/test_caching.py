"""Where the figures of a provider's prompt cache come from."""

import pytest

from tests.planning.explain.numbers import leaf, number, operands
from tests.planning.scenes import FAQ

AGENT = "scenarios/coding-agent.yaml"
CACHE = "cost.by_model[0].caching"


def test_what_can_be_cached_is_the_prefix_in_the_provider_s_steps() -> None:
    """4,900.75 tokens of prefix, more than the 2,048 that the provider asks for, in whole tokens."""
    found = number(f"{CACHE}.cacheable_tokens", AGENT)
    assert found.value == 4900
    assert leaf(found, "min_tokens").place == "pricing.yaml api anthropic/claude-sonnet-4-6 cache min_tokens"


def test_reads_and_writes_share_the_prefix_by_the_hit_rate() -> None:
    read, written = number(f"{CACHE}.cached_read_tokens", AGENT), number(f"{CACHE}.cache_write_tokens", AGENT)
    assert (read.value, written.value) == pytest.approx((0.9 * 4900, 0.1 * 4900))


def test_a_hit_rate_that_is_stated_is_taken_and_one_that_is_not_follows_from_traffic() -> None:
    stated, derived = number(f"{CACHE}.hit_fraction", AGENT), number(f"{CACHE}.hit_fraction", FAQ)
    assert leaf(stated, "hit_rate").place == "caching.prompt.hit_rate"
    assert derived.rule is not None
    assert derived.rule.startswith("mean of 1 − exp(−r × ttl_s)")
    assert leaf(derived, "ttl_s").kind == "book"
    assert operands(derived)["ttl_s"] == 3600


def test_a_cache_saves_what_reads_are_cheaper_less_what_writes_are_dearer() -> None:
    """4,410 tokens read at 0.30 and 490 written at 3.75 USD/Mtok instead of 4,900 at 3.00."""
    found = number(f"{CACHE}.saving_usd_per_request", AGENT)
    assert found.value == pytest.approx((4900 * 3.0 - 4410 * 0.3 - 490 * 3.75) / 1e6)


def test_without_an_explicit_cache_nothing_is_stored() -> None:
    found = number(f"{CACHE}.storage_usd_per_day", AGENT)
    assert (found.value, found.rule) == (0, "0: no explicit cache is stored")
