"""One request on llama.cpp as ``planner predict`` answers it."""

from __future__ import annotations

import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.predict_stream import predict_stream
from planner.specs.answers.prediction import PredictRequest, StreamPrediction


def ask(gpu: str = "rtx-4090", model: str = "llama-3.1-8b", **options: object) -> StreamPrediction:
    books = load_books()
    request = {"engine": "llamacpp", "quantization": "q4_k_m", "concurrency": 1.0, **options}
    return predict_stream(
        unpack(books.models.find(model)),
        books.hardware.find(gpu),
        PredictRequest(**request),  # type: ignore[arg-type]
        profiles=load_serving_profiles(),
    )


def test_the_answer_is_the_prompt_and_then_token_after_token() -> None:
    p = ask(input_tokens=1000.0, output_tokens=101.0)
    assert p.ttft_s.value == pytest.approx(1000 / p.prefill_tokens_per_s.value)
    assert p.e2e_s.value == pytest.approx(p.ttft_s.value + 100 * p.tpot_s.value)
    assert p.requests_per_s.low == pytest.approx(1 / p.e2e_s.high)
    assert p.tpot_s.low < p.tpot_s.value < p.tpot_s.high


def test_the_breakdown_adds_up_and_names_what_binds() -> None:
    p = ask()
    assert sum(part.time_s for part in p.breakdown) == pytest.approx(p.tpot_s.value)
    assert p.bound_by == "weights"
    assert p.notices == ()


def test_a_model_larger_than_the_card_says_that_the_host_binds() -> None:
    p = ask(model="llama-3.1-70b")
    assert p.bound_by == "host memory"
    assert p.notices[-1].code == "spilled"


def test_a_device_that_was_not_measured_says_so() -> None:
    assert ask("rtx-6000-ada").notices[0].code == "borrowed-profile"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency": 4.0}, "one request at a time"),
        ({"gpu": "apple-m5"}, "no matrix rate"),
        ({"quantization": "q9"}, "no GGUF quantization"),
        ({"input_tokens": 1e6}, "beyond the context"),
    ],
)
def test_questions_without_an_answer_say_why(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ask(**options)  # type: ignore[arg-type]
