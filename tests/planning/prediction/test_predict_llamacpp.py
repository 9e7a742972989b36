"""One user on llama.cpp: speeds, several devices, what does not fit, and classes of devices."""

from __future__ import annotations

import pytest

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.predict_llamacpp import (
    SingleStream,
    device_class,
    single_stream,
    stream_numbers,
    stream_profile,
)
from planner.planning.prediction.stream_work import stream_work
from planner.specs.base import Quantity

BOOKS = load_books()
MODEL = unpack(BOOKS.models.find("llama-3.1-8b"))


def ask(
    gpu: str,
    quantization: str = "q4_k_m",
    tokens: float = 512.0,
    *,
    model: str = "llama-3.1-8b",
    devices: int = 1,
    build: int | None = None,
) -> SingleStream:
    return single_stream(
        unpack(BOOKS.models.find(model)),
        BOOKS.hardware.find(gpu),
        load_serving_profiles(),
        quantization=quantization,
        input_tokens=tokens,
        output_tokens=128.0,
        devices=devices,
        build=build,
    )


def prefill(answer: SingleStream) -> Quantity:
    assert answer.prefill_tokens_per_s is not None
    return answer.prefill_tokens_per_s


def test_an_answer_token_reads_the_weights_once() -> None:
    # 7.50e9 parameters without the embedding table in 16 bits over 1,008 GB/s: 14.9 ms, and 512 tokens of cache.
    work = stream_work(MODEL, BOOKS.hardware.find("rtx-4090"), quantization="f16", context_tokens=512.0)
    assert work.weights_s == pytest.approx(14.9e-3, rel=0.01)
    assert work.cache_s == pytest.approx(512 * 131_072 / 1008e9, rel=0.01)
    assert work.spilled_s == 0.0


def test_a_smaller_quantization_answers_faster_inside_its_interval() -> None:
    small, large = ask("rtx-4090").decode_tokens_per_s, ask("rtx-4090", "f16").decode_tokens_per_s
    assert small.value > large.value
    assert small.low < small.value < small.high
    assert small.grade == "fitted"


def test_a_longer_prompt_is_prefilled_slower_per_token() -> None:
    assert prefill(ask("rtx-4090", tokens=8000.0)).value < prefill(ask("rtx-4090")).value


def test_more_devices_prefill_a_long_prompt_faster_and_answer_no_faster() -> None:
    one, two = ask("rtx-3090", tokens=8000.0), ask("rtx-3090", tokens=8000.0, devices=2)
    assert prefill(two).value > prefill(one).value
    assert two.decode_tokens_per_s.value == pytest.approx(one.decode_tokens_per_s.value)


def test_an_old_build_splits_every_matrix_and_waits_for_the_host() -> None:
    new, old = ask("rtx-3090", devices=2, build=2800), ask("rtx-3090", devices=2, build=1691)
    assert old.decode_tokens_per_s.value < new.decode_tokens_per_s.value
    assert prefill(old).value < prefill(new).value
    assert prefill(ask("rtx-3090", build=1691)).value < prefill(ask("rtx-3090", build=2800)).value


def test_layers_that_do_not_fit_are_read_from_the_host() -> None:
    answer = ask("rtx-4090", model="llama-3.1-70b").decode_tokens_per_s
    assert answer.grade == "assumed"
    # 42 GB of weights, half of them at 40 GB/s: about 2 tokens/s where the card alone would give 20.
    assert 1.0 < answer.value < 4.0


def test_what_shared_memory_cannot_hold_is_refused() -> None:
    with pytest.raises(UsageError, match=r"needs .* GiB, and .* leaves"):
        ask("apple-m1", "f16")


def test_a_device_without_a_class_borrows_with_a_wider_interval() -> None:
    own, borrowed = ask("rtx-4090").decode_tokens_per_s, ask("tpu-v5e").decode_tokens_per_s
    assert borrowed.grade == "datasheet"
    assert borrowed.high / borrowed.low > own.high / own.low


