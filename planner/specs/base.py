"""What all documents share: frozen, unknown keys refused, nothing coerced."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from planner.records import dataclass

Grade = Literal["measured", "interpolated", "fitted", "extrapolated", "datasheet", "assumed"]
"""Where a number comes from, best first. A result is as good as the worst grade that went into it.

Between ``measured`` and ``fitted`` on other hardware stand predictions of a profile of this very model, engine and
hardware: inside the range that it measured they are ``interpolated``, outside ``extrapolated``.
"""


class Document(BaseModel):
    """Base of everything read from a file: scenario, book row, profile, lock.

    Strict: ``"0,15"`` is not a number and ``true`` is not 1. Sequences arrive as tuples (``inputs`` builds them so).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A number that is a prediction: best value, 80 % interval, grade. The unit stands in the field's name.

    ``low`` and ``high`` equal ``value`` where the number is exact.
    """

    value: float
    low: float
    high: float
    grade: Grade

    def scaled(self, factor: float) -> Quantity:
        """Return the quantity times an exact number above 0."""
        return Quantity(
            value=self.value * factor, low=self.low * factor, high=self.high * factor, grade=self.grade
        )

    def under(self, amount: float) -> Quantity:
        """Return an exact amount over the quantity: of a rate the time that the amount takes, and the reverse."""
        return Quantity(
            value=amount / self.value, low=amount / self.high, high=amount / self.low, grade=self.grade
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A warning as a value: what was seen, and the cure. Collected in results, printed by the report."""

    code: str
    message: str
    cure: str | None = None


def refusal(expected: str, found: str) -> PydanticCustomError:
    """Return the error that a validator raises when a rule between values is broken.

    ``inputs.validate`` reads both texts from it and adds file, line and key.
    """
    return PydanticCustomError(
        "refused", "expected {expected}, found {found}", {"expected": expected, "found": found}
    )


def file_line(file: str | None, line: int | None) -> str | None:
    """Write a place as editors open it: ``file:line``, or the file alone where no line is known."""
    return f"{file}:{line}" if file is not None and line is not None else file
