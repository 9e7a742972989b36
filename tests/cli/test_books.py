"""``planner books``: what is listed, shown and checked."""

import shutil
from pathlib import Path

import pytest

from planner.inputs import books as shipped
from tests.cli.shell import planner

SOUND = Path("tests/cases/books")


@pytest.fixture(autouse=True)
def _sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(shipped, "default_books_folder", lambda: SOUND)
    monkeypatch.setattr("planner.inputs.book_checks.default_books_folder", lambda: SOUND)
    monkeypatch.setenv("NO_COLOR", "1")


def rows(kind: str) -> list[list[str]]:
    """Return the cells of each line of a listing, header first."""
    done = planner("books", "list", kind, columns=160)
    assert done.exit_code == 0
    lines = [line for line in done.stdout.splitlines() if line.strip(" ─━-")]
    return [[cell for cell in line.split("  ") if cell.strip()] for line in lines]


def cells(kind: str, row_id: str) -> list[str]:
    return next([cell.strip() for cell in row] for row in rows(kind) if row[0].strip() == row_id)


def test_models_are_listed_with_size_context_and_trust() -> None:
    assert cells("models", "tiny-8b") == ["tiny-8b", "tiny", "8.0 B", "131,072", "A", "1"]
    assert cells("models", "mystery-1b") == ["mystery-1b", "mystery", "unknown", "8,192", "B", "0"]


def test_hardware_is_listed_with_memory_bandwidth_and_peaks() -> None:
    assert cells("hardware", "card-80") == [
        *("card-80", "gpu", "79.2", "3,000", "1000", "2000", "900", "700", "datasheet"),
    ]
    assert cells("hardware", "stick") == ["stick", "cpu", "7.5", "10", "–", "–", "0", "–", "datasheet"]


def test_prices_are_listed_with_the_newest_of_each_model() -> None:
    assert cells("prices", "maker/large") == [
        *("maker/large", "2025-01-01", "3", "0.3", "15", "128,000", "deprecated"),
    ]
    assert cells("prices", "maker/small") == ["maker/small", "2025-01-01", "1", "–", "2", "–", "current"]


def test_rentals_are_listed_per_machine_and_per_gpu() -> None:
    assert cells("rentals", "cloud/one-gpu/north") == [
        *("cloud/one-gpu/north", "card-80", "8", "16.00", "6.00", "2.00", "2026-01-01"),  # 16 / 8 GPUs
    ]
    assert cells("rentals", "cloud/two-gpu/north") == [
        *("cloud/two-gpu/north", "card-80", "2", "–", "3.00", "–", "2026-01-01"),
    ]


def test_limits_are_listed_with_their_time_and_tiers() -> None:
    assert cells("limits", "maker/2026") == ["maker/2026", "maker", "2026-01-01", "today", "tier_1, tier_2"]
    assert cells("limits", "seller/2025") == ["seller/2025", "seller", "2025-01-01", "2026-01-01", "free"]


def test_a_name_shows_every_row_that_it_means_as_yaml_that_reads_back(tmp_path: Path) -> None:
    done = planner("books", "show", "large-latest")
    assert done.exit_code == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("#")] == ["# api", "# api"]
    assert "id: maker/large" in done.stdout
    assert "id: seller/large" in done.stdout
    shown = planner("books", "show", "card-80").stdout
    own = tmp_path / "own"
    own.mkdir()
    body = shown.removeprefix("# hardware\n").replace("\n", "\n  ").rstrip()
    (own / "hardware.yaml").write_text(f"hardware:\n- {body}\n")
    assert planner("books", "check", own).exit_code == 0


@pytest.mark.parametrize(
    ("name", "section"), [("cloud/one-gpu/north", "rentals"), ("maker/2026", "rate_limits")]
)
def test_machines_and_limits_are_shown_by_id(name: str, section: str) -> None:
    assert planner("books", "show", name).stdout.startswith(f"# {section}\nid: {name}\n")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    done = planner("books", "show", "tiny-8c")
    assert done.exit_code == 3
    assert done.stderr == "error: no row of the books is called 'tiny-8c'\ncure: did you mean tiny-8b?\n"
    assert "cure: see `planner books list --help`" in planner("books", "show", "zzzzzz").stderr


def test_a_check_counts_rows_and_warns_of_old_ones() -> None:
    fresh = planner("books", "check", "--as-of", "2026-11-23")
    assert (fresh.exit_code, fresh.stderr) == (0, "")
    assert fresh.stdout == "11 rows in 3 books: no fault, 0 older than 90 days\n"
    old = planner("books", "check", "--as-of", "2027-06-01")
    assert old.exit_code == 0
    assert old.stdout == "11 rows in 3 books: no fault, 11 older than 90 days\n"
    assert (
        "warning: hardware stick was last checked on 2026-11-01, over 90 days ago" in old.stderr.splitlines()
    )
    assert planner("books", "check", "--as-of", "2027-06-01", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tdp_w: 700", "tpd_w: 700", "hardware[0].tpd_w: expected a known key"),
        ("bandwidth_gb_per_s: 3000", "bandwidth_gb_per_s: 3", "hardware[0].tflops (card-80): expected dense"),
    ],
)
def test_a_fault_of_a_row_or_between_values_exits_with_2(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(SOUND / "hardware.yaml", own)
    file = own / "hardware.yaml"
    file.write_text(file.read_text().replace(old, new))
    done = planner("books", "check", own)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