def test_what_is_missing_is_said() -> None:
    with pytest.raises(UsageError, match=r"no llama\.cpp profile"):
        single_stream(
            MODEL,
            BOOKS.hardware.find("rtx-4090"),
            (),
            quantization="q8_0",
            input_tokens=1.0,
            output_tokens=1.0,
        )
    blind = ask("apple-m5-pro")
    assert blind.prefill_tokens_per_s is None
    assert blind.decode_tokens_per_s.value > 0


@pytest.mark.parametrize(
    ("device", "line"),
    [
        ("rtx-4090", "nvidia-consumer"),
        ("gtx-1070", "nvidia-pascal"),
        ("l40s", "nvidia-workstation"),
        ("h100-sxm", "nvidia-hbm"),
        ("dgx-spark", "nvidia-soc"),
        ("apple-m1-max", "apple-m1"),
        ("apple-m4", "apple"),
        ("rx-7900-xt", "amd"),
        ("raspberry-pi-5", "cpu"),
    ],
)
def test_devices_whose_datasheets_say_alike_share_a_class(device: str, line: str) -> None:
    assert device_class(BOOKS.hardware.find(device)) == line


def test_the_profile_of_an_earlier_lock_still_predicts() -> None:
    now = stream_profile(load_serving_profiles(), BOOKS.hardware.find("rtx-4090"))[0]
    names = ("compute", "read", "cache_read", "kernel_s", "step_s", "expert_kernels", "first_token_s")
    kept = {name: now.coefficients[name] for name in names if name in now.coefficients}
    kept["quantised_compute"] = kept["compute"]
    earlier = now.model_copy(update={"coefficients": kept})
    numbers = stream_numbers(earlier)
    assert numbers["quantised_slowdown"] == 1.0
    assert numbers["overlap"] == 1.0
    assert set(stream_numbers(now)) <= set(numbers) | set(now.coefficients)


def test_a_device_without_a_number_is_of_the_oldest_line() -> None:
    odd = BOOKS.hardware.find("rtx-4090").model_copy(update={"compute_capability": "none"})
    assert device_class(odd) == "nvidia-pascal"


def test_the_threads_of_a_large_processor_wait_for_each_other() -> None:
    # 192 cores read a 3B at 335 GB/s in 6 ms and then wait about a millisecond in each of 28 layers.
    large = BOOKS.hardware.find("ampereone-a192-32x")
    few = large.model_copy(update={"cores": 16})
    speeds = [
        single_stream(
            unpack(BOOKS.models.find("llama-3.2-3b")),
            device,
            load_serving_profiles(),
            quantization="q4_k_m",
            input_tokens=64.0,
            output_tokens=256.0,
        ).decode_tokens_per_s.value
        for device in (large, few)
    ]
    assert 1 / speeds[0] - 1 / speeds[1] == pytest.approx(28 * 176 * 5.6e-6, rel=0.1)


def test_linear_attention_takes_more_launches_unless_the_engine_fuses_it() -> None:
    # 24 of Qwen3.5-4B's 32 layers are gated delta attention: llama.cpp makes about twice the launches for each.
    model = unpack(BOOKS.models.find("qwen3.5-4b"))
    card = BOOKS.hardware.find("rx-7900-xt")
    apart, fused = (
        single_stream(
            model,
            card,
            load_serving_profiles(),
            quantization="q4_k_m",
            input_tokens=64.0,
            output_tokens=256.0,
            fused=fused,
        ).decode_tokens_per_s.value
        for fused in (False, True)
    )
    numbers = stream_numbers(stream_profile(load_serving_profiles(), card)[0])
    more = (numbers["linear_kernels"] - 1.0) * 24 * numbers["kernel_s"]
    assert 1 / apart - 1 / fused == pytest.approx(more, rel=0.01)


def test_what_one_device_tells_of_its_class_is_graded_datasheet() -> None:
    assert ask("dgx-spark").decode_tokens_per_s.grade == "fitted"
    assert ask("jetson-agx-orin").decode_tokens_per_s.grade == "datasheet"


def test_a_processor_of_many_cores_is_known_less_well() -> None:
    few, many = (ask(name).decode_tokens_per_s for name in ("ryzen-9-7950x", "epyc-9654"))
    assert many.high / many.value > 1.2 * few.high / few.value
