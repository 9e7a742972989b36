"""A yes says how much room there is; a no says what is short and what was computed to help."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings as hypothesis_settings, strategies as st

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.memory.architecture import unpack
from planner.planning.memory.fit import fit_vllm
from planner.planning.memory.weights import engine_weights
from planner.specs.answers.fit import Fit, FitRequest
from planner.units import GB, GIB

BOOKS = load_books()
PROFILE = load_vllm_memory()
SHEET: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "cases" / "cheat_sheet_memory.yaml").read_text(encoding="utf-8")
)


def answer(model: str, gpu: str, **asked: Any) -> Fit:
    """Fit a model of the book on a device of the book."""
    return fit_vllm(unpack(BOOKS.models.find(model)), BOOKS.hardware.find(gpu), FitRequest(**asked), PROFILE)


def asked_of(result: Fit, flags: str) -> dict[str, Any]:
    """Turn the flags of a change back into a request."""
    names = {
        "--concurrency": ("concurrency", int),
        "--context": ("context_tokens", int),
        "--kv-dtype": ("kv_dtype", str),
        "--quantization": ("quantization", str),
        "--tensor-parallel": ("tensor_parallel", int),
        "--pipeline-parallel": ("pipeline_parallel", int),
        "--max-num-seqs": ("max_sequences", int),
        "--memory-utilization": ("utilization_fraction", float),
    }
    words = flags.split()
    changed = {
        names[flag][0]: names[flag][1](value) for flag, value in zip(words[::2], words[1::2], strict=True)
    }
    base = {name: getattr(result, name) for name in ("concurrency", "context_tokens", "tensor_parallel")}
    return base | changed


@pytest.mark.parametrize("case", SHEET["kv_per_token"], ids=lambda case: case["model"])
def test_the_sheet_s_bound_stands_beside_the_true_cache(case: dict[str, Any]) -> None:
    result = answer(case["model"], "h200-sxm", context_tokens=4096)
    assert result.multi_head_bound_bytes_per_token == case["bound_bytes"]
    assert result.kv_bytes_per_token == case["true_bytes"]


@pytest.mark.parametrize("case", SHEET["kv_per_request_gib"], ids=lambda case: case["model"])
def test_a_request_takes_what_its_tokens_take(case: dict[str, Any]) -> None:
    result = answer(case["model"], "h200-sxm", context_tokens=case["tokens"])
    assert result.kv_bytes_per_sequence_per_gpu / GIB == case["true_gib"]
    assert result.multi_head_bound_bytes_per_token * case["tokens"] / GIB == case["bound_gib"]


@pytest.mark.parametrize("case", SHEET["fp16_weights_gb"], ids=lambda case: case["model"])
def test_two_bytes_a_parameter_are_the_sheet_s_minimum(case: dict[str, Any]) -> None:
    found = engine_weights(unpack(BOOKS.models.find(case["model"])), quantization="fp16").largest_bytes / GB
    assert found == pytest.approx(case["sheet_gb"], rel=case["within"])


@pytest.mark.parametrize("case", SHEET["int4_weights_gb"], ids=lambda case: case["model"])
def test_four_bit_weights_stay_below_the_sheet_s_minimum(case: dict[str, Any]) -> None:
    found = engine_weights(unpack(BOOKS.models.find(case["model"])), quantization="int4").largest_bytes / GB
    assert 0.7 * case["sheet_gb"] < found < case["sheet_gb"]


def test_a_yes_states_the_room() -> None:
    result = answer("llama-3.1-8b", "h100-sxm", utilization_fraction=0.95, version="0.19.0")
    assert result.fits
    assert result.kv_pool_tokens == pytest.approx(476_016, rel=0.001)
    assert result.max_concurrency == result.kv_pool_tokens // 8192
    assert result.shortage_bytes == 0
    assert sum(part.bytes for part in result.parts) == pytest.approx(result.physical_bytes)


@pytest.mark.parametrize(
    ("model", "gpu", "asked", "reason"),
    [
        ("llama-3.1-70b", "h100-sxm", {}, "weights of 131.45 GiB exceed the 71.27 GiB allowed"),
        ("llama-3.1-70b", "h100-sxm", {"tensor_parallel": 2}, "leave nothing for the KV cache"),
        ("qwen3-32b", "h100-sxm", {"context_tokens": 40_960}, "too small for one sequence"),
        ("llama-3.1-8b", "l4", {"concurrency": 64}, "too small for 64 sequences"),
        ("llama-3.1-8b", "t4", {}, "does not multiply bf16"),
        ("llama-3.2-1b", "l4", {"concurrency": 300, "context_tokens": 64}, "above max_num_seqs 256"),
    ],
)
def test_a_no_says_what_is_short(model: str, gpu: str, asked: dict[str, Any], reason: str) -> None:
    result = answer(model, gpu, **asked)
    assert not result.fits
    assert reason in result.reason


@pytest.mark.parametrize(
    ("model", "gpu", "asked"),
    [
        ("llama-3.1-70b", "h100-sxm", {}),
        ("qwen3-32b", "h100-sxm", {"context_tokens": 40_960, "concurrency": 4}),
        ("llama-3.1-8b", "l4", {"concurrency": 64}),
        ("llama-3.1-8b", "t4", {}),
        ("llama-3.1-8b", "rtx-3060-12", {"concurrency": 64}),
        ("deepseek-v3", "h100-sxm", {"tensor_parallel": 8}),
        ("llama-3.1-8b", "h200-sxm", {"concurrency": 1100, "context_tokens": 256}),
        ("qwen2.5-7b", "rtx-3060-12", {"concurrency": 640}),
    ],
)
def test_every_change_that_is_offered_does_make_it_fit(model: str, gpu: str, asked: dict[str, Any]) -> None:
    result = answer(model, gpu, **asked)
    assert 1 <= len(result.changes) <= 4
    for change in result.changes:
        assert answer(model, gpu, **asked_of(result, change.flags)).fits, change.flags


def test_no_change_is_offered_where_none_helps() -> None:
    assert answer("llama-3.1-405b", "l4").changes == ()


def flags_of(result: Fit) -> list[str]:
    return [change.flags for change in result.changes]


def test_fewer_sequences_are_offered_with_smaller_weights_where_neither_alone_suffices() -> None:
    """16-bit weights exceed a card of 12 GB; 4-bit ones leave room for three sequences, not for 64."""
    flags = flags_of(answer("llama-3.1-8b", "rtx-3060-12", concurrency=64))
    assert "--quantization int4 --concurrency 3" in flags
    assert not {"--quantization int4", "--concurrency 3"} & set(flags)


def test_a_second_machine_is_offered_where_one_holds_no_more_gpus() -> None:
    assert "--pipeline-parallel 2" in flags_of(answer("deepseek-v3", "h100-sxm", tensor_parallel=8))
    assert "--pipeline-parallel" not in " ".join(flags_of(answer("llama-3.1-70b", "h100-sxm")))


def test_a_limit_of_sequences_is_raised_where_memory_has_room() -> None:
    flags = flags_of(answer("llama-3.1-8b", "h200-sxm", concurrency=1100, context_tokens=256))
    assert flags == ["--concurrency 1024", "--max-num-seqs 1100"]


def test_eight_bit_weights_on_an_a100_fit_with_a_word_on_their_speed() -> None:
    result = answer("llama-3.1-8b", "a100-80-sxm", quantization="fp8")
    assert result.fits
    assert [notice.code for notice in result.notices] == ["weight-only"]


def test_an_unknown_version_and_an_unusual_device_are_noticed() -> None:
    result = answer("llama-3.2-1b", "apple-m4-max", version="0.0.1")
    assert [notice.code for notice in result.notices] == ["version-unknown", "engine-device"]
    assert result.grade == "assumed"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"context_tokens": 200_000}, "beyond the 131,072 tokens"),
        ({"context_tokens": 0}, "context must be at least 1"),
        ({"concurrency": 0}, "concurrency must be at least 1"),
        ({"utilization_fraction": 1.5}, "utilization must be above 0"),
        ({"tensor_parallel": 5}, "does not divide the 32 attention heads"),
        ({"memory_gib": -1.0}, "memory must be above 0"),
    ],
)
def test_a_question_without_an_answer_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        answer("llama-3.1-8b", "h100-sxm", **asked)


def test_a_device_sold_in_sizes_is_asked_for_in_one_of_them() -> None:
    small = answer("llama-3.2-1b", "apple-m4-max", memory_gib=48.0)
    assert small.physical_bytes == 48 * GIB
    with pytest.raises(UsageError, match="not sold with 50 GiB"):
        answer("llama-3.2-1b", "apple-m4-max", memory_gib=50.0)


@hypothesis_settings(max_examples=25, deadline=None)
@given(context=st.integers(64, 60_000), more=st.integers(1, 60_000))
def test_a_longer_context_never_leaves_room_for_more(context: int, more: int) -> None:
    short = answer("llama-3.1-8b", "l40s", context_tokens=context)
    longer = answer("llama-3.1-8b", "l40s", context_tokens=context + more)
    assert longer.max_concurrency <= short.max_concurrency
    assert longer.weights_bytes_per_gpu == short.weights_bytes_per_gpu


@hypothesis_settings(max_examples=15, deadline=None)
@given(memory=st.floats(20.0, 200.0), more=st.floats(0.0, 100.0))
def test_more_memory_never_holds_fewer_tokens(memory: float, more: float) -> None:
    # with fixed settings: vLLM's own defaults take more activation from 70 GiB on
    model, gpu = unpack(BOOKS.models.find("gemma-3-12b")), BOOKS.hardware.find("l40s")
    fixed = FitRequest(batched_tokens=2048, max_sequences=256)
    pools = [
        fit_vllm(model, gpu, dataclasses.replace(fixed, memory_gib=size), PROFILE).kv_pool_tokens
        for size in (memory, memory + more)
    ]
    assert pools[0] <= pools[1]


def test_ranks_that_do_not_divide_the_model_are_not_offered() -> None:
    # 28 heads: 8 ranks are impossible
    result = answer("qwen2.5-7b", "rtx-4060", context_tokens=32_768)
    assert not any(change.flags.endswith("--tensor-parallel 8") for change in result.changes)


def test_nothing_that_was_already_done_is_offered_again() -> None:
    result = answer("qwen3-32b", "h100-sxm", kv_dtype="fp8", utilization_fraction=0.95, concurrency=64)
    flags = " ".join(change.flags for change in result.changes)
    assert "--kv-dtype" not in flags
    assert "--memory-utilization" not in flags
