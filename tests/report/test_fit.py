"""The answer of ``planner fit`` on the screen and in files, from answers made by hand."""

import csv
import io
import json
from dataclasses import replace

import pytest

from planner.report.fit import MAX_BAR, fit_csv, fit_json, fit_markdown, fit_table
from planner.specs.answers.fit import Fit, FitChange, MemoryPart
from planner.specs.base import Notice
from planner.units import GIB

YES = Fit(
    model="tiny-8b",
    hardware="card-80",
    engine="vllm",
    fits=True,
    reason="3 sequences of 8,192 tokens have room",
    changes=(),
    gpus=1,
    quantization="bf16",
    kv_dtype="bf16",
    tensor_parallel=1,
    pipeline_parallel=1,
    context_tokens=8192,
    concurrency=1,
    parameters=8e9,
    active_parameters=8e9,
    physical_bytes=80 * GIB,
    budget_bytes=72 * GIB,
    weights_bytes_per_gpu=20 * GIB,
    kv_pool_bytes_per_gpu=40 * GIB,
    kv_bytes_per_token=131_072,
    kv_bytes_per_token_per_gpu=131_072,
    kv_bytes_per_sequence_per_gpu=GIB,
    multi_head_bound_bytes_per_token=524_288,
    kv_pool_tokens=327_680,
    max_context_tokens=131_072,
    max_concurrency=40,
    shortage_bytes=0,
    parts=(
        MemoryPart(name="weights", bytes=20 * GIB),
        MemoryPart(name="KV pool", bytes=40 * GIB),
        MemoryPart(name="left to others", bytes=20 * GIB),
    ),
    grade="assumed",
    notices=(Notice(code="x", message="no profile of this version", cure="name another"),),
)
NO = replace(
    YES,
    fits=False,
    hardware="card-8",
    gpus=2,
    reason="weights exceed the memory",
    changes=(FitChange(flags="--quantization int4", effect="2 sequences of 8,192 tokens have room"),),
    physical_bytes=10 * GIB,
    shortage_bytes=12.5 * GIB,
    notices=(),
)


def screen(*answers: Fit, single: bool = True, width: int = 80, quiet: bool = False) -> list[str]:
    return fit_table(answers, single=single, width=width, color=False, quiet=quiet).splitlines()


def test_the_verdict_comes_first_then_the_reason_as_a_sentence() -> None:
    assert screen(YES)[:2] == [
        "tiny-8b fits card-80 (vllm)",
        "3 sequences of 8,192 tokens have room.",
    ]
    assert screen(NO)[:2] == ["tiny-8b does not fit 2 × card-8 (vllm)", "Weights exceed the memory."]


@pytest.mark.parametrize(("width", "cells"), [(40, 30), (60, 48), (80, 68), (200, MAX_BAR)])
def test_the_bar_shares_the_memory_out_as_wide_as_the_screen_allows(width: int, cells: int) -> None:
    drawn = screen(YES, width=width, quiet=True)
    bar = next(line for line in drawn if line.startswith("["))
    assert len(bar) == cells + 2
    # a quarter, a half and a quarter of 80 GiB
    assert [bar.count(shade) for shade in "█▓▒"] == pytest.approx([cells / 4, cells / 2, cells / 4], abs=1)


def test_the_legend_gives_each_part_its_share() -> None:
    legend = [line.split() for line in screen(YES) if "GiB" in line and "%" in line]
    assert legend[0] == ["█", "weights", "20.00", "GiB", "25.0", "%"]
    assert legend[1] == ["▓", "KV", "pool", "40.00", "GiB", "50.0", "%"]
    assert legend[-1] == ["physical", "80.00", "GiB", "100.0", "%"]


def test_what_does_not_fit_runs_over_the_end_of_the_bar() -> None:
    bar = next(line for line in screen(NO) if line.startswith("["))
    assert bar == f"[{'█' * 67}»]"  # the weights alone are twice the memory


def test_the_figures_hold_the_rule_of_thumb_against_the_true_cache() -> None:
    lines = [" ".join(line.split()) for line in screen(YES)]
    assert "KV cache per token 131,072 B" in lines
    assert "multi-head rule of thumb 524,288 B (4.0x)" in lines
    assert "at once with 8,192 tokens 40 sequences" in lines
    states_only = [" ".join(line.split()) for line in screen(replace(YES, kv_bytes_per_token=0))]
    assert "multi-head rule of thumb 524,288 B (0.0x)" in states_only


def test_cures_are_listed_or_said_to_be_missing() -> None:
    assert "  --quantization int4  2 sequences of 8,192 tokens have room" in screen(NO)
    assert any(
        line.startswith("No change of flags that was tried") for line in screen(replace(NO, changes=()))
    )


def test_notes_are_left_out_when_quiet() -> None:
    note = "note: no profile of this version; name another"
    assert note in screen(YES)
    assert note not in screen(YES, quiet=True)


def test_the_list_counts_what_fits_and_shows_eight_that_do_not() -> None:
    lines = screen(YES, *([NO] * 11), single=False, width=120)
    assert lines[0] == "tiny-8b with 1 × 8,192 tokens fits 1 of 12 devices (vllm)"
    rows = [line.split() for line in lines if line.startswith(("yes", "no "))]
    assert lines[1] == "weights of 20.0 GiB on each GPU, bf16"
    assert rows[0] == ["yes", "card-80", "40.0", "GiB", "327,680", "131,072", "40"]
    assert rows[1] == ["no", "2", "×", "card-8", "–", "–", "–", "–", "12.5", "GiB"]
    assert len(rows) == 1 + 8
    assert lines[-1].startswith("and 3 that are further off")
    assert len(screen(YES, NO, single=False, width=120)) == 6  # head, weights, empty, header, two rows


def test_weights_that_differ_from_device_to_device_have_a_column() -> None:
    lines = screen(
        YES, replace(NO, weights_bytes_per_gpu=NO.weights_bytes_per_gpu * 2), single=False, width=120
    )
    rows = [line.split() for line in lines if line.startswith(("yes", "no "))]
    assert rows[0] == ["yes", "card-80", "20.0", "GiB", "40.0", "GiB", "327,680", "131,072", "40"]
    assert not any(line.startswith("weights of") for line in lines)


def test_a_refusal_that_is_not_about_bytes_has_no_shortage() -> None:
    row = fit_markdown([replace(NO, shortage_bytes=0)]).splitlines()[2]
    assert row == "| no | 2 × card-8 | 20.0 GiB | – | – | – | – | – |"


def test_json_holds_one_answer_or_a_list() -> None:
    one, many = json.loads(fit_json([YES], single=True)), json.loads(fit_json([YES, NO], single=False))
    assert (one["schema"], one["kv_bytes_per_token"]) == ("planner.fit/1", 131_072)
    assert [answer["fits"] for answer in many["results"]] == [True, False]
    assert one["weights_bytes_per_gpu"] == 20 * 2**30


def test_csv_and_markdown_have_a_line_for_each_device() -> None:
    rows = list(csv.DictReader(io.StringIO(fit_csv([YES, NO]))))
    assert [row["hardware"] for row in rows] == ["card-80", "card-8"]
    assert float(rows[1]["shortage_bytes"]) == 12.5 * 2**30
    markdown = fit_markdown([YES]).splitlines()
    assert markdown[0].startswith("| fits | device |")
    assert markdown[1].count("---|") == markdown[0].count("|") - 1
