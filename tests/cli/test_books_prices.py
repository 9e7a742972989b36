"""``planner books verify`` and ``sync`` with a feed made here, on a copy of the real book."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from planner.cli import books_prices
from planner.cli.main import app
from planner.inputs.books import load_books
from planner.planning.bill.pricing import price_in_force
from planner.specs.books.price_feed import Feed, Offer

DAY = date(2026, 11, 24)
MINI = "openai/gpt-4o-mini"


@pytest.fixture(autouse=True)
def _feed(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = {"input_usd_per_mtok": 0.2, "output_usd_per_mtok": 0.6}
    offer = Offer(
        provider="openai", name="gpt-4o-mini", prices=prices, batch={}, since=None, deprecated=False
    )
    new = (replace(offer, name="gpt-9-new"),)
    monkeypatch.setattr(
        books_prices,
        "read_feed",
        lambda _wanted, day: Feed(source="feed 1", as_of=day, found={MINI: offer}, new=new),
    )
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy("pricing.yaml", tmp_path)
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(
        app, ["books", *args, "--as-of", DAY.isoformat()], prog_name="planner"
    )


def test_verify_counts_first_and_shows_both_values_with_dates() -> None:
    shown = run("verify").stdout
    assert shown.startswith("feed 1 on 2026-11-24: 0 offers agree, 1 are disputed (0 known to the book)")
    lines = shown.splitlines()
    row = lines[lines.index(MINI) + 1].split()
    assert row[:2] == ["input", "0.15"]
    assert row[3:5] == ["2026-11-23", "0.2"]


def test_verify_is_a_finding_only_when_strict() -> None:
    assert run("verify").exit_code == 0
    assert run("verify", "--strict").exit_code == 1
    found = json.loads(run("verify", "--format", "json").stdout)
    assert (found["schema"], found["feed"]) == ("planner.price-check/1", "feed 1")


def test_sync_shows_the_change_and_writes_nothing(folder: Path) -> None:
    before = (folder / "pricing.yaml").read_text()
    done = run("sync", str(folder))
    assert done.exit_code == 0, done.output
    assert "+      - {effective_from: 2026-11-24, input_usd_per_mtok: 0.2," in done.stdout
    assert "nothing is written; --write does it" in done.stderr
    assert (folder / "pricing.yaml").read_text() == before


def test_sync_writes_a_book_that_prices_by_the_new_row_from_that_day(folder: Path) -> None:
    assert run("sync", str(folder), "--write").exit_code == 0
    row = load_books(folder).api.rows[MINI]
    assert price_in_force(row, DAY).input_usd_per_mtok == 0.2
    assert price_in_force(row, date(2026, 11, 23)).input_usd_per_mtok == 0.15
    assert price_in_force(row, DAY).alternates[0].input_usd_per_mtok == 0.15
    comments = [line for line in (folder / "pricing.yaml").read_text().splitlines() if line.startswith("#")]
    assert comments == [
        line for line in Path("pricing.yaml").read_text().splitlines() if line.startswith("#")
    ]


def test_a_second_sync_has_nothing_to_do(folder: Path) -> None:
    run("sync", str(folder), "--write")
    done = run("sync", str(folder), "--write")
    assert done.stdout == ""
    assert "0 price rows" in done.stderr


def test_ci_cannot_change_prices(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    done = run("sync", str(folder), "--write")
    assert done.exit_code == 2
    assert "prices are not changed in CI" in done.stderr
    assert run("sync", str(folder)).exit_code == 0  # looking is allowed


def test_a_folder_without_a_book_is_refused(tmp_path: Path) -> None:
    done = run("sync", str(tmp_path))
    assert done.exit_code == 2
    assert "there is no" in done.stderr


def test_an_offer_that_only_the_feed_has_can_be_added(folder: Path) -> None:
    done = run("sync", str(folder), "--add", "openai/gpt-9-new", "--write")
    assert done.exit_code == 0, done.output
    assert "0 price rows and 1 models" in done.stderr
    row = load_books(folder).api.find("gpt-9-new")
    assert price_in_force(row, DAY).input_usd_per_mtok == 0.2


def test_an_offer_that_the_feed_has_not_is_refused_with_the_nearest(folder: Path) -> None:
    done = run("sync", str(folder), "--add", "openai/gpt-9-nwe")
    assert done.exit_code == 3
    assert "did you mean openai/gpt-9-new?" in done.stderr
