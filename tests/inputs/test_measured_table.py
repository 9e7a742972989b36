"""Layouts of measured tables: logs of vLLM and llama.cpp, requests, numbers as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.inputs.measured_table import read_measured
from planner.inputs.table_cells import Cells
from planner.specs.answers.validation import TableRow


def rows_of(tmp_path: Path, text: str) -> tuple[TableRow, ...]:
    file = tmp_path / "t.csv"
    file.write_text(text, encoding="utf-8")
    return read_measured(file)


def test_a_start_up_log_of_vllm_is_one_row_for_each_size(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        "vllm_version,model,dtype_quant,gpu,gpu_total_gib,tp,gpu_memory_utilization,max_model_len,weights_gib,kv_gib,"
        "kv_tokens,notes\n0.19.0,m,bf16,H100 80GB,79.19,1,0.95,8192,14.99,58.11,476016,\n"
        "0.19.0,m,bf16,H100 80GB,80,1,0.9 (default),8192,14.99,,,FAILED to start\n",
    )
    assert [row.metric for row in rows] == ["weights", "kv", "kv_tokens", "weights"]
    assert rows[0].value == pytest.approx(14.99 * 2**30)
    assert rows[2].value == 476016
    assert rows[0].settings.physical_gib == 79.19
    assert rows[3].settings.physical_gib is None  # what the box says
    assert rows[3].settings.utilization_fraction == 0.9
    assert rows[3].unreadable


def test_a_start_up_log_of_llama_cpp_sums_its_devices(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        "engine,model,model_file,model_ftype,gpu,n_ctx,kv_type,kv_self_mib,gpu_model_buffer_mib,cpu_model_buffer_mib,"
        "compute_buffer_gpu_mib\nllama.cpp,models,,Q4_0,T4,512,f16,256.00,10+20,5,144.00+312.75\n"
        "llama.cpp,m,m.gguf,Q4_0,T4,512,f16,256.00,x,,\n",
    )
    assert [(row.metric, row.value / 2**20) for row in rows] == [
        ("kv", 256.0),
        ("weights", 35.0),
        ("compute_buffer", 456.75),
        ("kv", 256.0),
    ]
    assert rows[0].model == ""
    assert rows[3].model == "m.gguf"


def test_requests_become_mean_and_percentiles(tmp_path: Path) -> None:
    lines = "".join(f"g,m,{n},{n}.0,100,11,{n}.0,{n}.5,{n + 2}.0,{500 + n},150.0\n" for n in range(10))
    head = "gpu,model,request_id,arrival_s,input_tokens,output_tokens,scheduled_s,first_token_s,last_token_s,ttft_ms,tpot_ms\n"
    rows = rows_of(tmp_path, head + lines + "g,m,bad,,1,1,,,,,\n")
    found = {(row.metric, row.statistic): row.value for row in rows}
    assert found["ttft", "mean"] == pytest.approx(0.5045)
    assert found["tpot", "p99"] == pytest.approx(0.150)
    assert found["e2e", "p50"] == pytest.approx(2.0)
    assert rows[0].trace is not None
    assert rows[0].trace.size == 10
    assert rows_of(tmp_path, head + "g,m,bad,,1,1,,,,,\n") == ()


def test_notes_state_settings(tmp_path: Path) -> None:
    row = rows_of(
        tmp_path,
        "engine,model,gpu,load_type,load_value,metric,value,unit,notes\n"
        "vllm,m,g,request_rate_poisson,inf,ttft,65456,ms,ShareGPT 300 req; max_num_seqs=256; mbt=2048; util=0.85\n",
    )[0]
    assert row.value == pytest.approx(65.456)
    settings = row.settings
    assert (settings.requests, settings.max_sequences, settings.batched_tokens) == (300, 256, 2048)
    assert settings.utilization_fraction == 0.85
    assert row.tensor_parallel is None


def test_what_a_table_lacks_can_be_stated_beside_it_and_its_own_columns_come_first(tmp_path: Path) -> None:
    table = tmp_path / "requests.csv"
    table.write_text("gpu,arrival_s,input_tokens,output_tokens,ttft_ms\nown,0,100,10,50\n")
    given = {"gpu": "other", "model": "m", "num_kv_tokens": "41408", "engine_version": "0.19.0"}
    row = read_measured(table, given)[0]
    assert (row.gpu, row.model, row.engine_version) == ("own", "m", "0.19.0")
    assert row.settings.pool_tokens == 41_408
    assert row.settings.max_sequences is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("~22.5", 22.5),
        ("1,024", 1024),
        ("9,5", 9.5),
        ("12,345,678", 12345678),
        ("inf", float("inf")),
        ("n/a", None),
        ("x", None),
        ("0.9 (default)", 0.9),
        ("1.2.3", None),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, number: float | None) -> None:
    assert Cells({"a": text}).number("a") == number


@pytest.mark.parametrize(("text", "tokens"), [("1k", 1024), ("0.5 K", 512), ("8ki", 8192), ("1000", 1000)])
def test_a_length_in_thousands_counts_powers_of_two(text: str, tokens: int) -> None:
    assert Cells({"a": text}).tokens("a") == tokens
    assert Cells({"a": "0"}).whole("a") is None
    assert Cells({"a": "0"}).positive("a") is None
    assert Cells({"a": "0"}).tokens("a") == 0.0
    assert Cells({"a": "inf"}).tokens("a") is None
    assert Cells({}).total("a") is None


def test_other_names_of_columns_units_and_counts_are_read(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        "Framework,Model,Hardware,Tensor Parallel,input_len,Output-Len,concurrency,metric,value,more\n"
        "vLLM,m,8xH100,8,1024,128,64,mean_ttft_ms,120,x\n"
        "vllm,m,H100 x 4,,,,,tpot (us),9000,x\n"
        "llama.cpp,m,RTX 4090,,,,,pp512,5000,x\n"
        "llama.cpp,m,RTX 4090,,,,,tg 128,100,x\n",
    )
    first, second, prompt, answer = rows
    assert (first.engine, first.gpu, first.gpus, first.tensor_parallel) == ("vllm", "H100", 8, 8)
    assert (first.input_tokens, first.output_tokens, first.load_type) == (1024.0, 128.0, "concurrency")
    assert first.load_value == 64.0
    assert first.value == pytest.approx(0.12)
    assert (second.gpu, second.gpus) == ("H100", 4)
    assert second.value == pytest.approx(0.009)
    assert (second.input_tokens, second.load_type) == (None, "")
    assert (prompt.input_tokens, prompt.output_tokens) == (512.0, None)
    assert (answer.input_tokens, answer.output_tokens) == (None, 128.0)


def test_a_column_of_our_own_name_wins(tmp_path: Path) -> None:
    (row,) = rows_of(
        tmp_path,
        "engine,model,gpu,hardware,load_type,load_value,concurrency,metric,value\nvllm,m,L4,T4,batch,2,9,tpot,1\n",
    )
    assert (row.gpu, row.load_type, row.load_value) == ("L4", "batch", 2.0)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_cells_may_be_separated_as_programs_do(tmp_path: Path, separator: str) -> None:
    lines = (["engine", "model", "gpu", "metric", "value", "unit"], ["vllm", "m", "L4", "tpot", "12.5", "ms"])
    (row,) = rows_of(tmp_path, "".join(separator.join(line) + "\n" for line in lines))
    assert (row.gpu, row.metric) == ("L4", "tpot")
    assert row.value == pytest.approx(0.0125)
