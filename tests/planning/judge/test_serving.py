"""Serving rows judged: how a system is split over its GPUs, and what its replicas are asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.inputs.books import load_books
from planner.planning.judge.serving import gpus_once, groups_of_attention
from planner.planning.judge.serving_metrics import draws_lengths
from tests.planning.judge.rows import ROW, predicted

MODELS = load_books().models.rows
MOE, DENSE = MODELS["deepseek-r1"], MODELS["llama-3.1-70b"]
OFFLINE: dict[str, object] = {
    "precision": "bf16",
    "gpus": 8,
    "load_type": "offline_max_load",
    "metric": "output_throughput",
}
# DeepSeek R1 on eight H200: attention runs on each GPU for itself, the experts over all.
ATTENTION_DP: dict[str, object] = {
    "engine": "sglang",
    "engine_version": "0.5.5",
    "model": "DeepSeek R1 671b",
    "gpu": "h200_sxm",
    "gpus": 8,
    "load_value": 64.0,
}


def test_a_system_of_unstated_split_is_judged_as_the_best_of_its_splits() -> None:
    """141 GB of weights: one H100 cannot hold them, so that a split of one serves nothing and is none of the best."""
    stated = [predicted(**OFFLINE, tensor_parallel=ranks) for ranks in (4, 8)]
    tuned = predicted(**OFFLINE, tensor_parallel=None)
    assert tuned.value == max(each.value for each in stated)


def test_a_closed_loop_of_unstated_split_runs_over_all_gpus() -> None:
    assert predicted(tensor_parallel=None) == predicted(tensor_parallel=4)
    assert predicted(tensor_parallel=None, pipeline_parallel=2) == predicted(
        tensor_parallel=2, pipeline_parallel=2
    )


@pytest.mark.parametrize(
    ("notes", "moe", "split", "groups"),
    [
        ("adp=8; moe_tp=1; moe_ep=8", True, 8, 8),
        ("adp=16", True, 8, 8),  # no more groups than ranks
        ("adp=1; moe_tp=8", True, 8, 1),
        ("MoE runs use attention DP", True, 4, 4),
        ("attention-data parallel", True, 4, 4),
        ("MoE runs use attention DP", False, 4, 1),  # said of a table, and the row's model is dense
        ("", True, 8, 1),
    ],
)
def test_groups_of_attention_are_stated_in_numbers_or_in_words(
    notes: str, moe: bool, split: int, groups: int
) -> None:
    row = replace(ROW, notes=notes)
    assert groups_of_attention(row, MOE if moe else DENSE, split) == groups


def test_a_table_that_counts_ranks_inside_a_group_means_all_gpus() -> None:
    counted = predicted(**ATTENTION_DP, tensor_parallel=1, notes="adp=8; moe_tp=1; moe_ep=8")
    told = predicted(**ATTENTION_DP, tensor_parallel=8, notes="MoE runs use attention DP")
    alone = predicted(**ATTENTION_DP, tensor_parallel=8)
    assert counted == told
    assert counted != alone


def test_a_poisson_system_serves_what_is_asked_of_it_until_it_is_full() -> None:
    def served(load: float) -> float:
        return predicted(load_type="request_rate_poisson", load_value=load, metric="request_throughput").value

    assert served(0.5) == 0.5
    assert served(100.0) == served(200.0) < 100.0


def test_two_replicas_serve_twice_what_one_does_with_half_the_requests() -> None:
    one = predicted(metric="output_throughput", load_value=16.0)
    two = predicted(metric="output_throughput", load_value=32.0, gpus=8)
    assert two.value == pytest.approx(2 * one.value)
    each = predicted(metric="output_throughput_per_gpu", load_value=32.0, gpus=8)
    assert each.value == pytest.approx(two.value / 8)


def test_gpus_that_a_conversion_counted_twice_are_counted_once() -> None:
    twice = replace(ROW, gpus=64, tensor_parallel=64, notes="adp=1; moe_tp=8; moe_ep=8;")
    assert gpus_once(twice).gpus == 8
    assert gpus_once(twice).tensor_parallel == 8
    assert gpus_once(ROW) is ROW


@pytest.mark.parametrize(
    ("notes", "draws"),
    [("", True), ("src=source_file=2026-04-06.csv", True), ("src=2026-04-27", True), ("src=Own.csv", False)],
)
def test_the_protocol_follows_the_file_of_origin(notes: str, draws: bool) -> None:
    assert draws_lengths(replace(ROW, notes=notes)) is draws


def test_a_device_that_lacks_one_16_bit_type_runs_the_other() -> None:
    v100: dict[str, object] = {
        "model": "llama-2-7b",
        "gpu": "V100-SXM2-32GB",
        "gpus": 1,
        "tensor_parallel": 1,
    }
    assert predicted(**v100, precision="bf16") == predicted(**v100, precision="fp16")
    tpu: dict[str, object] = {"model": "llama-2-7b", "gpu": "TPU v5p", "gpus": 1, "tensor_parallel": 1}
    assert predicted(**tpu, precision="") == predicted(**tpu, precision="bf16")


def test_submitters_to_mlperf_run_the_narrowest_type_on_every_engine() -> None:
    row: dict[str, object] = {
        "engine": "mlperf-v5.1/amd",
        "engine_version": "ROCm 6.4, PyTorch 2.7",
        "model": "llama2-70b-99",
        "gpu": "AMD Instinct MI300X 192GB",
        "gpus": 8,
        "tensor_parallel": None,
        "load_type": "mlperf_offline_closed",
        "metric": "output_throughput",
        "input_tokens": None,
        "output_tokens": None,
    }
    assert predicted(**row, precision="") == predicted(**row, precision="fp8")
    assert predicted(**row, precision="").value > 1.3 * predicted(**row, precision="bf16").value


def test_a_card_held_at_half_its_power_reads_prompts_slower_and_decodes_as_fast() -> None:
    row: dict[str, object] = {"load_type": "batch", "load_value": 1.0, "metric": "ttft"}
    whole, capped = (predicted(**row, gpu=name).value for name in ("h100-80gb", "h100-80gb-pcap"))
    assert 1.2 * whole < capped < 2.1 * whole
    row["metric"] = "tpot"
    assert predicted(**row, gpu="h100-80gb-pcap").value < 1.1 * predicted(**row, gpu="h100-80gb").value
