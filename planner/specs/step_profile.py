"""A fitted step-time model of one model file on one engine and machine: small, and meant to be committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from planner.specs.base import Document, Quantity

Positive = Annotated[float, Field(ge=0)]


class FittedTerm(Document):
    """One coefficient [s per unit of work] with its 80 % interval."""

    value_s: Positive
    low_s: Positive
    high_s: Positive


class StepProfile(Document):
    """What one step costs: the sum of its terms. Units of work are in ``planning.calibrate``."""

    engine: str
    engine_version: str | None
    machine: str
    model: str
    synthetic: bool
    measured_on: str
    ubatch_tokens: int
    kernel_rows: int
    points: int
    median_error_fraction: float
    largest_step_tokens: int
    largest_context_tokens: int
    pass_s: FittedTerm
    row_group_s: FittedTerm
    lone_row_s: FittedTerm
    output_s: FittedTerm
    context_token_s: FittedTerm
    pair_s: FittedTerm


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
