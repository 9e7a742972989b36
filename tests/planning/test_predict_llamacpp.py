"""One user on llama.cpp: speeds, names and classes."""

from __future__ import annotations

import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.architecture import unpack
from planner.planning.predict_llamacpp import (
    SingleStream,
    datasheet_s,
    device_class,
    single_stream,
)

BOOKS = load_books()


def ask(gpu: str, quantization: str = "q4_k_m", tokens: float = 512.0) -> SingleStream:
    return single_stream(
        unpack(BOOKS.models.find("llama-3.1-8b")),
        BOOKS.hardware.find(gpu),
        load_serving_profiles(),
        quantization=quantization,
        input_tokens=tokens,
        output_tokens=128.0,
    )


def test_an_answer_token_reads_the_weights_once() -> None:
    # 7.50e9 parameters without the embedding table in 16 bits over 1,008 GB/s: 14.9 ms, and 512 tokens of cache.
    times = datasheet_s(
        unpack(BOOKS.models.find("llama-3.1-8b")),
        BOOKS.hardware.find("rtx-4090"),
        quantization="f16",
        context_tokens=512.0,
    )
    assert times[0] == pytest.approx(14.9e-3 + 512 * 131_072 / 1008e9, rel=0.01)


def test_a_smaller_quantization_answers_faster_inside_its_interval() -> None:
    small, large = ask("rtx-4090").decode_tokens_per_s, ask("rtx-4090", "f16").decode_tokens_per_s
    assert small.value > large.value
    assert small.low < small.value < small.high
    assert small.grade == "fitted"


def test_a_longer_prompt_is_prefilled_slower_per_token() -> None:
    short, long = ask("rtx-4090").prefill_tokens_per_s, ask("rtx-4090", tokens=8000.0).prefill_tokens_per_s
    assert short is not None
    assert long is not None
    assert long.value < short.value


def test_a_device_without_a_class_borrows_with_a_wider_interval() -> None:
    own, borrowed = ask("rtx-4090").decode_tokens_per_s, ask("mi300x").decode_tokens_per_s
    assert borrowed.grade == "datasheet"
    assert borrowed.high / borrowed.low > own.high / own.low


def test_what_is_missing_is_said() -> None:
    with pytest.raises(UsageError, match=r"no llama\.cpp profile"):
        single_stream(
            unpack(BOOKS.models.find("llama-3.1-8b")),
            BOOKS.hardware.find("rtx-4090"),
            (),
            quantization="q8_0",
            input_tokens=1.0,
            output_tokens=1.0,
        )
    blind = BOOKS.hardware.find("rtx-4090").model_copy(update={"tflops": {}})
    answer = single_stream(
        unpack(BOOKS.models.find("llama-3.1-8b")),
        blind,
        load_serving_profiles(),
        quantization="q8_0",
        input_tokens=512.0,
        output_tokens=128.0,
    )
    assert answer.prefill_tokens_per_s is None
    assert answer.decode_tokens_per_s.value > 0


def test_game_cards_are_a_class_of_their_own() -> None:
    assert device_class(BOOKS.hardware.find("rtx-4090")) == "nvidia-consumer"
    assert device_class(BOOKS.hardware.find("h100-sxm")) == "nvidia"
