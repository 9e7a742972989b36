"""A hardware row keeps its memory sizes consistent."""

from datetime import date

import pytest
from pydantic import ValidationError

from planner.specs.books.hardware import HardwareSpec


def h100(**changes: object) -> dict[str, object]:
    """Return an H100 row as the book writes it, with ``changes``."""
    return {
        "id": "h100-sxm",
        "name": "NVIDIA H100 SXM 80GB",
        "vendor": "nvidia",
        "kind": "gpu",
        "memory_gib": 79.19,
        "bandwidth_gb_per_s": 3350.0,
        "tflops": {"bf16": 989.0, "fp8": 1979.0},
        "source": "test",
        "checked": date(2026, 11, 23),
        "confidence": "datasheet",
    } | changes


def test_a_type_without_a_peak_is_absent_not_zero() -> None:
    assert "fp4" not in HardwareSpec.model_validate(h100()).tflops
    with pytest.raises(ValidationError, match="greater than 0"):
        HardwareSpec.model_validate(h100(tflops={"fp4": 0.0}))


def test_memory_is_the_largest_size_sold() -> None:
    assert (
        HardwareSpec.model_validate(h100(memory_gib=64.0, memory_options_gib=(36.0, 64.0))).memory_gib == 64.0
    )
    with pytest.raises(ValidationError, match="largest of memory_options_gib"):
        HardwareSpec.model_validate(h100(memory_options_gib=(36.0, 64.0)))
