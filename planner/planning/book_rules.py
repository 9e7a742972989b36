"""What must hold between the values of the books: each breach names the row, the key and what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from planner.planning.memory.architecture import unpack
from planner.records import dataclass
from planner.specs.books.books import Books
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.specs.books.price import ApiModel
from planner.specs.books.rental import GpuRental

STALE_AFTER_DAYS = 90  # chosen: vendors change prices some times a year
MAX_PARAMETER_ERROR_FRACTION = (
    0.15  # chosen: rounded names ("7B") and embeddings that are counted or not stay within it
)

# FLOP/s over bytes/s of a device's fastest 16-bit type. Real devices in the book lie between 7 (Raspberry Pi 4)
# and 850 (TPU v6e 560, Xeon AMX 745); outside the band a unit was mistaken (Gbit, GiB, sparse TFLOPS).
FLOPS_PER_BYTE_BAND = (2.0, 1000.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """One rule broken by one row."""

    section: str
    row: str
    key: str
    expected: str
    found: str


def breaches(books: Books) -> Iterator[Breach]:
    """Yield every breach of the rules between values, over all rows of the books."""
    for api in books.api.rows.values():
        yield from _api(api, books)
    for rental in books.rentals.values():
        yield from _rental(rental, books)
    for hardware in books.hardware.rows.values():
        yield from _hardware(hardware)
    for model in books.models.rows.values():
        yield from _model(model)


def _api(row: ApiModel, books: Books) -> Iterator[Breach]:
    successor = row.lifecycle.successor
    if successor is not None and successor not in books.api.rows:
        yield Breach(
            section="api",
            row=row.id,
            key="lifecycle.successor",
            expected="the id of a row in api",
            found=successor,
        )
    elif _returns(row, books):
        yield Breach(
            section="api",
            row=row.id,
            key="lifecycle.successor",
            expected="successors that do not come back to the row",
            found=f"{successor}, which does",
        )
    if row.open_model is not None and len(books.models.ids_of(row.open_model)) != 1:
        yield Breach(
            section="api",
            row=row.id,
            key="open_model",
            expected="a name of one model in models.yaml",
            found=row.open_model,
        )


def _returns(row: ApiModel, books: Books) -> bool:
    """Tell whether the successors of a row lead back to it."""
    seen: set[str] = set()
    follows = row.lifecycle.successor
    while follows is not None and follows in books.api.rows and follows not in seen:
        seen.add(follows)
        follows = books.api.rows[follows].lifecycle.successor
    return row.id in seen


def _rental(row: GpuRental, books: Books) -> Iterator[Breach]:
    if row.gpu not in books.hardware.rows:
        yield Breach(
            section="rentals",
            row=row.id,
            key="gpu",
            expected="the id of a row in hardware.yaml",
            found=row.gpu,
        )


def _hardware(row: HardwareSpec) -> Iterator[Breach]:
    sixteen_bit = [row.tflops[dtype] for dtype in ("fp16", "bf16") if dtype in row.tflops]
    if not sixteen_bit:
        return
    ratio = max(sixteen_bit) * 1000 / row.bandwidth_gb_per_s
    low, high = FLOPS_PER_BYTE_BAND
    if not low <= ratio <= high:
        expected = f"dense 16-bit FLOP/s over bytes/s between {low:g} and {high:g}"
        yield Breach(section="hardware", row=row.id, key="tflops", expected=expected, found=f"{ratio:.1f}")


def _model(row: ModelSpec) -> Iterator[Breach]:
    if row.parameters is None:
        return
    derived = unpack(row).parameters.total
    if abs(derived / row.parameters - 1) > MAX_PARAMETER_ERROR_FRACTION:
        expected = f"within 15 % of the {derived / 1e9:.2f} B that its dimensions make"
        yield Breach(
            section="models",
            row=row.id,
            key="parameters",
            expected=expected,
            found=f"{row.parameters / 1e9:.2f} B",
        )


def stale_rows(books: Books, as_of: date) -> Iterator[tuple[str, str, date]]:
    """Yield section, row and date of every row whose newest facts were checked too long before ``as_of``."""
    dated: list[tuple[str, str, date]] = [
        *(("api", row.id, max(price.checked for price in row.prices)) for row in books.api.rows.values()),
        *(("rentals", row.id, max(price.checked for price in row.prices)) for row in books.rentals.values()),
        *(("rate_limits", row.id, row.checked) for row in books.rate_limits.values()),
        *(("hardware", row.id, row.checked) for row in books.hardware.rows.values()),
        *(("models", row.id, row.checked) for row in books.models.rows.values()),
    ]
    for section, row_id, checked in dated:
        if (as_of - checked).days > STALE_AFTER_DAYS:
            yield section, row_id, checked
