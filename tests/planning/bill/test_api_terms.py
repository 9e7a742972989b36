"""On which terms a scenario buys: mode, region, contract, credits, tools, off-peak hours, stored caches, currency."""

import math
from dataclasses import replace
from datetime import date

import pytest

from planner.errors import DataError
from planner.planning.bill.api_cost import api_cost
from planner.planning.workload.workload import workload_of
from planner.specs.books.price import Contract
from planner.specs.scenario.scenario import Account, ModelShare
from tests.planning.scenes import CHAT, FAQ, RAG, case_of, estimate_of, usd_of

PLAIN = ("accounts.anthropic={tier: build}", "reliability={}", "caching={}", "prompt.paid_calls={}")
# 600,000 requests of 3,000 and 250 tokens at 3 and 15 USD/Mtok
LIST_USD = 600_000 * (3000 * 3 + 250 * 15) / 1e6


def test_a_region_multiplies_token_prices() -> None:
    assert usd_of(FAQ, *PLAIN) == pytest.approx(LIST_USD)
    assert usd_of(FAQ, *PLAIN, "accounts.anthropic.region=us") == pytest.approx(LIST_USD * 1.1)


def test_a_contract_takes_its_discount_off_and_its_credits_off_the_first_months() -> None:
    sets = (*PLAIN, "accounts.anthropic.contract=anthropic-2026")
    assert usd_of(FAQ, *sets) == pytest.approx(LIST_USD * 0.88)
    cost = estimate_of(FAQ, *sets).cost
    assert [month.credits_usd for month in cost.months[:2]] == [500, 0]


def test_the_months_after_a_contract_are_at_the_list_price() -> None:
    # from 2026-11-23 to 2027-07-01 are 220 days, 7.2329 months of 365 / 12 days
    cost = estimate_of(FAQ, *PLAIN, "accounts.anthropic.contract=anthropic-2026").cost
    held = 220 / (365 / 12)
    assert [month.usd for month in cost.months[8:]] == pytest.approx([LIST_USD] * 4)
    assert cost.months[6].usd == pytest.approx(LIST_USD * 0.88)
    assert cost.months[7].first_terms_fraction == pytest.approx(held - 7)
    assert cost.months[7].usd == pytest.approx(LIST_USD * (0.88 * (held - 7) + 8 - held))
    assert cost.usd_horizon == pytest.approx(LIST_USD * (0.88 * held + 12 - held) - 500)


def test_credits_are_lost_with_their_contract() -> None:
    # 600 requests a month cost 600 × 0.01275 × 0.88 = 6.73 USD; 7.2329 months of it are all that the 500 pay
    small = (*PLAIN, "accounts.anthropic.contract=anthropic-2026", "traffic.requests_per_day=20")
    cost = estimate_of(FAQ, *small).cost
    assert sum(month.credits_usd for month in cost.months) == pytest.approx(
        LIST_USD / 1000 * 0.88 * 220 / (365 / 12)
    )
    assert [month.usd for month in cost.months[:7]] == pytest.approx([0.0] * 7, abs=1e-9)
    assert cost.months[11].usd == pytest.approx(LIST_USD / 1000)


def test_two_contracts_end_one_after_the_other() -> None:
    case = case_of(FAQ, *PLAIN)
    mix = (
        ModelShare(model="anthropic/claude-sonnet-4-6", share=0.5),
        ModelShare(model="openai/gpt-5-mini", share=0.5),
    )
    books = replace(
        case.books,
        contracts={
            name: Contract(
                id=name,
                applies_to=name,
                discount_fraction=0.5,
                valid_from=date(2026, 1, 1),
                valid_to=end,
                source="test",
            )
            for name, end in (("anthropic", date(2027, 2, 22)), ("openai", date(2027, 5, 24)))
        },
    )
    accounts = {name: Account(contract=name) for name in ("anthropic", "openai")}
    scenario = case.scenario.model_copy(update={"models": mix, "accounts": accounts})
    case = replace(case, books=books, scenario=scenario)
    cost = api_cost(case, workload_of(scenario, {}), date(2026, 11, 23))
    sonnet, mini = (model.usd_per_month * 2 for model in cost.by_model)  # at the list price
    first, second = 91 / (365 / 12), 182 / (365 / 12)
    assert cost.usd_horizon == pytest.approx(
        sonnet * (first / 2 + 12 - first) + mini * (second / 2 + 12 - second)
    )


