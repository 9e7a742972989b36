"""``planner validate`` from the command line."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.cli.validate import app
from planner.errors import InputError, UsageError

HEAD = "engine,model,precision,gpu,n_gpu,tp,isl,osl,load_type,load_value,metric,value,unit\n"
LINES = "vllm,llama-3.1-8b,bf16,h100_sxm,1,1,1024,1024,concurrency,16,{metric},{value},{unit}\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "t.csv"
    rows = [
        LINES.format(metric="tpot", value=9.0, unit="ms"),
        LINES.format(metric="watts", value=1, unit="W"),
    ]
    file.write_text(HEAD + "".join(rows), encoding="utf-8")
    return file


def run(file: Path, *options: str) -> str:
    return CliRunner().invoke(app, [str(file), *options], catch_exceptions=False).stdout


def test_json_has_the_promised_fields(table: Path) -> None:
    answer = json.loads(run(table, "--format", "json"))
    assert (answer["schema"], answer["rows"], answer["predicted"]) == ("planner.validate/1", 2, 1)
    assert answer["skipped"] == [{"reason": "metric watts is not predicted", "n": 1}]
    wanted = {"by", "metric", "n", "median_ape", "p90_ape", "bias", "within_20", "coverage_80"}
    assert set(answer["groups"][0]) == wanted


def test_the_table_names_groups_and_reasons(table: Path) -> None:
    text = run(table)
    assert "1 of 2 rows predicted" in text
    assert "metric watts is not predicted" in text


def test_csv_has_one_line_for_each_judged_row(table: Path) -> None:
    lines = list(csv.DictReader(StringIO(run(table, "--format", "csv"))))
    assert [line["line"] for line in lines] == ["2"]
    assert float(lines[0]["measured"]) == pytest.approx(0.009)


def test_a_column_that_the_table_lacks_is_stated_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("model,gpu,load_type,metric,value,unit\nllama-3.1-8b,h100-sxm,concurrency,watts,1,ms\n")
    answer = json.loads(run(file, "--given", "Engine=vllm", "--format", "json"))
    assert answer["skipped"] == [{"reason": "metric watts is not predicted", "n": 1}]
    with pytest.raises(UsageError, match="--given takes COLUMN=VALUE, found 'engine'"):
        run(file, "--given", "engine")


def test_markdown_is_a_table(table: Path) -> None:
    assert run(table, "--format", "md").startswith("| group | metric |")


@pytest.mark.parametrize(
    ("value", "unit", "reason"),
    [
        ("fast", "ms", "'fast' is no number"),
        ("", "ms", "'' is no number"),
        ("3", "fortnights", "unit fortnights"),
    ],
)
def test_a_number_that_is_none_is_counted_and_skipped(
    tmp_path: Path, value: str, unit: str, reason: str
) -> None:
    file = tmp_path / "t.csv"
    file.write_text(HEAD + LINES.format(metric="tpot", value=value, unit=unit), encoding="utf-8")
    answer = json.loads(run(file, "--format", "json"))
    assert (answer["rows"], answer["predicted"]) == (1, 0)
    assert reason in answer["skipped"][0]["reason"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "these columns"),
        ("", "these columns"),
    ],
)
def test_a_broken_table_is_refused_at_its_place(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        run(file)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="readable"):
        run(tmp_path / "none.csv")
