"""Traffic and sizes as plain numbers, whichever way the scenario gives them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from planner.inputs.yaml_marks import read_yaml
from planner.planning.workload.workload import part_tokens, requests_per_day, token_stats, workload_of
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.traffic import TokenSizes, Traffic
from planner.specs.scenario.workload import PartSize, TextSize, TokenStats, TraceSummary
from tests.arithmetic import arithmetic
from tests.strategies import built

SIZES: list[dict[str, Any]] = list(read_yaml(Path("tests/cases/workload_sizes.yaml")).data)
FILE = TextSize(file="system.md", characters=3000, words=500, sha256="0" * 64)
SPREAD = TokenStats(mean=900, p50=700, p95=2000, p99=4000, sigma=0.7)
TRACE = TraceSummary(
    file="t.csv",
    requests=7200,
    duration_s=3600,
    burstiness=2.5,
    peak_to_mean=3.0,
    input_tokens=SPREAD,
    output_tokens=TokenStats(mean=200, p50=150, p95=500, p99=900),
)


def scenario(prompt: dict[str, Any], **traffic: Any) -> Scenario:
    return built(
        {
            "name": "x",
            "traffic": traffic or {"requests_per_day": 86_400.0},
            "prompt": prompt,
            "models": [{"model": "openai/gpt-4o-mini"}],
        }
    )


@pytest.mark.parametrize("case", SIZES, ids=lambda c: str(c["given"]))
def test_percentiles_follow_from_what_is_given(case: dict[str, Any]) -> None:
    found = token_stats(TokenSizes.model_validate(case["given"], strict=False))
    for name in ("mean", "p50", "p95", "p99"):
        assert getattr(found, name) == pytest.approx(arithmetic(case[name]), rel=1e-5), name


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0.001, 10)), min_size=1, max_size=30))
def test_percentiles_of_listed_sizes_rise_and_are_sizes_of_the_list(pairs: list[tuple[float, float]]) -> None:
    values, weights = zip(*pairs, strict=True)
    found = token_stats(TokenSizes(values=values, weights=weights))
    assert found.p50 <= found.p95 <= found.p99
    assert {found.p50, found.p95, found.p99} <= set(values)
    assert min(values) - 1e-6 <= found.mean <= max(values) + 1e-6


@pytest.mark.parametrize(
    ("traffic", "per_day"),
    [
        ({"requests_per_day": 1200.0}, 1200),
        ({"requests_per_second": 0.5}, 0.5 * 86_400),
        ({"requests_per_month": 60_000.0}, 60_000 / 30),
        ({"requests_per_month": 62_000.0, "days_per_month": 31.0}, 2000),
        (
            {
                "users": {
                    "monthly_active": 1000.0,
                    "sessions_per_user_per_month": 6.0,
                    "requests_per_session": 5.0,
                }
            },
            1000 * 6 * 5 / 30,
        ),
        ({"trace": "t.csv"}, 7200 / 3600 * 86_400),
    ],
)
def test_a_volume_is_requests_a_day_however_it_is_told(traffic: dict[str, Any], per_day: float) -> None:
    assert requests_per_day(Traffic.model_validate(traffic), TRACE) == pytest.approx(per_day)


def test_a_trace_that_was_not_read_is_no_volume() -> None:
    with pytest.raises(ValueError, match="needs the trace's summary"):
        requests_per_day(Traffic(trace="t.csv"), None)


def test_the_peak_is_the_shape_s_unless_it_is_told() -> None:
    sizes = {"input_tokens": 100.0, "output_tokens": 10.0}
    business = workload_of(scenario(sizes, requests_per_day=86_400.0, shape="business_hours"), {})
    assert business.peak_requests_per_s == pytest.approx(0.8 / 10 * 24)  # of a mean of 1 a second
    told = workload_of(
        scenario(sizes, requests_per_day=86_400.0, shape="business_hours", peak_to_mean=5.0), {}
    )
    assert told.peak_requests_per_s == pytest.approx(5.0)
    assert told.hourly_weights == business.hourly_weights


def test_weights_of_a_week_are_relative_to_its_mean() -> None:
    week = [0.0] * 24 * 2 + [1.0] * 24 * 5  # nothing on the first two days
    found = workload_of(
        scenario({"input_tokens": 1.0, "output_tokens": 1.0}, requests_per_day=86_400.0, shape=week), {}
    )
    assert len(found.hourly_weights) == 168
    assert found.peak_requests_per_s == pytest.approx(7 / 5)


def test_a_trace_tells_what_the_prompt_does_not() -> None:
    read = workload_of(scenario({}, trace="t.csv"), {}, TRACE)
    assert (read.input_tokens, read.output_tokens) == (SPREAD, TRACE.output_tokens)
    assert (read.burstiness, read.peak_to_mean, read.grade) == (2.5, 3.0, "measured")
    assert read.requests_per_day == 172_800
    told = workload_of(scenario({"input_tokens": 50.0, "output_tokens": 5.0}, trace="t.csv"), {}, TRACE)
    assert (told.input_tokens.mean, told.output_tokens.mean, told.grade) == (50, 5, "assumed")


def test_parts_add_up_in_tokens_and_the_static_ones_make_the_prefix() -> None:
    prompt = {
        "parts": {
            "system": {"file": "system.md", "static": True},
            "rules": {"words": 300.0, "static": True},
            "context": {"pages": 2.0},
            "history": {"tokens": {"mean": 100.0, "p95": 200.0}},
            "question": {"characters": 80.0},
        },
        "output_tokens": 10.0,
    }
    found = workload_of(scenario(prompt), {"system": FILE})
    # 3,000 characters / 4, 300 words / 0.75, two pages of 400 tokens, 100, 80 characters / 4
    assert found.input_tokens.mean == pytest.approx(750 + 400 + 800 + 100 + 20)
    assert found.static_prefix_tokens == pytest.approx(750 + 400)
    assert found.input_tokens.p95 == pytest.approx(750 + 400 + 800 + 200 + 20)
    assert [part.unit for part in found.parts] == ["characters", "words", "pages", "tokens", "characters"]
    assert found.parts[0].text is FILE


def test_a_prefix_that_is_told_replaces_that_of_the_parts() -> None:
    prompt = {
        "parts": {"system": {"words": 300.0, "static": True}},
        "static_prefix_tokens": 128.0,
        "output_tokens": 10.0,
    }
    assert workload_of(scenario(prompt), {}).static_prefix_tokens == 128


@pytest.mark.parametrize(
    ("unit", "tokens"), [("words", 1200 / 0.6), ("characters", 1200 / 5), ("pages", 1200 * 300 / 0.6)]
)
def test_a_tokenizer_s_own_ratios_measure_text_and_leave_tokens_alone(unit: Any, tokens: float) -> None:
    part = PartSize(name="a", unit=unit, amount=1200, static=False)
    assert part_tokens(part, words_per_token=0.6, characters_per_token=5) == pytest.approx(tokens)
    given_in_tokens = PartSize(name="a", unit="tokens", amount=1200, static=False)
    assert part_tokens(given_in_tokens, words_per_token=0.6, characters_per_token=5) == 1200
