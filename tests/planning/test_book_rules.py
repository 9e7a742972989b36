"""Rules between rows, and which rows are old."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from planner.inputs import books as shipped
from planner.inputs.books import load_books
from planner.planning.book_rules import STALE_AFTER_DAYS, breaches, stale_rows
from planner.specs.books.books import Books
from planner.specs.books.hardware import HardwareSpec


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Return the sound books of tests/cases/books, without ours."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shipped, "default_books_folder", lambda: Path("tests/cases/books"))
    return load_books()


def test_the_shipped_books_break_no_rule() -> None:
    assert list(breaches(load_books())) == []


def test_a_row_is_old_on_the_91st_day(books: Books) -> None:
    # all rows of the sample were checked on 2026-11-01; 90 days later is 2027-01-30
    assert list(stale_rows(books, date(2027, 1, 30))) == []
    stale = list(stale_rows(books, date(2027, 1, 31)))
    assert len(stale) == 3 + 2 + 2 + 2 + 2  # api, rentals, rate limits, hardware, models
    assert stale[0] == ("api", "maker/large", date(2026, 11, 1))
    assert STALE_AFTER_DAYS == 90


def test_the_newest_price_of_a_row_tells_its_age(books: Books) -> None:
    small = books.api.rows["maker/small"]
    newer = small.prices[0].model_copy(
        update={"effective_from": date(2026, 6, 1), "checked": date(2027, 1, 15)}
    )
    row = small.model_copy(update={"prices": (*small.prices, newer)})
    only = replace(books, api=replace(books.api, rows={"maker/small": row}))
    assert "maker/small" not in {row_id for _, row_id, _ in stale_rows(only, date(2027, 3, 1))}


@pytest.mark.parametrize(
    ("gb_per_s", "broken"), [(1000.0, False), (999.0, True), (499_999.0, False), (5e5 + 1, True)]
)
def test_the_band_of_flops_per_byte_has_its_ends_inside(books: Books, gb_per_s: float, broken: bool) -> None:
    # 1,000 TFLOP/s of bf16 decide, not the 900 of fp16: 1000e12 / 1000e9 is 1,000, / 500e12 is 2
    card = books.hardware.rows["card-80"].model_copy(update={"bandwidth_gb_per_s": gb_per_s})
    only = replace(books, hardware=replace(books.hardware, rows={"card-80": card}))
    assert any(breach.section == "hardware" for breach in breaches(only)) is broken


@pytest.mark.parametrize(("share", "broken"), [(0.88, False), (0.86, True), (1.17, False), (1.19, True)])
def test_parameters_may_be_off_by_15_percent(books: Books, share: float, broken: bool) -> None:
    # derived / published - 1: 1/0.88 is 13.6 % over, 1/0.86 16.3 %; 1/1.17 14.5 % under, 1/1.19 16 %
    model = books.models.rows["tiny-8b"].model_copy(update={"parameters": 8_030_261_248 * share})
    only = replace(books, models=replace(books.models, rows={"tiny-8b": model}))
    assert any(breach.key == "parameters" for breach in breaches(only)) is broken


def test_a_successor_must_be_a_row_and_never_lead_back(books: Books) -> None:
    """In the sample the large model is followed by the small one."""

    def keys(**successors: str) -> list[tuple[str, str, str]]:
        rows = {
            name: row.model_copy(
                update={"lifecycle": row.lifecycle.model_copy(update={"successor": successors.get(name[6:])})}
            )
            for name, row in books.api.rows.items()
        }
        found = breaches(replace(books, api=replace(books.api, rows=rows)))
        return [(breach.row, breach.key, breach.found) for breach in found]

    assert keys(large="maker/small") == []
    assert keys(large="maker/gone") == [("maker/large", "lifecycle.successor", "maker/gone")]
    assert keys(large="maker/small", small="maker/large") == [
        ("maker/large", "lifecycle.successor", "maker/small, which does"),
        ("maker/small", "lifecycle.successor", "maker/large, which does"),
    ]


def test_an_open_model_and_a_rented_card_must_be_rows_of_the_other_books(books: Books) -> None:
    large = books.api.rows["maker/large"].model_copy(update={"open_model": "nobody-8b"})
    rental = books.rentals["cloud/two-gpu/north"].model_copy(update={"gpu": "card-160"})
    broken = replace(
        books,
        api=replace(books.api, rows={**books.api.rows, large.id: large}),
        rentals={**books.rentals, rental.id: rental},
    )
    found = [(breach.section, breach.row, breach.key, breach.found) for breach in breaches(broken)]
    assert found == [
        ("api", "maker/large", "open_model", "nobody-8b"),
        ("rentals", "cloud/two-gpu/north", "gpu", "card-160"),
    ]


@pytest.mark.parametrize("row", load_books().hardware.rows.values(), ids=lambda row: row.id)
def test_a_row_lists_the_types_of_its_generation_at_dense_rates(row: HardwareSpec) -> None:
    rates = row.tflops
    if row.vendor == "nvidia":
        capability = float(row.compute_capability or 0.0)
        assert ("bf16" in rates) == (capability >= 8.0)
        assert ("fp8" in rates) == (capability >= 8.9)
        assert ("fp4" in rates) == (capability >= 10.0)
        # Half as wide is twice as fast; a rate with sparsity beside a dense one would make it four times.
        if "fp8" in rates:
            assert rates["fp8"] == pytest.approx(2 * rates["fp16"], rel=0.02)
    if row.link_devices is not None:
        assert row.link_gb_per_s > 0
