import json
from pathlib import Path

import pytest

from planner.errors import DataError, InputError
from planner.inputs import book_cache
from planner.inputs.books import load_books

GPU = """hardware:
  - id: h100-test
    name: Test GPU
    aliases: [T100 80GB SXM]
    vendor: nvidia
    kind: gpu
    memory_gib: 79.19
    bandwidth_gb_per_s: 3350
    tflops: {bf16: 989}
    source: a datasheet
    checked: 2026-11-23
    confidence: datasheet
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "hardware.yaml").write_text(GPU)
    return folder


def test_a_row_is_found_by_id_and_by_any_way_of_writing_its_alias(own: Path) -> None:
    shelf = load_books(own).hardware
    for name in ("h100-test", "H100_TEST", "t100 80gb sxm", "T100-80GB-SXM"):
        assert shelf.find(name).id == "h100-test"


def test_an_unknown_name_is_answered_with_the_nearest(own: Path) -> None:
    with pytest.raises(DataError) as error:
        load_books(own).hardware.find("h100-tset")
    assert "h100-test" in str(error.value.cure)


def test_an_own_row_replaces_ours_and_the_last_folder_wins(own: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "hardware.yaml").write_text(GPU.replace("79.19", "99.5"))
    assert load_books(own, newer).hardware.find("h100-test").memory_gib == 99.5
    assert load_books(newer, own).hardware.find("h100-test").memory_gib == 79.19


def test_a_broken_row_names_file_line_and_key_also_when_the_parse_was_cached(own: Path) -> None:
    (own / "hardware.yaml").write_text(GPU.replace("memory_gib: 79.19", 'memory_gib: "79,19"'))
    for _ in range(2):
        with pytest.raises(InputError) as error:
            load_books(own).hardware.find("h100-test")
        (fault,) = error.value.faults
        assert (fault.line, fault.key) == (7, "hardware[0].memory_gib")


def test_a_folder_without_books_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder with pricing\.yaml"):
        load_books(tmp_path)


def test_an_unknown_section_is_refused_with_the_known_ones(own: Path) -> None:
    (own / "hardware.yaml").write_text("gpus: []\n")
    with pytest.raises(InputError, match=r"hardware\.yaml:1:1 gpus: expected one of hardware"):
        load_books(own)


def test_a_damaged_cache_entry_is_ignored(own: Path) -> None:
    load_books(own)
    for entry in book_cache.cache_folder().glob("hardware-*.json"):
        entry.write_text("{ not json")
    assert load_books(own).hardware.find("h100-test").id == "h100-test"


def test_an_unwritable_cache_is_no_error(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert load_books(own).hardware.find("h100-test").id == "h100-test"


def test_only_the_newest_entries_are_kept() -> None:
    for n in range(book_cache.KEPT_PER_BOOK + 3):
        book_cache.keep("hardware", str(n).encode(), {"n": n})
    entries = list(book_cache.cache_folder().glob("hardware-*.json"))
    assert len(entries) == book_cache.KEPT_PER_BOOK
    assert json.loads(entries[0].read_text()).keys() == {"n"}


def test_rates_of_two_books_stand_side_by_side_by_currency_and_date(tmp_path: Path) -> None:
    for name, currency in (("one", "EUR"), ("two", "GBP")):
        (tmp_path / name).mkdir()
        row = f"{{currency: {currency}, effective_from: 2026-01-01, units_per_usd: 0.9, source: mine}}"
        (tmp_path / name / "pricing.yaml").write_text(
            f"schema_version: planner.pricing/1\ncurrencies: [{row}]\n"
        )
    books = load_books(tmp_path / "one", tmp_path / "two")
    assert set(books.currencies) == {"EUR 2026-01-01", "GBP 2026-01-01"}
