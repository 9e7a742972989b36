"""The words of a difference say direction, size and what to think of it."""

from dataclasses import replace

import pytest

from planner.report.gate.difference_table import difference_parts
from planner.report.gate.difference_words import cause_words, change_words, headline, metric_words
from planner.report.numbers import signed_percent, signed_usd
from planner.report.screen import render
from planner.specs.gate.difference import Cause, Difference, MetricChange, Unknown
from planner.specs.gate.outcome import Band
from tests.differences import main_against_tree, scenario_change

VOLUME = Cause(
    kind="volume", name="requests", usd_per_month=-5.0, before="9 requests/month", after="4 requests/month"
)
SHORT = Cause(kind="tokens per request", name="prompt part a", usd_per_month=-1.0, tokens_per_request=-800.0)
SCENARIO = scenario_change("chat", VOLUME, SHORT, file="a.yaml", before=10.0, delta=-6.0, within_error=True)
FOUND = main_against_tree(SCENARIO)


def shown(found: Difference) -> str:
    return render(*difference_parts(found), width=80, color=False)


def test_the_first_line_is_the_decision() -> None:
    assert headline(FOUND) == "−6.00 USD/month (−60.0 %), mostly fewer requests (9 → 4 requests/month)"
    assert headline(replace(FOUND, delta_usd_per_month=0.0)) == "cost unchanged at 4.00 USD/month"
    alone = replace(FOUND, causes=(), usd_per_month_before=0.0)
    assert headline(alone) == "−6.00 USD/month (new)"
    same = replace(SCENARIO, status="unchanged", causes=())
    assert headline(replace(FOUND, scenarios=(same,))) == "no change: 1 scenario, 4.00 USD/month"


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (SHORT, "shorter prompt part a, -800 tokens/request"),
        (replace(VOLUME, usd_per_month=1.0, before=None), "more requests"),
        (
            Cause(kind="new scenario", name="new scenario", usd_per_month=1.0, file="b.yaml"),
            "a new scenario, b.yaml",
        ),
        (
            Cause(kind="price", name="price date", usd_per_month=1.0, before="a", after="b"),
            "price date (a → b)",
        ),
    ],
)
def test_a_cause_ends_the_sentence(cause: Cause, words: str) -> None:
    assert cause_words(cause) == words


def test_changes_have_a_sign_and_nothing_has_none() -> None:
    assert [signed_usd(value) for value in (1234.5, -12.5, 0.0, None)] == [
        "+1,234.50",
        "−12.50",
        "±0",
        "unknown",
    ]
    assert [signed_percent(value) for value in (0.12, -0.5, None)] == ["+12.0 %", "−50.0 %", "new"]
    assert change_words(SCENARIO) == "10.00 → 4.00 USD/month (−60.0 %, within the model's error)"
    assert change_words(replace(SCENARIO, delta_usd_per_month=0.0)) == "4.00 USD/month as before"
    assert change_words(replace(SCENARIO, status="removed")) == "removed, −6.00 USD/month"
    assert change_words(replace(SCENARIO, status="added", delta_usd_per_month=4.0)) == "new, +4.00 USD/month"


def test_a_figure_that_reads_the_same_on_both_sides_is_left_out() -> None:
    hair = MetricChange(
        name="tier_headroom_fraction", subject="openai", before=0.99, after=0.9899, verdict="worse"
    )
    step = replace(hair, after=0.9)
    assert "tier headroom" not in shown(replace(FOUND, scenarios=(replace(SCENARIO, metrics=(hair,)),)))
    assert "99 % → 90 %" in shown(replace(FOUND, scenarios=(replace(SCENARIO, metrics=(hair, step)),)))


def test_figures_beside_the_cost_say_what_to_think_of_them() -> None:
    band = Band(value=0.2, low=0.1, high=0.3, grade="fitted")
    slower = MetricChange(
        name="ttft_p95_s", subject="x", before=band, after=None, verdict="neither", within_error=False
    )
    assert metric_words(slower) == ("p95 TTFT", "200 ms → unknown", "")
    near = replace(slower, after=band.model_copy(update={"value": 0.25}), verdict="worse", within_error=True)
    assert metric_words(near) == ("p95 TTFT", "200 ms → 250 ms", "within the model's error")
    tier = MetricChange(
        name="tier_headroom_fraction", subject="openai", before=0.5, after=0.25, verdict="worse"
    )
    assert metric_words(tier) == ("tier headroom, openai", "50 % → 25 %", "worse")
    even = replace(tier, name="break_even_requests_per_day", before=100.0, after=2000.0, verdict="neither")
    assert metric_words(even) == ("break-even requests/day", "100 → 2,000", "")
    each = replace(tier, name="usd_per_request", before=0.1, after=0.05, verdict="better")
    assert metric_words(each) == ("USD/request", "0.1000 → 0.05000", "better")


def test_small_parts_and_silent_changes_are_not_lost() -> None:
    tiny = Cause(kind="settings", name="request settings", usd_per_month=0.001)
    text = shown(replace(FOUND, scenarios=(replace(SCENARIO, causes=(VOLUME, tiny)),)))
    assert "smaller parts together" in text
    assert "changed without effect on the cost: request settings" in text


def test_a_long_list_is_cut_and_says_so() -> None:
    many = tuple(replace(SCENARIO, name=f"chat-{n}") for n in range(25))
    assert "and 5 scenarios more, all in --format json" in shown(replace(FOUND, scenarios=many))


def test_unknowns_have_a_section_with_reason_and_cure() -> None:
    unknown = Unknown(scenario="rag", side="base", reason="it was retired", cure="take another")
    text = shown(replace(FOUND, unknowns=(unknown,)))
    assert "Unknown, and not in the totals" in text
    assert "in main: it was retired (take another)" in " ".join(text.split())
    renamed = replace(SCENARIO, file_after="b.yaml", renamed=True)
    assert "a.yaml is now b.yaml" in shown(replace(FOUND, scenarios=(renamed,)))
    removed = replace(SCENARIO, status="removed", file_after=None)
    assert "a.yaml, removed" in shown(replace(FOUND, scenarios=(removed,)))
