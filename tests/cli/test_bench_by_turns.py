"""Two servers compared by turns, as users call it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from planner.cli.bench import app
from planner.engines.base import EngineOptions
from planner.engines.fake import FakeEngine
from planner.engines.registry import ENGINES
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import EngineFacts, Outcome, RequestReply, RequestStamps, TokenUsage
from tests.cli.test_bench import bench, truth_server

MS = 1_000_000
QUICK, SLOW = "http://quick.test/v1", "http://slow.test/v1"
ITL_NS = {QUICK: 5 * MS, SLOW: 8 * MS}
LOAD = (
    *("--model", "truth", "--concurrency", "4", "--requests", "64", "--seed", "1"),
    *("--input-tokens", "16", "--output-tokens", "6", "--rounds", "4", "--quiet"),
)


class ClocklessEngine(FakeEngine):
    """Answers at once, with the stamps of a server whose four streams take turns on a clock of their own."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self.itl_ns, self.free_ns = ITL_NS[options.url or ""], [0] * 4

    async def open(self) -> EngineFacts:
        return EngineFacts(kind="fake", name="clockless", version="1", model="truth", synthetic=True)

    async def send(self, request: RequestPlan, *, scheduled_ns: int) -> RequestReply:  # noqa: ARG002 - its own clock
        start_ns = min(self.free_ns)
        tokens = tuple(start_ns + 20 * MS + self.itl_ns * number for number in range(request.output_tokens))
        self.free_ns[self.free_ns.index(start_ns)] = tokens[-1]
        return RequestReply(
            outcome=Outcome.OK,
            stamps=RequestStamps(
                scheduled_ns=start_ns,
                ready_ns=start_ns,
                sent_ns=start_ns,
                first_token_ns=tokens[0],
                last_token_ns=tokens[-1],
                done_ns=tokens[-1],
                chunk_ns=tokens,
                chunk_tokens=(1,) * len(tokens),
            ),
            usage=TokenUsage(input_tokens=request.input_tokens, output_tokens=len(tokens)),
            counted_tokens=True,
            http_status=200,
            finish_reason="length",
            response_model="truth",
        )


def by_turns(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Result, dict[str, Any]]:
    monkeypatch.setitem(ENGINES, "openai", ClocklessEngine)
    done = CliRunner().invoke(app, ["compare", *arguments, *LOAD, "--format", "json"])
    return done, json.loads(done.stdout)


def test_a_slower_server_is_a_regression_by_what_it_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    done, found = by_turns(monkeypatch, QUICK, SLOW)
    assert (done.exit_code, done.stderr) == (1, "")
    changes = {change["metric"]: change for change in found["points"][0]["metrics"]}
    assert changes["tpot_s"]["worse_fraction"] == pytest.approx(8 / 5 - 1)
    assert changes["e2e_s"]["worse_fraction"] == pytest.approx((20 + 5 * 8) / (20 + 5 * 5) - 1)
    assert changes["output_tokens_per_s"]["worse_fraction"] == pytest.approx(1 - 45 / 60)
    assert changes["ttft_s"]["worse_fraction"] == pytest.approx(0.0)
    assert found["regressions"] == [f"4 in flight {name}" for name in ("TPOT", "E2E", "tok/s")]


def test_an_equal_server_is_no_regression_even_where_none_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    done, found = by_turns(monkeypatch, QUICK, QUICK, "--max-regression", "0")
    assert done.exit_code == 0
    assert found["regressions"] == []
    assert [change["worse_fraction"] for change in found["points"][0]["metrics"]] == [0.0] * 4


def test_a_quicker_server_is_no_regression(monkeypatch: pytest.MonkeyPatch) -> None:
    done, found = by_turns(monkeypatch, SLOW, QUICK)
    assert (done.exit_code, found["regressions"]) == (0, [])


def test_real_servers_are_measured_by_turns() -> None:
    load = ("--model", "truth", "--concurrency", "4", "--requests", "16", "--input-tokens", "16")
    with (
        truth_server() as quick,
        truth_server(itl_s=0.1) as slow,
    ):  # 20 times slower: no load of the host hides it
        code, out, err = bench(
            "compare", quick, slow, *load, "--output-tokens", "3", "--rounds", "4", "--format", "json"
        )
    assert (code, err) == (1, "")
    assert "4 in flight TPOT" in json.loads(out)["regressions"]


def test_a_folder_and_a_url_are_not_compared() -> None:
    code, _, err = bench("compare", "runs/a", "http://127.0.0.1:9/v1", "--model", "m")
    assert code == 2
    assert "cure: give two folders, or two URLs" in err


def test_a_server_that_is_not_there_is_named() -> None:
    code, _, err = bench("compare", "http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1", "--model", "m")
    assert code == 4
    assert "cannot reach http://127.0.0.1:9/v1" in err
