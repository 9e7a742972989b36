"""What an answer's time goes to, from a prediction made by hand."""

import pytest

from planner.report.latency import latency_lines, latency_parts
from planner.specs.answers.prediction import OperatorTime, StreamPrediction
from planner.specs.base import Quantity


def exactly(value: float) -> Quantity:
    """Return a number without an interval."""
    return Quantity(value=value, low=value, high=value, grade="fitted")


def share(name: str, fraction: float) -> OperatorTime:
    """Return an operator's share of a step of 0.1 s."""
    return OperatorTime(
        name=name, time_s=0.1 * fraction, speed_of_light_s=0.05 * fraction, share_fraction=fraction
    )


ANSWER = StreamPrediction(
    model="tiny-8b",
    hardware="card",
    engine="llamacpp",
    profile="p",
    gpus=1,
    quantization="q4_0",
    prefill_tokens_per_s=exactly(100),
    output_tokens_per_s=exactly(10),
    ttft_s=exactly(1.0),
    tpot_s=exactly(0.1),
    e2e_s=exactly(5.0),
    requests_per_s=exactly(0.2),
    bound_by="weights",
    weights_bytes=1,
    cache_bytes=1,
    usable_bytes=4,
    breakdown=(share("cache", 0.25), share("weights", 0.745), share("host_memory", 0.005)),
    grade="fitted",
    notices=(),
)


def test_the_steps_of_an_answer_are_divided_as_one_step_is() -> None:
    """Five seconds, of them one to the first token; three quarters of the other four read weights."""
    parts = latency_parts(ANSWER)
    assert [name for name, _ in parts] == [
        "first token",
        "weights",
        "cache",
        "host memory",
        "prompts of others",
    ]
    assert dict(parts)["weights"] == pytest.approx(4 * 0.745)
    assert sum(seconds for _, seconds in parts) == pytest.approx(5.0)
    assert dict(parts)["prompts of others"] == 0


def test_parts_below_half_a_per_cent_are_not_named() -> None:
    bar, legend = (line.plain for line in latency_lines(ANSWER, width=100))
    assert bar.endswith("5.00 s an answer")
    assert legend.split("  ")[-1].strip() == "▒ cache 20 %"
    assert "host memory" not in legend
