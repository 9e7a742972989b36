"""Measured requests beside their replay: a real run, and what cannot be replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import UsageError
from planner.inputs.measured_table import read_measured
from planner.planning.judge.replayed import replayed
from tests.planning.judge.rows import tools

RUN = Path(__file__).parents[3].parent / "shared/data/measured/llmservingsim_vllm_requests.csv"
# What the run's summary says of it; the table of its requests does not.
SETTINGS = {
    "engine_version": "0.19.0",
    "num_kv_tokens": "41408",
    "max_num_seqs": "256",
    "max_num_batched_tokens": "2048",
}


@pytest.mark.skipif(not RUN.exists(), reason="the shared data folder is not beside the clone")
def test_a_real_run_of_a_card_that_no_fit_has_seen_is_replayed_within_six_per_cent() -> None:
    """The goals: 10 % of TTFT and TPOT at mean, P50 and P99; end to end 6 % (mean) and 9 % (P99)."""
    rows = read_measured(RUN, SETTINGS)
    (found,) = replayed(rows, tools())
    errors = {(row.metric, row.statistic): abs(row.error_fraction) for row in found.rows}
    goals = [(metric, statistic) for metric in ("ttft_s", "tpot_s") for statistic in ("mean", "p50", "p99")]
    assert max(errors[goal] for goal in (*goals, ("e2e_s", "mean"), ("e2e_s", "p99"))) < 0.06


def test_a_table_of_requests_becomes_one_run_with_each_metric_beside_its_measurement(tmp_path: Path) -> None:
    table = tmp_path / "requests.csv"
    rows = ("0,100,10,50,20,0.23", "1,100,10,60,20,1.24", "2,200,20,70,20,2.45")
    table.write_text(
        "\n".join(("arrival_s,input_tokens,output_tokens,ttft_ms,tpot_ms,last_token_s", *rows, ""))
    )
    (found,) = replayed(
        read_measured(table, {"model": "llama-3.1-8b", "gpu": "h100-sxm", "engine": "vllm"}), tools()
    )
    assert (found.load, found.requests) == ("llama-3.1-8b on 1 × h100-sxm", 3)
    named = [(row.metric, row.statistic) for row in found.rows]
    metrics, statistics = ("ttft_s", "tpot_s", "e2e_s"), ("mean", "p50", "p95", "p99")
    assert named == [(metric, statistic) for metric in metrics for statistic in statistics]
    assert found.rows[0].measured_s == pytest.approx(0.060)
    assert all(row.predicted_s > 0 for row in found.rows)


def test_a_table_without_requests_and_an_unknown_card_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "long.csv"
    table.write_text("engine,model,gpu,load_type,metric,value,unit\nvllm,m,g,concurrency,tpot,10,ms\n")
    with pytest.raises(UsageError, match="the table has no requests"):
        replayed(read_measured(table), tools())
    table.write_text("arrival_s,input_tokens,output_tokens,ttft_ms,tpot_ms,last_token_s\n0,100,10,50,20,1\n")
    with pytest.raises(UsageError, match="the run cannot be simulated: no model is stated") as no:
        replayed(read_measured(table), tools())
    assert no.value.cure == "give --model and --gpu"
