"""One row of the hardware book: a GPU, an accelerator, a processor or a whole small device."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from planner.specs.base import Document

HardwareKind = Literal[
    "gpu", "consumer-gpu", "accelerator", "cpu", "unified-soc", "edge-soc", "laptop-soc", "phone-soc", "sbc"
]
ComputeDtype = Literal["fp32", "fp16", "bf16", "fp8", "int8", "fp4"]
Confidence = Literal["datasheet", "derived", "community", "measured"]


class HardwareSpec(Document):
    """What one device offers. Peaks are dense (no sparsity), per device; a model rank sees one device."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    """Every other name people and tables use; matching ignores case, spaces, ``-`` and ``_``."""
    vendor: str
    kind: HardwareKind
    memory_gib: PositiveFloat
    """Physical memory as the driver reports it [GiB]; the largest where the device is sold in sizes."""
    memory_options_gib: tuple[PositiveFloat, ...] = ()
    """The sizes that are sold [GiB], where there are several."""
    usable_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the memory that a model may take; below 1 where the system shares it."""
    reserved_gib: NonNegativeFloat = 0.0
    """Memory that the operating system keeps [GiB]."""
    bandwidth_gb_per_s: PositiveFloat
    cores: PositiveInt | None = None
    """Cores of a processor that work on one model."""
    tflops: dict[ComputeDtype, PositiveFloat] = Field(default_factory=dict)
    """Dense peak by the type that is multiplied [TFLOP/s, TOP/s]; a type that is absent is not supported."""
    link_gb_per_s: NonNegativeFloat = 0.0
    """Device to device, both directions together [GB/s]; 0 means over PCIe."""
    link_devices: Annotated[int, Field(ge=2)] | None = None
    """Devices that one bridge joins, beyond which they talk over PCIe; ``None`` where all of a machine are joined."""
    pcie_gb_per_s: PositiveFloat | None = None
    """One direction [GB/s]."""
    boost_mhz: PositiveFloat | None = None
    """Highest stated clock of the compute units [MHz]: how fast a launch of one small kernel is done."""
    tdp_w: PositiveFloat | None = None
    compute_capability: str | None = None
    """NVIDIA's number (``9.0``), AMD's target (``gfx942``) or the instruction set."""
    source: str
    checked: date
    confidence: Confidence
    note: str | None = None

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if self.memory_options_gib and max(self.memory_options_gib) != self.memory_gib:
            raise ValueError(f"memory_gib must be the largest of memory_options_gib, found {self.memory_gib}")
        return self
