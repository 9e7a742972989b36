"""One user of llama.cpp: every metric of a row is the same two speeds, told otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.planning.judge.single import DEFAULT_CONTEXT, TYPICAL_TOKENS, reserved_tokens
from tests.planning.judge.rows import ROW, refusal, single

CARD = "RTX 4090"
SMALL: dict[str, object] = {"model": "Llama-3.1-8B"}


def found(metric: str, **changes: object) -> float:
    value = 1e-3 if metric in {"tpot", "ttft", "e2e"} else 1.0  # what was measured decides nothing here
    return single(CARD, **{**SMALL, "metric": metric, "value": value, **changes}).value


def test_a_token_takes_the_inverse_of_its_speed() -> None:
    assert found("tpot") == pytest.approx(1 / found("decode_throughput"))
    assert found("output_throughput") == found("decode_throughput")


def test_the_first_token_waits_for_the_prompt_and_the_last_for_all_others() -> None:
    first = found("ttft")
    assert first == pytest.approx(1024 / found("prefill_throughput"))
    assert found("e2e") == pytest.approx(first + 1024 / found("decode_throughput"))


def test_a_row_without_lengths_is_taken_for_a_typical_one() -> None:
    """ollama reserves 4,096 tokens where nothing is asked for; a stated prompt reserves what it needs."""
    bare = {"input_tokens": None, "output_tokens": None}
    assert found("decode_throughput", **bare) == pytest.approx(
        found("decode_throughput", input_tokens=TYPICAL_TOKENS, output_tokens=TYPICAL_TOKENS), rel=0.03
    )
    assert reserved_tokens(replace(ROW, input_tokens=None)) == DEFAULT_CONTEXT
    assert reserved_tokens(ROW) == 0.0


def test_fewer_bits_are_read_sooner() -> None:
    speeds = [found("decode_throughput", precision=kind) for kind in ("Q8_0", "Q6_K", "Q4_K_M", "Q2_K")]
    assert speeds == sorted(speeds)
    # 8B: 8.5, 6.6, 4.9 and 3.2 GB over 1,008 GB/s are 119, 153, 206 and 318 tokens/s at the most
    assert all(speed < most for speed, most in zip(speeds, (119, 153, 206, 318), strict=True))


@pytest.mark.parametrize("load", ["concurrency", "static_batch"])
def test_one_client_is_a_single_stream_and_two_are_none(load: str) -> None:
    one = found("decode_throughput", load_type=load, load_value=1.0)
    assert one == found("decode_throughput")
    two = {**SMALL, "engine": "llamacpp", "precision": "Q4_K_M", "metric": "decode_throughput", "gpus": 1}
    assert f"load type {load} is not predicted" in refusal(
        **two, gpu=CARD, value=1.0, load_type=load, load_value=2.0
    )


def test_ollama_serves_its_default_type_where_a_row_states_none() -> None:
    stated = single("RTX 3060", model="llama3.2", engine="ollama", precision="Q4_K_M")
    assert single("RTX 3060", model="llama3.2", engine="ollama", precision="") == stated


def test_sixteen_bits_are_a_type_of_llama_cpp_under_any_name() -> None:
    short, long = (single("RTX 3090", model="Llama-3.2-3B", precision=kind) for kind in ("F16", "float16"))
    assert short == long