def test_a_contract_with_one_model_leaves_the_others_of_the_account_at_list_price() -> None:
    mix = "models=[{model: anthropic/claude-sonnet-4-6, share: 0.5}, {model: openai/gpt-5-mini, share: 0.5}]"
    by_model = estimate_of(FAQ, *PLAIN, mix, "accounts.anthropic.contract=anthropic-2026").cost.by_model
    assert [cost.price.contract for cost in by_model] == ["anthropic-2026", None]


def test_a_contract_that_ends_within_the_horizon_is_a_warning() -> None:
    (found,) = (notice for notice in estimate_of(FAQ).warnings if notice.code == "CONTRACT-ENDS")
    assert "from then on the months are at the list price" in found.message
    with pytest.raises(DataError, match="contract anthropic-2026 does not hold on 2027-08-01"):
        estimate_of(FAQ, "as_of=2027-08-01")


def test_tools_are_charged_by_the_call() -> None:
    # 0.5 searches a request at 10 USD a thousand
    assert usd_of(FAQ, *PLAIN, "prompt.paid_calls={web_search: 0.5}") == pytest.approx(
        LIST_USD + 600_000 * 0.5 * 0.01
    )
    with pytest.raises(DataError, match="has no fee for weather"):
        usd_of(FAQ, *PLAIN, "prompt.paid_calls={weather: 1}")


def test_a_mode_is_bought_by_model_and_refused_where_it_is_not_sold() -> None:
    flex = "models=[{model: openai/gpt-5-mini, mode: flex}]"
    standard = "models=[{model: openai/gpt-5-mini}]"
    assert usd_of(FAQ, *PLAIN, flex) == pytest.approx(usd_of(FAQ, *PLAIN, standard) / 2)
    with pytest.raises(DataError, match="has no flex price") as refusal:
        usd_of(FAQ, *PLAIN, "models[0].mode=flex")
    assert "standard, batch" in str(refusal.value.cure)


def test_off_peak_hours_are_billed_by_the_traffic_s_own_hours() -> None:
    """deepseek-chat in mid-2025: 16:30 to 00:30 UTC at half price; all traffic in one local hour."""
    sets = ["models=[{model: deepseek/deepseek-chat}]", "as_of=2025-06-15", "accounts={}"]
    hour = [1.0 if hour == 12 else 0.0 for hour in range(24)]
    noon = usd_of(CHAT, *sets, f"traffic.shape={hour}")
    assert usd_of(CHAT, *sets, f"traffic.shape={hour}", "traffic.utc_offset_hours=-7") == pytest.approx(
        noon / 2
    )
    flat = usd_of(CHAT, *sets, "traffic.shape=flat")
    assert flat == pytest.approx(noon * (1 - 8 / 24 / 2))
    made = estimate_of(CHAT, *sets, "traffic.shape=flat").cost.by_model[0]
    assert made.off_peak_fraction == pytest.approx(8 / 24)


