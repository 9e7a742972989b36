"""Fitted coefficients of a serving engine on a class of hardware, with where they come from and how well they hold."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from planner.specs.base import Document, Grade

ServingCoefficient = Literal[
    "compute",
    "expert_compute",
    "read",
    "attention_compute",
    "link",
    "all_reduce_s",
    "kernel_s",
    "step_s",
    "sequence_s",
    "prefill_step_s",
    "first_token_s",
]
Coefficient = Literal[
    ServingCoefficient,
    "cache_read",
    "decode_compute",
    "quantised_compute",
    "quantised_slowdown",
    "expert_kernels",
    "early_kernels",
    "early_unpack",
    "query_read",
    "score_bytes",
    "unpack_bytes",
    "overlap",
    "thread_s",
    "linear_kernels",
]
"""``prefill_step_s`` is for a step of a thousand kernels with a prompt. Those from ``cache_read`` on are llama.cpp's: reading the cache, arithmetic of a single token, how much slower quantised
weights are multiplied than floats (until 2026-11-23 a coefficient of its own), and how many more launches a mixture of experts makes; of builds without flash attention their
launches, their unpacking of super-blocks and each query head's reading of the cache; bytes of an attention score and of
unpacking a weight in a prompt; the share of the pipeline that devices overlap; and how long a processor's threads wait for each other after
every layer, for each thread; and how many more launches a layer of linear attention makes."""
COEFFICIENTS: tuple[Coefficient, ...] = get_args(ServingCoefficient)


class Fitted(Document):
    """One coefficient with its 80 % interval. Names in ``_s`` are seconds; the others slow the datasheet down."""

    value: NonNegativeFloat
    low: NonNegativeFloat
    high: NonNegativeFloat


class Spread(Document):
    """Predicted over measured on points the fit has not seen: the factors that hold 80 % of them."""

    low: PositiveFloat
    high: PositiveFloat
    median_error_fraction: NonNegativeFloat


class ServingProfile(Document):
    """Coefficients of one engine, version family and hardware class."""

    id: str
    engine: str
    fitted: date | None = None
    engine_versions: str
    hardware_class: str
    hardware: tuple[str, ...]
    grade: Grade
    coefficients: dict[Coefficient, Fitted]
    separate_prefill: bool = False
    """Prompts are prefilled in steps of their own, while decoding waits (SGLang's default)."""
    batched_tokens: PositiveInt = 8192
    points: PositiveInt
    models: tuple[str, ...]
    tpot: Spread
    ttft: Spread
    throughput: Spread | None = None
    """Of runs at maximum load; ``None`` where none was measured."""
    concurrency_range: tuple[PositiveFloat, PositiveFloat]
    input_range: tuple[PositiveFloat, PositiveFloat]
    provenance: str

    def numbers(self) -> dict[str, float]:
        """Return the coefficients' values by name."""
        return {name: each.value for name, each in self.coefficients.items()}


class ServingProfiles(Document):
    """All shipped profiles."""

    profiles: Annotated[tuple[ServingProfile, ...], Field(min_length=1)]
