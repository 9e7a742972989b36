"""Calls, rounds and links of a step."""

import pytest

from planner.inputs.books import load_books
from planner.planning.prediction.collective_calls import CollectiveCalls, collective_calls, link_bytes_per_s

BOOKS = load_books()


def calls(
    gpu: str = "h100-sxm", *, ranks: int, groups: int = 1, stages: int = 1, engine: str = "vllm"
) -> CollectiveCalls:
    model = BOOKS.models.find("llama-3.1-8b")  # 32 layers, 4,096 wide
    return collective_calls(
        model, BOOKS.hardware.find(gpu), ranks=ranks, groups=groups, stages=stages, engine=engine
    )


def test_two_reductions_a_layer_are_one_call_each_and_a_round_for_each_halving_in_a_ring() -> None:
    found = [(each.calls, each.rounds) for each in (calls(ranks=ranks) for ranks in (1, 2, 8))]
    assert found == [(0, 0), (64, 64), (64, 3 * 64)]


def test_ranks_read_each_others_tensors_whole_or_pass_them_around() -> None:
    made = calls(ranks=8)
    sent = 64 * 2 * 4096 / 450e9  # 64 tensors of 16 bits over NVLink
    assert made.direct_token_s == pytest.approx(7 * sent)
    assert made.ring_token_s == pytest.approx(2 * 7 / 8 * sent)


@pytest.mark.parametrize(
    ("gpu", "ranks", "groups", "engine"),
    [
        ("l40s", 4, 1, "vllm"),  # over PCIe
        ("h100-nvl", 4, 1, "vllm"),  # a bridge joins two
        ("a100-80-sxm", 4, 1, "vllm-eager"),  # no such kernel in 2023
        ("h100-sxm", 4, 4, "sglang"),  # gathers and scatters
    ],
)
def test_without_direct_reads_every_round_waits_for_a_call(
    gpu: str, ranks: int, groups: int, engine: str
) -> None:
    made = calls(gpu, ranks=ranks, groups=groups, engine=engine)
    assert (made.calls, made.direct_token_s) == (2 * 64, 0.0)


def test_stages_hand_their_residual_stream_on() -> None:
    alone, staged = calls(ranks=2), calls(ranks=2, stages=3)
    handed = 2 * 2 * 4096 / 450e9
    assert staged.calls - alone.calls == 2
    assert staged.ring_token_s - alone.ring_token_s == pytest.approx(handed)
    assert staged.direct_token_s - alone.direct_token_s == pytest.approx(handed)


@pytest.mark.parametrize(
    ("gpu", "devices", "gb_per_s"),
    [
        ("h100-sxm", 8, 450.0),
        ("h100-nvl", 2, 300.0),  # a bridge joins two
        ("h100-nvl", 4, 64.0),  # and more go over PCIe 5.0
        ("h200-nvl", 4, 450.0),
        ("l40s", 2, 32.0),
        ("rtx-5090", 2, 64.0),
        ("trainium2", 64, 640.0),
    ],
)
def test_a_bridge_joins_its_devices_and_others_talk_over_pcie(
    gpu: str, devices: int, gb_per_s: float
) -> None:
    found = link_bytes_per_s(BOOKS.hardware.find(gpu), devices=devices)
    assert found == pytest.approx(gb_per_s * 1e9)


def test_a_device_whose_row_states_no_link_is_taken_for_pcie_4() -> None:
    bare = BOOKS.hardware.find("l40s").model_copy(update={"pcie_gb_per_s": None})
    assert link_bytes_per_s(bare, devices=2) == pytest.approx(32e9)
