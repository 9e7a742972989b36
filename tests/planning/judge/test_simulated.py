"""Open loops are simulated: how long a run is, and what its statistics are of."""

from __future__ import annotations

import pytest

from planner.planning.prediction.simulate import simulate_replica
from planner.specs.validation import EngineSettings
from tests.planning.judge.rows import predicted

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


def drawn(monkeypatch: pytest.MonkeyPatch, **changes: object) -> int:
    """Return the requests of the run that a row's answer comes from."""
    seen = []

    def watched(*given: object, **named: object) -> object:
        seen.append(len(given[3].arrival_s))  # type: ignore[attr-defined]
        return simulate_replica(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("planner.planning.judge.simulated.simulate_replica", watched)
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
