"""Open loops are simulated: how long a run is, and what its statistics are of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.planning.judge.validate import validate
from planner.planning.prediction.simulate import simulate_replica
from planner.specs.answers.validation import EngineSettings
from tests.planning.judge.rows import ROW, predicted, tools

POISSON: dict[str, object] = {"load_type": "request_rate_poisson", "load_value": 1.0}
MLPERF: dict[str, object] = {
    "model": "llama3.1-8b",
    "engine": "mlperf-v5.1/X",
    "engine_version": "TensorRT 10.8",
    "load_type": "mlperf_server_closed",
    "input_tokens": None,
    "output_tokens": None,
    "gpus": 1,
    "tensor_parallel": 1,
    "metric": "ttft",
}


def test_all_metrics_of_a_run_are_read_off_one_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """As predicted, on a slower machine, and on a faster one."""
    seen = watched(monkeypatch)
    rows = [replace(ROW, **POISSON, metric=metric) for metric in ("ttft", "tpot", "e2e")]  # type: ignore[arg-type]
    assert validate(rows, tools()).predicted == 3
    assert seen == [600, 600, 600]


def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Keep the number of requests of each simulation that is made."""
    seen: list[int] = []

    def simulated(*given: object, **named: object) -> object:
        seen.append(len(given[3].arrival_s))  # type: ignore[attr-defined]
        return simulate_replica(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("planner.planning.judge.simulated.simulate_replica", simulated)
    return seen


def drawn(monkeypatch: pytest.MonkeyPatch, **changes: object) -> int:
    """Return the requests of the run that a row's answer comes from."""
    seen = watched(monkeypatch)
    predicted(**changes)
    return seen[0]


def test_a_run_has_as_many_requests_as_its_table_says_or_as_is_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    one: dict[str, object] = {**POISSON, "metric": "ttft"}
    assert drawn(monkeypatch, **one) == 600
    assert drawn(monkeypatch, **one, settings=EngineSettings(requests=50)) == 50


@pytest.mark.parametrize(("rate", "requests"), [(0.5, 600), (2.0, 1200)])
def test_a_run_of_mlperf_lasts_ten_minutes(
    monkeypatch: pytest.MonkeyPatch, rate: float, requests: int
) -> None:
    assert drawn(monkeypatch, **MLPERF, load_value=rate) == requests


def test_percentiles_rise_and_the_whole_answer_is_the_first_token_and_all_others() -> None:
    def found(metric: str, statistic: str) -> float:
        return predicted(**POISSON, metric=metric, statistic=statistic).value

    rising = [found("ttft", statistic) for statistic in ("p50", "p90", "p95", "p99")]
    assert rising == sorted(rising)
    whole, first, each = (found(metric, "mean") for metric in ("e2e", "ttft", "tpot"))
    assert whole == pytest.approx(first + 1023 * each, rel=0.02)
