"""Graphics cards beside a slow host: a small Arm or RISC-V board over one or four PCIe lanes, as tables name them."""

from __future__ import annotations

import re
from dataclasses import replace

from planner.planning.prediction.predict_llamacpp import SingleStream
from planner.specs.base import Quantity

# ai-benchmarks (MIT) measures the same cards beside a desktop and beside such hosts.
SLOW_HOST = re.compile(r"(?i)^(?:(?:raspberry )?pi |hifive|system76 thelio astra|radxa|minisforum ms-r1).*\(")
# 11 pairs of NVIDIA cards: a token takes 0.3 to 2.1 ms longer, half of them 0.9 ms, whatever the model: the host
# launches and samples later.
TOKEN_S, LEAST_TOKEN_S, MOST_TOKEN_S = 0.9e-3, 0.3e-3, 2.0e-3
# 12 rows of AMD cards under Vulkan: 1.9 to 7 times as long as predicted for a desktop, half of them 2.4 times.
SLOWER, LEAST_SLOWER, MOST_SLOWER = 2.4, 1.7, 5.0


def beside_host(speed: SingleStream, name: str, vendor: str) -> SingleStream:
    """Return the speed of a card beside the host that a table names; unchanged beside any other, and where none was measured."""
    if vendor.casefold() not in {"nvidia", "amd"} or not SLOW_HOST.match(name):
        return speed
    alone = speed.decode_tokens_per_s
    if vendor.casefold() == "nvidia":
        ends = (
            _later(alone.low, MOST_TOKEN_S),
            _later(alone.value, TOKEN_S),
            _later(alone.high, LEAST_TOKEN_S),
        )
    else:
        ends = (alone.value / MOST_SLOWER, alone.value / SLOWER, alone.value / LEAST_SLOWER)
    decode = Quantity(low=ends[0], value=ends[1], high=ends[2], grade="assumed")
    return replace(speed, decode_tokens_per_s=decode)


def _later(tokens_per_s: float, longer_s: float) -> float:
    return 1.0 / (1.0 / tokens_per_s + longer_s)
