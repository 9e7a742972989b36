"""A fitted step-time model of one model on one engine and machine: small, and meant to be committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from planner.records import dataclass
from planner.specs.base import Document, Grade, Notice, Quantity
from planner.specs.profiles.serving import Spread

Positive = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
EngineKind = Literal["llamacpp", "vllm", "openai"]
Term = Literal[
    "pass_s",
    "row_group_s",
    "lone_row_s",
    "output_s",
    "context_token_s",
    "pair_s",
    "prompt_context_s",
    "request_s",
    "tile_pass_s",
]


class FittedTerm(Document):
    """One coefficient [s per unit of work] with its 80 % interval."""

    value_s: Positive
    low_s: Positive
    high_s: Positive


class StepShape(Document):
    """How the engine cuts a step into passes over the weights and rows into groups, and how large a step may be.

    ``apart`` engines (llama.cpp with one cache per sequence) give every sequence of a pass equally many tokens, so a
    prompt beside decoding sequences leaves its other tokens to a second pass.
    """

    ubatch_tokens: Annotated[int, Field(ge=1)]
    kernel_rows: Annotated[int, Field(ge=1)]
    apart: bool = False
    batch_tokens: Annotated[int, Field(ge=1)]
    sequences: Annotated[int, Field(ge=1)]
    pool_tokens: Annotated[int, Field(ge=1)] | None = None


class StepRange(Document):
    """What was measured: the span of each size. A prediction inside it is interpolated."""

    prompt_tokens: tuple[Count, Count]
    sequences: tuple[Count, Count]
    context_tokens: tuple[Count, Count]


class ReferenceTimes(Document):
    """The two reference steps that tell a host's speed: one sequence's decode step, and a short prompt.

    The ranges go from the p10 to the p90 of each while the profile was measured.
    """

    decode_s: Positive
    prefill_s: Positive
    decode_range_s: tuple[Positive, Positive] | None = None
    prefill_range_s: tuple[Positive, Positive] | None = None


class StepProfile(Document):
    """What one step costs: the sum of its terms. Units of work are in ``planning.step_work``.

    ``prefill`` and ``decode`` are the factors between prediction and measurement on points that were held out;
    ``measured`` lists the fitted points as sequences, context tokens, prompt tokens and prompt tokens in the cache;
    ``reference`` is the speed of the host that the prices hold for.
    """

    format: Literal["planner.step-profile/1"] = "planner.step-profile/1"
    kind: EngineKind
    engine: str
    engine_version: str | None
    driver: str | None = None
    machine: str
    host_id: str
    hardware: str | None = None
    model: str
    quantization: str | None = None
    synthetic: bool
    model_bytes: Count
    measured_on: str
    shape: StepShape
    range: StepRange
    points: int
    held_out_points: int = 0
    median_error_fraction: float
    prefill: Spread
    decode: Spread
    measured: tuple[tuple[int, int, int, int], ...]
    reference: ReferenceTimes | None = None
    terms: dict[Term, FittedTerm]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileIdentity:
    """What a run does not know of itself: the ids of the books, and who stores the weights how."""

    model: str | None = None
    quantization: str | None = None
    hardware: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalEngine:
    """The engine that a question is about; ``None`` where it is unknown."""

    engine_version: str | None = None
    driver: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalMachine:
    """The machine on which a question is asked: engine versions by kind of engine, GPUs by name, and their driver."""

    host_id: str | None = None
    engines: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] = ()
    driver: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenStepProfile:
    """A profile that fits a question, with where its file is, and what speaks against it."""

    profile: StepProfile
    name: str
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Support:
    """How far a profile's measurements carry a load: the grade, and what lies outside."""

    grade: Grade
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PointCheck:
    """A measured point against its prediction."""

    label: str
    kind: str
    measured_s: float
    predicted_s: Quantity
    used_in_fit: bool

    @property
    def error_fraction(self) -> float:
        """Predicted over measured, less 1."""
        return self.predicted_s.value / self.measured_s - 1.0
