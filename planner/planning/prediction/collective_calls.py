"""What the ranks of a configuration exchange in a step: how many calls, in how many rounds, and for how long."""

from __future__ import annotations

import math

from planner.formulas.collectives import all_reduce_s, direct_all_reduce_s
from planner.planning.prediction.activations import ACTIVATION_BYTES
from planner.records import dataclass
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.units import GB

PCIE_GB_PER_S = 64.0  #: both directions, PCIe 4.0 x16: the link of devices whose rows state none
REDUCES_PER_LAYER = 2
# A direct all-reduce reads the other ranks' tensors from one kernel, which fills the link three quarters.
DIRECT_SLOWNESS = 1.3
RING_ENGINES = frozenset({"vllm-eager"})  # of 2023, before vLLM had such a kernel
RING_ROUND_S = 9e-6  #: NCCL on 8 H100s takes some 27 us for a few kilobytes: three halvings of the ranks


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectiveCalls:
    """The calls of a step, their rounds in a ring, and a token's time on the wire at datasheet speed [s]."""

    calls: float
    rounds: float
    ring_token_s: float
    direct_token_s: float
    """0 where the ranks do not read each other's memory; every round then costs a call's latency."""


def collective_calls(
    model: ModelSpec, hardware: HardwareSpec, *, ranks: int, groups: int, stages: int, engine: str
) -> CollectiveCalls:
    """Return what a step exchanges.

    Tensor parallel reduces twice a layer, directly while tensors are small where a link joins all ranks. Attention
    data parallel gathers the tokens before the experts and scatters their sums after: the two halves of one reduction.
    A stage hands its residual stream to the next.
    """
    link = link_bytes_per_s(hardware, devices=ranks)
    payload = ACTIVATION_BYTES * model.hidden
    ring = float(all_reduce_s(payload_bytes=payload, ranks=float(ranks), link_bytes_per_s=link))
    straight = float(direct_all_reduce_s(payload_bytes=payload, ranks=float(ranks), link_bytes_per_s=link))
    reduces = REDUCES_PER_LAYER * model.layers
    share = reduces if groups == 1 else reduces / 2
    handing = link_bytes_per_s(hardware, devices=ranks * stages)
    handed = (stages - 1) * payload / handing
    direct = groups == 1 and engine not in RING_ENGINES and _linked(hardware, devices=ranks)
    rounds = reduces * math.log2(ranks)
    calls = reduces * (ranks > 1) if direct else rounds
    return CollectiveCalls(
        calls=float(calls + stages - 1),
        rounds=rounds,
        ring_token_s=share * ring + handed,
        direct_token_s=share * straight + handed if direct else 0.0,
    )


def link_bytes_per_s(hardware: HardwareSpec, *, devices: int) -> float:
    """Return what one of ``devices`` sends to the next in one direction: over its link, or PCIe beyond a bridge's pair [B/s]."""
    both = hardware.link_gb_per_s if _linked(hardware, devices=devices) else 0.0
    over_pcie = 2.0 * hardware.pcie_gb_per_s if hardware.pcie_gb_per_s else PCIE_GB_PER_S
    return (both or over_pcie) / 2 * GB


def _linked(hardware: HardwareSpec, *, devices: int) -> bool:
    """Tell whether a link of the cards' own joins so many of them."""
    joined = hardware.link_devices is None or devices <= hardware.link_devices
    return joined and bool(hardware.link_gb_per_s)
