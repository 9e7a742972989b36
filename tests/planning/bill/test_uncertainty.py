"""The spread of the bill: every draw through the bill's own calculator, and what a band does to it by arithmetic."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from planner.errors import InputError
from planner.inputs.estimating import read_all
from planner.planning.bill.api_cost import api_cost
from planner.planning.bill.calls import price_calls
from planner.planning.bill.draws import Billed, Month, monthly_bill_usd, stated_month
from planner.planning.bill.uncertainty import bill_spread, is_uncertain
from planner.planning.estimate import estimate_scenario
from planner.planning.workload.size_spread import token_cvs
from planner.planning.workload.trace import summary_of
from planner.planning.workload.workload import workload_of
from planner.specs.case import Case
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.uncertainty import BillSpread
from planner.specs.scenario.workload import TokenStats, Workload

TODAY = date(2026, 11, 23)
SCENARIOS = sorted(Path("scenarios").glob("*.yaml"))
WORKED = Path("scenarios/support-chatbot.yaml")  # 849.60 USD a month: 432.00 input, 417.60 output
CACHES = "caching={exact: {hit_rate: 0.2, cost_usd_per_month: 7}, semantic: {hit_rate: 0.1}, prompt: {enabled: true}}"
STORED = "caching={prompt: {stored_hours_per_day: 9.5, distinct_prefixes: 3}}"
LONG = (
    "models=[{model: gemini-2.5-pro}]",
    "as_of=2026-11-23",
    "prompt.input_tokens={mean: 90000, p95: 250000}",
)


@cache
def case_of(path: Path, *sets: str) -> Case:
    (case,) = read_all((path,), sets)
    return case


def billed(case: Case) -> Billed:
    day = case.scenario.as_of or TODAY
    workload = workload_of(case.scenario, case.texts, summary_of(case))
    return Billed(case=case, workload=workload, priced=price_calls(case, workload, day), as_of=day)


def spread_of(path: Path, *sets: str, seed: int = 0, draws: int = 20_000) -> BillSpread:
    return bill_spread(billed(case_of(path, *sets)), np.random.default_rng(seed), draws)


def resized(stats: TokenStats, mean: float) -> TokenStats:
    return replace(stats, mean=mean)


def changed_scenario(scenario: Scenario, month: Month) -> Scenario:
    """Return the scenario with the hit rates of a month written into it."""
    layers = {"prompt": month.prompt_hit, "exact": month.exact_hit, "semantic": month.semantic_hit}
    update = {
        name: layer.model_copy(update={"hit_rate": rate})
        for name, rate in layers.items()
        if (layer := getattr(scenario.caching, name)) is not None
    }
    return scenario.model_copy(update={"caching": scenario.caching.model_copy(update=update)})


def changed_workload(workload: Workload, month: Month) -> Workload:
    volume = float(month.requests) / workload.requests_per_month
    return replace(
        workload,
        requests_per_month=float(month.requests),
        requests_per_day=workload.requests_per_day * volume,
        mean_requests_per_s=workload.mean_requests_per_s * volume,
        input_tokens=resized(workload.input_tokens, float(month.input_tokens)),
        output_tokens=resized(workload.output_tokens, float(month.output_tokens)),
        reasoning_tokens=resized(workload.reasoning_tokens, float(month.reasoning_tokens)),
    )


def month_at(months: Month, index: int) -> Month:
    drawn: dict[str, Any] = {name: getattr(months, name) for name in Month.__slots__}
    one: dict[str, Any] = {
        name: value if value is None else float(value[index]) for name, value in drawn.items()
    }
    return Month(**one)


CASES = [
    *((file, ()) for file in SCENARIOS),
    (WORKED, (CACHES,)),
    (WORKED, (CACHES, "models=[{model: claude-haiku-4-5}]", "as_of=2026-11-23", "accounts={}")),
    (WORKED, (CACHES, *LONG, "accounts={}")),
    (WORKED, (*LONG, "accounts={}", "batch.share=0.5", "prompt.reasoning_tokens=200")),
    # an explicit cache with storage, failed attempts that are billed, a tool, and an off-peak price
    (WORKED, (*LONG, "accounts={}", "prompt.static_prefix_tokens=6000", STORED)),
    # a provider that publishes no lifetime
    (WORKED, ("models=[{model: mistral-large-latest}]", "as_of=2026-11-23", "accounts={}", CACHES)),
    (
        WORKED,
        (
            "reliability={errors: {timeout: 0.02, rate_limited: 0.05}, timeout_s: 30, failover_model: gpt-4.1}",
        ),
    ),
    (WORKED, ("models=[{model: deepseek/deepseek-chat}]", "as_of=2025-06-15", "accounts={}", CACHES)),
    (WORKED, ("caching={semantic: {embedding_model: text-embedding-3-small}, exact: {}}",)),
]


@pytest.mark.parametrize(("file", "sets"), CASES, ids=lambda value: getattr(value, "stem", None))
def test_each_draw_is_the_bill_of_the_scenario_changed_to_it(file: Path, sets: tuple[str, ...]) -> None:
    ready = billed(case_of(file, *sets))
    stated, rng = stated_month(ready), np.random.default_rng(5)
    factors = rng.uniform(0.3, 1.6, (4, 6))
    given = stated.prompt_hit is not None
    months = replace(
        stated,
        requests=stated.requests * factors[0],
        input_tokens=stated.input_tokens * factors[1],
        output_tokens=stated.output_tokens * factors[2],
        reasoning_tokens=stated.reasoning_tokens * factors[3],
        prompt_hit=rng.uniform(0, 1, 6) if given else None,
        exact_hit=rng.uniform(0, 1, 6) * bool(stated.exact_hit),
        semantic_hit=rng.uniform(0, 1, 6) * bool(stated.semantic_hit),
    )
    together = np.asarray(monthly_bill_usd(ready, months))
    for index, bill in enumerate(together):
        one = month_at(months, index)
        changed = replace(ready.case, scenario=changed_scenario(ready.case.scenario, one))
        true = api_cost(changed, changed_workload(ready.workload, one), ready.as_of)
        assert bill == pytest.approx(true.usd_per_month, rel=1e-9)


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_the_stated_month_costs_what_the_estimate_says(file: Path) -> None:
    ready = billed(case_of(file))
    bill = monthly_bill_usd(ready, stated_month(ready))
    assert float(bill) == pytest.approx(api_cost(ready.case, ready.workload, ready.as_of).usd_per_month)


def test_a_band_of_the_volume_is_the_band_of_a_bill_that_is_proportional_to_it() -> None:
    spread = spread_of(WORKED, "uncertainty={volume: {p10: 0.7, p90: 1.6}}")
    # 849.60 × 0.7 = 594.72 and × 1.6 = 1,359.36; 20,000 draws place them within 2 %
    assert spread.p10_usd == pytest.approx(594.72, rel=0.02)
    assert spread.p50_usd == pytest.approx(849.60, rel=0.01)
    assert spread.p90_usd == pytest.approx(1_359.36, rel=0.02)
    (swing,) = spread.swings
    assert (swing.input, round(swing.low, -2), round(swing.high, -2)) == ("volume", 210_000, 480_000)
    assert swing.usd_at_low == pytest.approx(594.72, rel=1e-4)
    assert swing.usd_at_high == pytest.approx(1_359.36, rel=1e-4)


def test_the_tornado_puts_the_largest_swing_first() -> None:
    # input costs 432.00: ± 10 % move 86.40; output costs 417.60: 0.5 to 1.5 moves 417.60
    spread = spread_of(
        WORKED, "uncertainty={input_tokens: {p10: 0.9, p90: 1.1}, output_tokens: {p10: 0.5, p90: 1.5}}"
    )
    swings = {swing.input: swing.usd for swing in spread.swings}
    assert list(swings) == ["output tokens", "input tokens", "volume"]
    assert swings["output tokens"] == pytest.approx(417.60)
    assert swings["input tokens"] == pytest.approx(86.40)
    assert swings["volume"] < 5  # 300,000 random arrivals: ± 1.28 / √300,000 of the bill


def test_a_hit_rate_moves_the_bill_against_its_own_direction() -> None:
    (exact, _) = spread_of(
        WORKED,
        "caching={exact: {hit_rate: 0.2, cost_usd_per_month: 7}}",
        "uncertainty={exact_hit_rate: {p10: 0.1, p90: 0.4}}",
    ).swings
    # the cache costs 7; 0.9 of 849.60 = 764.64 still reach the models at a hit rate of 0.1, 0.6 = 509.76 at 0.4
    assert exact.usd_at_low == pytest.approx(771.64)
    assert exact.usd_at_high == pytest.approx(516.76)
    assert exact.usd_at_high < exact.usd_at_low


def test_the_spread_of_single_requests_averages_out_over_a_month() -> None:
    sets = ("prompt.input_tokens={mean: 2000, p95: 4200}",)
    many = spread_of(WORKED, *sets)
    few = spread_of(WORKED, *sets, "traffic.requests_per_day=10")
    assert (many.p90_usd - many.p10_usd) / many.p50_usd < 0.005
    assert (few.p90_usd - few.p10_usd) / few.p50_usd > 0.1  # 300 requests a month: √1,000 times as wide
    assert not many.stated


def test_the_share_of_months_over_the_budget_follows_from_the_draws() -> None:
    # half of the months bring more than is stated, and the budget is the stated bill
    spread = spread_of(WORKED, "uncertainty={volume: {p10: 0.7, p90: 1.6}}", "budget.usd_per_month=849.6")
    assert spread.over_budget_fraction == pytest.approx(0.5, abs=0.02)


def test_the_same_seed_draws_the_same_months() -> None:
    sets = ("uncertainty={volume: {p10: 0.7, p90: 1.6}}",)
    assert spread_of(WORKED, *sets, seed=3) == spread_of(WORKED, *sets, seed=3)
    assert spread_of(WORKED, *sets, seed=3).p10_usd != spread_of(WORKED, *sets, seed=4).p10_usd


def test_a_scenario_without_spread_has_no_range() -> None:
    case = case_of(WORKED)
    assert not is_uncertain(billed(case))
    assert (
        estimate_scenario(case, date(2025, 6, 15), rng=lambda: np.random.default_rng(0)).uncertainty is None
    )


def test_parts_that_vary_add_their_variances() -> None:
    # cv 0.664 of 400 and of 300 tokens, and 300 fixed: √((0.664·400)² + (0.664·300)²) / 1,000 = 0.332
    parts = (
        "prompt={output_tokens: 100, parts: {a: {tokens: {mean: 400, p95: 900}}, "
        "b: {tokens: {mean: 300, p95: 675}}, c: {tokens: 300}}}"
    )
    ready = billed(case_of(WORKED, parts))
    assert token_cvs(ready.case.scenario, ready.workload)[0] == pytest.approx(0.332, abs=0.001)


def test_listed_sizes_have_the_deviation_of_the_list() -> None:
    # 100 and 300, equally often: mean 200, deviation 100
    case = case_of(WORKED, "prompt.output_tokens={values: [100, 300]}")
    assert token_cvs(case.scenario, billed(case).workload)[1] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("band", "found"),
    [
        ("exact_hit_rate: {p10: 0.1, p90: 0.4}", "found no hit rate"),
        ("exact_hit_rate: {p10: 0.4, p90: 0.1}", "expected p90 at or above p10, 0.4, found 0.1"),
        ("volume: {p10: 1.2, p90: 1.5}", "a number ≤ 1"),
        ("volume: {p10: 0.7}", "expected this key, found nothing"),
        ("exact_hit_rate: {p10: 0.1, p90: 1.5}", "a number ≤ 1"),
    ],
)
def test_a_band_that_cannot_be_is_refused(band: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        read_all((WORKED,), (f"uncertainty={{{band}}}",))


def test_a_stated_rate_outside_its_band_is_refused_with_both() -> None:
    with pytest.raises(InputError, match=r"inside uncertainty.exact_hit_rate, 0.1 to 0.15, found 0.2"):
        read_all((WORKED,), (CACHES, "uncertainty={exact_hit_rate: {p10: 0.1, p90: 0.15}}"))


@given(
    low=st.floats(0.2, 1.0),
    high=st.floats(1.0, 4.0),
    wider=st.floats(1.0, 2.0),
    field=st.sampled_from(["volume", "input_tokens", "output_tokens"]),
)
@settings(max_examples=15, deadline=None)
def test_the_range_is_in_order_and_grows_with_its_bands(
    low: float, high: float, wider: float, field: str
) -> None:
    def width(p10: float, p90: float) -> float:
        found = spread_of(WORKED, f"uncertainty={{{field}: {{p10: {p10!r}, p90: {p90!r}}}}}", draws=2_000)
        assert found.p10_usd <= found.p50_usd <= found.p90_usd
        assert [swing.usd for swing in found.swings] == sorted((s.usd for s in found.swings), reverse=True)
        return found.p90_usd - found.p10_usd

    assert width(low, high) <= width(low / wider, high * wider) + 1e-6