def test_a_stored_prefix_hits_in_its_hours_and_pays_for_storage() -> None:
    """Gemini 2.5 Pro: 4,096 tokens kept 12 of 24 flat hours: half of the requests read them at a quarter or tenth."""
    base = (
        *("as_of=2026-06-01", "accounts={}", "models=[{model: google/gemini-2.5-pro}]", "traffic.shape=flat"),
        *("prompt.input_tokens=9000", "prompt.static_prefix_tokens=4096"),
    )
    made = estimate_of(CHAT, *base, "caching.prompt={stored_hours_per_day: 12}")
    caching = made.cost.by_model[0].caching
    assert caching is not None
    assert caching.hit_fraction == pytest.approx(0.5)
    # written once a day at 1.25 USD/Mtok, kept 12 hours at 4.50 USD/Mtok and hour
    assert caching.storage_usd_per_day == pytest.approx(4096 * (1.25 + 12 * 4.5) / 1e6)
    (line,) = (line for line in made.cost.lines if line.name == "cache storage")
    assert line.usd_per_month == pytest.approx(30 * caching.storage_usd_per_day)
    assert made.api.prompt_cache is not None
    assert made.api.prompt_cache.best is None
    with pytest.raises(DataError, match="sells no explicit cache"):
        usd_of(RAG, "caching.prompt.stored_hours_per_day=12")


def test_a_lifetime_that_no_model_offers_is_refused_with_those_that_are() -> None:
    with pytest.raises(DataError, match="keeps prompt prefixes for 30m") as refusal:
        usd_of(RAG, "caching.prompt.ttl=30m")
    assert "5m" in str(refusal.value.cure)


def test_the_bill_is_shown_in_another_currency_at_a_dated_rate() -> None:
    made = estimate_of(FAQ)
    assert made.api.converted is not None
    assert made.api.converted.per_month == pytest.approx(made.cost.usd_per_month * 0.9)
    assert made.api.converted.effective_from.isoformat() == "2026-10-01"
    assert estimate_of(FAQ, "currency=USD").api.converted is None
    with pytest.raises(DataError, match="no rate of EUR holds on 2026-09-01: the first is of 2026-10-01"):
        estimate_of(FAQ, "as_of=2026-09-01")


def test_prompts_of_which_some_exceed_the_window_are_a_warning() -> None:
    sets = ("prompt.input_tokens={mean: 60000, p95: 120000}", "models=[{model: gpt-4o-mini}]")
    (notice,) = (notice for notice in estimate_of(CHAT, *sets).warnings if notice.code == "CONTEXT")
    assert "openai/gpt-4o-mini takes 128,000" in notice.message


def test_calls_at_both_prices_keep_one_prefix_warm() -> None:
    """40 requests a day at random: a prefix kept for an hour is met again with 1 - exp(-40 / 24)."""
    sets = (
        "as_of=2025-06-15",
        "accounts={}",
        "models=[{model: deepseek/deepseek-chat}]",
        "traffic.shape=flat",
    )
    made = estimate_of(CHAT, *sets, "traffic.requests_per_day=40", "caching.prompt={ready_s: 0}")
    caching = made.cost.by_model[0].caching
    assert caching is not None
    assert caching.hit_fraction == pytest.approx(1 - math.exp(-40 / 24))


def test_a_region_rule_is_kept_by_models_that_are_bought_there() -> None:
    sets = ("constraints.data=region:us", "reliability={}", "hosting={api: {}}")
    chosen = estimate_of(FAQ, *sets).recommendation.hosting
    assert chosen is not None
    assert chosen.kind == "api"
    (refused,) = estimate_of(FAQ, *sets, "accounts.anthropic.region=null").recommendation.refused
    assert str(refused.refused[0]).startswith("anthropic/claude-sonnet-4-6 not bought in us")


def test_a_lifetime_that_one_model_of_a_mix_offers_does_not_refuse_the_mix() -> None:
    sets = (
        "models=[{model: gpt-4o-mini, share: 0.8}, {model: claude-haiku-4-5, share: 0.2}]",
        "caching={prompt: {enabled: true, ttl: 1h}}",
        "prompt={input_tokens: 6000, output_tokens: 10, static_prefix_tokens: 5000}",
        "as_of=2026-11-23",
        "accounts={}",
    )
    cost = estimate_of(CHAT, *sets).cost
    # the comparison with one model alone keeps prefixes on the terms of that model
    assert [each.model for each in cost.single_model] == ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"]
