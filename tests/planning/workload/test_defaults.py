"""What an estimate assumed because the scenario did not say, and what it left unused."""

import pytest

from planner.planning.workload import defaults
from planner.planning.workload.defaults import keys_not_used
from tests.strategies import built

SCENARIO = built(
    {
        "name": "x",
        "traffic": {"requests_per_day": 1.0},
        "prompt": {"input_tokens": 1.0, "output_tokens": 1.0},
        "models": [{"model": "openai/gpt-4o-mini"}],
        "slo": {"ttft_p95_ms": 500.0},
        "batch": {},
    }
)


@pytest.mark.parametrize(
    ("path", "used"),
    [
        ("slo.ttft_p95_ms", ["slo.ttft_p95_ms"]),
        ("slo.tpot_p95_ms", []),  # not set
        ("batch.share", []),
        ("hosting.edge.model", []),  # nothing above it is set either
        ("traffic", ["traffic"]),
    ],
)
def test_only_keys_that_the_scenario_sets_can_go_unused(
    path: str, used: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(defaults, "NOT_USED", (path,))
    assert list(keys_not_used(SCENARIO)) == used


def test_every_key_is_used_today() -> None:
    assert list(keys_not_used(SCENARIO)) == []
