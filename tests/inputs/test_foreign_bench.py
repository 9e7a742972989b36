import json
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InputError, UsageError
from planner.inputs.foreign_bench import read_foreign
from planner.report.bench.measured_rows import rows_csv, rows_json, rows_markdown, rows_table

VLLM_SERVE = {
    "date": "20261123-082004", "backend": "openai", "model_id": "m", "num_prompts": 12, "request_rate": 1.0,
    "max_concurrency": 4, "duration": 70.136, "completed": 12, "failed": 0, "total_input_tokens": 1536,
    "total_output_tokens": 288, "request_throughput": 0.171, "output_throughput": 4.106,
    "mean_ttft_ms": 8467.29, "median_ttft_ms": 8183.89, "p99_ttft_ms": 15272.62, "mean_tpot_ms": 618.06,
    "mean_itl_ms": 618.06, "median_e2el_ms": 14800.84,
}  # fmt: skip
GUIDELLM = {
    "args": {"model": "g"},
    "benchmarks": [
        {
            "config": {"strategy": {"type_": "concurrent", "streams": 8}},
            "metrics": {
                "prompt_token_count": {"successful": {"mean": 100.0}},
                "output_token_count": {"successful": {"mean": 50.0}},
                "time_to_first_token_ms": {
                    "successful": {"mean": 23.9, "percentiles": {"p50": 23.0, "p99": 32.8}}
                },
                "inter_token_latency_ms": {"successful": {"mean": 5.0, "percentiles": {"p50": 5.0}}},
                "time_per_output_token_ms": {"successful": {"mean": 5.3}},
                "output_tokens_per_second": {"successful": {"mean": 180.0, "percentiles": {"p50": 1.0}}},
            },
        }
    ],
}
AIPERF = {
    "input_config": {"endpoint": {"model_names": ["a"]}, "loadgen": {"concurrency": 4}},
    "time_to_first_token": {"unit": "ms", "avg": 23.5, "p50": 23.0},
    "inter_token_latency": {"unit": "ms", "avg": 5.0},
    "request_latency": {"unit": "ms", "avg": 270.0},
    "output_token_throughput": {"unit": "tokens/sec", "avg": 181.0},
}
LLAMA_BENCH = [
    {"n_prompt": 512, "n_gen": 0, "avg_ts": 900.0, "build_commit": "0c1e", "model_type": "llama 1B Q4_0"},
    {"n_prompt": 0, "n_gen": 128, "n_depth": 512, "avg_ts": 40.0, "model_type": "llama 1B Q4_0"},
]
BATCHED = '{"pp": 128, "tg": 64, "pl": 4, "speed_pp": 800.0, "speed_tg": 90.0}\n{"pp": 128, "tg": 64, "pl": 8, "speed_pp": 810.0, "speed_tg": 120.0}\n'


def values(tmp_path: Path, content: Any) -> tuple[str, dict[tuple[str, str], float]]:
    file = tmp_path / "result.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    tool, rows = read_foreign(file)
    return tool, {(row.metric, row.statistic): row.value for row in rows}


def test_vllm_bench_serve(tmp_path: Path) -> None:
    tool, found = values(tmp_path, VLLM_SERVE)
    assert tool == "vllm bench serve"
    assert found["ttft", "mean"] == 8467.29
    assert found["ttft", "p50"] == 8183.89
    assert found["e2e", "p50"] == 14800.84
    _, rows = read_foreign(tmp_path / "result.json")
    assert {(row.isl, row.osl, row.load_type, row.load_value) for row in rows} == {
        (128, 24, "concurrency", 4)
    }


@pytest.mark.parametrize(
    ("change", "load"),
    [
        ({"max_concurrency": None}, ("request_rate", 1.0)),
        ({"max_concurrency": None, "request_rate": "inf"}, ("offline_max_load", "inf")),
    ],
)
def test_the_load_of_vllm_bench_serve(tmp_path: Path, change: dict[str, Any], load: tuple[str, Any]) -> None:
    values(tmp_path, VLLM_SERVE | change)
    _, rows = read_foreign(tmp_path / "result.json")
    assert (rows[0].load_type, rows[0].load_value) == load


def test_vllm_bench_latency_and_throughput(tmp_path: Path) -> None:
    latency = {"avg_latency": 2.0, "latencies": [2.0], "percentiles": {"50": 2.0, "99": 2.5}}
    assert values(tmp_path, latency)[1] == {("e2e", "mean"): 2.0, ("e2e", "p50"): 2.0, ("e2e", "p99"): 2.5}
    throughput = {
        "elapsed_time": 1.0,
        "num_requests": 2,
        "requests_per_second": 2.0,
        "tokens_per_second": 300.0,
    }
    assert values(tmp_path, throughput)[1]["total_throughput", "run"] == 300.0


def test_guidellm_s_inter_token_latency_is_our_tpot_and_its_tpot_is_left_out(tmp_path: Path) -> None:
    tool, found = values(tmp_path, GUIDELLM)
    assert tool == "guidellm"
    assert found["tpot", "mean"] == 5.0
    assert found["ttft", "p99"] == 32.8
    assert found["output_throughput", "mean"] == 180.0
    assert ("output_throughput", "p50") not in found


def test_aiperf(tmp_path: Path) -> None:
    tool, found = values(tmp_path, AIPERF)
    assert tool == "aiperf"
    assert found["tpot", "mean"] == 5.0
    assert found["output_throughput", "mean"] == 181.0


def test_llama_bench_and_llama_batched_bench(tmp_path: Path) -> None:
    assert values(tmp_path, LLAMA_BENCH)[1] == {
        ("prefill_throughput", "mean of runs"): 900.0,
        ("decode_throughput", "mean of runs"): 40.0,
    }
    assert values(tmp_path, BATCHED)[0] == "llama-batched-bench"
    _, rows = read_foreign(tmp_path / "result.json")
    assert [row.load_value for row in rows] == [4, 4, 8, 8]


@pytest.mark.parametrize("content", ["{", '{"other": 1}', "[]", "not json"])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError):
        values(tmp_path, content)


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_foreign(tmp_path / "none.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError):
        read_foreign(tmp_path / "b.json")


def test_the_rows_are_written_in_every_format(tmp_path: Path) -> None:
    values(tmp_path, GUIDELLM)
    tool, rows = read_foreign(tmp_path / "result.json")
    assert (
        rows_csv(rows)
        .splitlines()[0]
        .startswith("source,date,engine,engine_version,model,precision,gpu,n_gpu,tp,pp,isl")
    )
    assert json.loads(rows_json(tool, rows))["rows"][0]["metric"] == "ttft"
    assert "| ttft mean | 23.9 ms |" in rows_markdown(rows)
    assert "concurrency 8" in rows_table(tool, rows, width=80, color=False)
