"""The small notations of ``planner bench``: limits and lists of numbers."""

import pytest

from planner.cli.bench_options import numbers, parse_slo
from planner.errors import UsageError
from planner.specs.measured.load import SloTarget


@pytest.mark.parametrize(
    ("text", "metric", "fraction", "limit_s"),
    [
        ("ttft_p95_ms=500", "ttft_s", 0.95, 0.5),
        ("tpot_p50_ms=50.5", "tpot_s", 0.5, 0.0505),
        ("e2e_p99_s=15", "e2e_s", 0.99, 15.0),
        ("itl_p999_s=0.2", "itl_s", 0.999, 0.2),
    ],
)
def test_a_limit_names_metric_percentile_and_time(
    text: str, metric: str, fraction: float, limit_s: float
) -> None:
    (found,) = parse_slo([text])
    assert found.metric == metric
    assert [found.fraction, found.limit_s] == pytest.approx([fraction, limit_s])
    assert isinstance(found, SloTarget)


@pytest.mark.parametrize(
    "text",
    ["ttft<5", "ttft_p95=500", "ttft_p100_ms=5", "ttft_p05_ms=5", "ttft_p95_ms=1.2.3", "ttft_p95_ms=-1", "x"],
)
def test_what_is_no_limit_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="bad limit") as refused:
        parse_slo(["e2e_p95_s=15", text])
    assert "ttft_p95_ms=500" in str(refused.value.cure)


def test_no_limits_are_none() -> None:
    assert parse_slo(None) == parse_slo([]) == ()


def test_numbers_are_read_in_their_order() -> None:
    assert numbers("1,8,2", "--concurrency", int) == (1, 8, 2)
    assert numbers("0.5,2", "--rate", float) == (0.5, 2.0)


@pytest.mark.parametrize("text", ["", "1,", "a", "0", "-1", "1,0", "nan", "inf", "1.5"])
def test_what_is_no_list_of_numbers_above_0_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="bad --concurrency"):
        numbers(text, "--concurrency", int)


@pytest.mark.parametrize("text", ["nan", "inf", "1,inf", "-0.5"])
def test_rates_are_finite_and_above_0(text: str) -> None:
    with pytest.raises(UsageError, match="bad --rate"):
        numbers(text, "--rate", float)
