"""The workload of a scenario as options of ``planner bench``."""

from pathlib import Path
from typing import Any

import pytest

from planner.cli.bench_scenario import STEPS, with_scenario

GIVEN: dict[str, Any] = {"feature": None, "slo": None, "rate": None, "concurrency": None}
TEXT = """name: chat
traffic: {requests_per_second: 200, shape: flat, peak_to_mean: 1.5}
prompt: {input_tokens: {mean: 200, p95: 400}, output_tokens: 4, static_prefix_tokens: 50}
models: [{model: anthropic/claude-3-5-sonnet, share: 1.0}]
slo: {ttft_p95_ms: 10, e2e_p95_s: 2.5}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    file = tmp_path / "chat.yaml"
    file.write_text(TEXT)
    return file


def test_the_peak_the_sizes_and_the_limits_come_from_the_scenario(scenario: Path) -> None:
    filled = with_scenario(GIVEN, scenario)
    assert filled["rate"] == "300"  # 200 a second, 1.5 times as many in the busiest hour
    assert filled["output_tokens"] == "4"
    assert filled["shared_prefix"] == 50
    assert filled["feature"] == "chat"
    assert filled["slo"] == ["ttft_p95_ms=10", "e2e_p95_s=2.5"]


def test_a_spread_becomes_equally_likely_lengths_with_its_mean_and_median(scenario: Path) -> None:
    lengths = sorted(int(each) for each in with_scenario(GIVEN, scenario)["input_tokens"].split(","))
    assert len(lengths) == STEPS
    # mean 200 and p95 400: sigma = 1.645 - sqrt(1.645² - 2 ln 2) = 0.4966, median 200·exp(-sigma²/2) = 176.8
    assert (lengths[STEPS // 2 - 1] + lengths[STEPS // 2]) / 2 == pytest.approx(176.8, abs=1)
    assert sum(lengths) / STEPS == pytest.approx(200, rel=0.02)
    assert lengths[37] < 400 < lengths[38]  # the 38th of 40 stands for 93.75 %, the 39th for 96.25 %


def test_what_was_given_stays(scenario: Path) -> None:
    told = GIVEN | {"feature": "mine", "slo": ["e2e_p95_s=9"], "concurrency": "4"}
    filled = with_scenario(told, scenario)
    assert (filled["feature"], filled["slo"], filled["rate"]) == ("mine", ["e2e_p95_s=9"], None)


def test_a_scenario_without_targets_sets_no_limits(scenario: Path) -> None:
    scenario.write_text(TEXT.replace("slo: {ttft_p95_ms: 10, e2e_p95_s: 2.5}\n", ""))
    assert with_scenario(GIVEN, scenario)["slo"] == []


def test_a_scenario_with_a_trace_is_measured_with_what_the_trace_says() -> None:
    filled = with_scenario(GIVEN, Path("scenarios/traced-conversation.yaml"))
    assert filled["feature"] == "traced-conversation"
    # 424,008 requests a day (planner estimate), twice as many at the peak: 2 * 424,008 / 86,400
    assert float(filled["rate"]) == pytest.approx(9.815, rel=1e-3)
    assert len(filled["input_tokens"].split(",")) == STEPS
