"""Recorded traffic: columns under any of their names, times in any form, every fault with its line."""

from pathlib import Path

import pytest
from hypothesis import assume, given, strategies as st

from planner.errors import InputError
from planner.inputs import traces
from planner.inputs.traces import read_trace

HEADER = "arrival_s,input_tokens,output_tokens"


def written(folder: Path, *lines: str) -> Path:
    file = folder / "trace.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def faults(file: Path) -> list[str]:
    with pytest.raises(InputError) as error:
        read_trace(file)
    return [str(fault).removeprefix(f"{file}") for fault in error.value.faults]


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        (
            "TIMESTAMP,ContextTokens,GeneratedTokens",
            "2023-11-16 18:15:46.6805900",
            "2023-11-16 18:15:50.9951690",
        ),
        ("timestamp,prompt_tokens,completion_tokens", "46.68059", "50.995169"),
        (
            " Time , Num_Prefill_Tokens , num_decode_tokens",
            "2023-11-16 18:15:46.68059",
            "2023-11-16 18:15:50.995169",
        ),
        ("t,in_tokens,out_tokens", "1.68059", "5.995169"),
    ],
)
def test_columns_and_times_are_read_under_the_names_of_public_traces(
    header: str, first: str, second: str, tmp_path: Path
) -> None:
    found = read_trace(written(tmp_path, header, f"{first},374,44", f"{second},396,109"))
    assert found.arrival_s.tolist() == pytest.approx([0.0, 4.314579])  # the Azure trace's first gap
    assert found.input_tokens.tolist() == [374, 396]
    assert found.output_tokens.tolist() == [44, 109]


def test_times_without_decimals_are_whole_seconds(tmp_path: Path) -> None:
    rows = ("2023-11-16 18:15:46,1,2", "2023-11-16 18:16:46,3,4")
    assert read_trace(written(tmp_path, HEADER, *rows)).arrival_s.tolist() == [0.0, 60.0]


def test_columns_may_stand_in_any_order_among_others_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    file = written(tmp_path, "id,output_tokens,input_tokens,time_s", "a,2,1,5", "", "b,4,3,7.5")
    found = read_trace(file)
    assert (found.arrival_s.tolist(), found.input_tokens.tolist()) == ([0.0, 2.5], [1.0, 3.0])


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 9999), st.integers(0, 9999)), min_size=2, max_size=20
    )
)
def test_a_trace_is_sorted_and_starts_at_zero(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, int]]
) -> None:
    assume(len({row[0] for row in rows}) > 1)
    file = written(tmp_path_factory.mktemp("trace"), HEADER, *(",".join(map(str, row)) for row in rows))
    found = read_trace(file)
    assert found.arrival_s.tolist() == [row[0] - min(rows)[0] for row in sorted(rows)]
    assert found.input_tokens.sum() == sum(row[1] for row in rows)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), [":1: expected a header with time, input tokens, output tokens, found an empty file"]),
        (
            ("a,b,input_tokens",),
            [
                ":1 header: expected a column named timestamp or time or arrival_s, found a, b, input_tokens",
                (
                    ":1 header: expected a column named generatedtokens or output_tokens or completion_tokens, "
                    "found a, b, input_tokens"
                ),
            ],
        ),
        ((HEADER, "1,2,3"), [": expected at least two requests, found 1"]),
        ((HEADER, "1,2,3", "1,4,5"), [": expected requests at different times, found all of them at one"]),
        (
            (HEADER, "1,2,3", "yesterday,2,3", "5,6", "7,-1,3", "nan,1,1", "8,inf,1"),
            [
                ":3: expected a time and two token counts, found yesterday,2,3",
                ":4: expected a time and two token counts, found 5,6",
                ":5: expected a finite time and token counts ≥ 0, found 7,-1,3",
                ":6: expected a finite time and token counts ≥ 0, found nan,1,1",
                ":7: expected a finite time and token counts ≥ 0, found 8,inf,1",
            ],
        ),
    ],
)
def test_a_fault_names_its_line(lines: tuple[str, ...], expected: list[str], tmp_path: Path) -> None:
    file = written(tmp_path, *lines)
    if not lines:
        file.write_text("")
    assert faults(file) == expected


def test_twenty_faults_are_enough(tmp_path: Path) -> None:
    assert len(faults(written(tmp_path, HEADER, *(["x,1,1"] * 50)))) == 20


def test_other_encodings_and_huge_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "trace.csv"
    file.write_bytes(b"caf\xe9\n")
    assert faults(file) == [": expected UTF-8 text, found another encoding, or binary"]
    monkeypatch.setattr(traces, "MAX_TRACE_BYTES", 3)
    assert faults(file) == [": expected a trace of at most 64 MiB, found 5 bytes"]
