"""``planner predict`` from the command line."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from planner.cli.predict import app

BASE = ["--model", "llama-3.1-70b", "--gpu", "h100-sxm", "--tensor-parallel", "4", "--quantization", "fp8"]


def test_json_has_the_promised_fields() -> None:
    result = CliRunner().invoke(app, [*BASE, "--concurrency", "64", "--format", "json"])
    answer = json.loads(result.stdout)
    assert answer["schema"] == "planner.predict/1"
    for name in ("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s", "requests_per_s"):
        assert answer[name]["low"] < answer[name]["value"] < answer[name]["high"]
        assert answer[name]["grade"] == "fitted"
    assert answer["bound_by"]
    assert sum(part["share_fraction"] for part in answer["breakdown"]) > 0.999


def test_detail_shows_the_step_and_the_memory() -> None:
    result = CliRunner().invoke(app, [*BASE, "--rate", "1", "--detail"])
    assert "speed of light" in result.stdout
    assert "█" in result.stdout


def test_the_plain_table_needs_no_load() -> None:
    result = CliRunner().invoke(app, BASE)
    assert "1 requests in flight" in result.stdout
    assert "time per output token" in result.stdout
