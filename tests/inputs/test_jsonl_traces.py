"""Traces of JSON lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.errors import InputError
from planner.inputs.jsonl_traces import has_hashes, read_hashed_csv, read_jsonl_trace


def written(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "trace.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_mooncake_s_milliseconds_and_whole_blocks_are_read(tmp_path: Path) -> None:
    rows = [
        {"timestamp": 1000, "input_length": 1100, "output_length": 5, "hash_ids": [7, 8, 9]},
        {"timestamp": 3500, "input_length": 512, "output_length": 2, "hash_ids": [7]},
    ]
    batch = read_jsonl_trace(written(tmp_path, *(json.dumps(row) for row in rows)))
    assert batch.arrival_s.tolist() == [0.0, 2.5]
    assert batch.prefix_hashes.tolist() == [7, 8, 7]  # block 9 holds 76 of 512 tokens
    assert batch.prefix_starts is not None
    assert batch.prefix_starts.tolist() == [0, 2, 3]


def test_seconds_without_hashes_and_every_second_request(tmp_path: Path) -> None:
    lines = [json.dumps({"time_s": n, "prompt_tokens": 3, "completion_tokens": 4}) for n in (2, 1, 3)]
    batch = read_jsonl_trace(written(tmp_path, *lines), every=2)
    assert batch.arrival_s.tolist() == [0.0, 2.0]
    assert batch.prefix_starts is None


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"time_s": 1, "prompt_tokens": 0, "completion_tokens": 1}',
        '{"time_s": NaN, "prompt_tokens": 1, "completion_tokens": 1}',
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as broken:
        read_jsonl_trace(written(tmp_path, '{"t": 1, "in_tokens": 1, "out_tokens": 1}', line))
    assert [fault.line for fault in broken.value.faults] == [2]


def test_an_empty_trace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one request"):
        read_jsonl_trace(written(tmp_path, ""))


HASHED = """time_s,Input_Tokens,output_tokens,hash_ids
3.5,512,2,7
1.0,1100,5,7 8 9
4.0,100,3,
"""


def test_a_csv_may_have_hashes_of_prompt_blocks_too(tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(HASHED)
    assert has_hashes(file)
    batch = read_hashed_csv(file)
    assert batch.arrival_s.tolist() == [0.0, 2.5, 3.0]
    assert batch.prefix_hashes.tolist() == [7, 8, 7]
    assert read_hashed_csv(file, every=2).input_tokens.tolist() == [1100, 100]
    file.write_text("time_s,input_tokens,output_tokens\n")
    assert not has_hashes(file)


@pytest.mark.parametrize("row", ["1.0,1100,5,a b", "soon,1100,5,7", "1.0,0,5,7", "1.0"])
def test_a_broken_row_of_a_hashed_csv_is_named(tmp_path: Path, row: str) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(f"{HASHED}{row}\n")
    with pytest.raises(InputError) as broken:
        read_hashed_csv(file)
    assert [fault.line for fault in broken.value.faults] == [5]
