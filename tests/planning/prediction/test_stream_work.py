"""What a token moves and multiplies under llama.cpp, at datasheet speed."""

from __future__ import annotations

import pytest

from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.stream_work import HOST_BYTES_PER_S, StreamWork, impossible, stream_work

BOOKS = load_books()


def work(model: str, gpu: str, quantization: str = "q4_k_m", **more: float) -> StreamWork:
    return stream_work(
        unpack(BOOKS.models.find(model)),
        BOOKS.hardware.find(gpu),
        quantization=quantization,
        context_tokens=more.get("context_tokens", 512.0),
        reserved_tokens=more.get("reserved_tokens", 0.0),
        devices=int(more.get("devices", 1)),
    )


def test_kernels_without_flash_attention_read_the_cache_once_for_each_query_head() -> None:
    # Llama-3.1-8B has 32 query heads to 8 key heads, Llama-2-7B one to one.
    grouped, single = work("llama-3.1-8b", "rtx-4090"), work("llama-2-7b", "rtx-4090")
    assert grouped.query_s == pytest.approx(4 * grouped.cache_s)
    assert single.query_s == pytest.approx(single.cache_s)
    assert grouped.score_s == pytest.approx(32 * 32 / 1008e9)  # 32 layers of 32 heads


def test_processors_multiply_quantised_weights_as_8_bit_integers() -> None:
    # Llama-3.2-3B has 3.21e9 parameters less an embedding of 128,256 x 3,072; a Pi 5 states 0.31 TOP/s and 0.154 TFLOP/s.
    assert work("llama-3.2-3b", "raspberry-pi-5").compute_s == pytest.approx(2 * 2.82e9 / 0.31e12, rel=0.01)
    assert work("llama-3.2-3b", "raspberry-pi-5", "f16").compute_s == pytest.approx(
        2 * 2.82e9 / 0.154e12, rel=0.01
    )


def test_a_reserved_cache_pushes_weights_to_the_host() -> None:
    # OLMo-2-13B: 7.5 GiB of weights, and 0.78 MiB of cache a token, so that 5,000 tokens do not fit into 11.5 GiB.
    fits, spills = work("olmo-2-13b", "rtx-5070"), work("olmo-2-13b", "rtx-5070", reserved_tokens=5000.0)
    assert fits.spilled_s == 0.0
    moved = (fits.weights_s - spills.weights_s) * 672e9
    assert spills.spilled_s == pytest.approx(moved / HOST_BYTES_PER_S)
    assert work("olmo-2-13b", "rtx-5070", reserved_tokens=5000.0, devices=2).spilled_s == 0.0


def test_a_token_in_less_time_than_reading_the_weights_is_impossible() -> None:
    eight = work("llama-3.1-8b", "rtx-4090")
    assert impossible(eight, time_s=0.8 * eight.weights_s, prefill=False)
    assert not impossible(eight, time_s=0.8 * eight.weights_s, prefill=False, devices=2)
    assert not impossible(eight, time_s=eight.weights_s, prefill=False)
    assert impossible(eight, time_s=0.2 * eight.compute_s, prefill=True)
    blind = work("llama-3.1-8b", "apple-m5-pro")
    assert not impossible(blind, time_s=1e-9, prefill=True)  # no matrix rate in the books


def test_a_hopper_card_multiplies_as_its_watts_allow() -> None:
    # 350 W for 756 TFLOP/s against 700 W for 989 TFLOP/s: 65 % of the stated rate.
    card, module = work("llama-3.1-8b", "h100-pcie"), work("llama-3.1-8b", "h100-sxm")
    assert card.compute_s / module.compute_s == pytest.approx(989 / 756 / 0.654, rel=0.01)
