"""A calibration and a load on llama.cpp in process, with the host's speed around both."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.bench.records import read_host_speed
from planner.cli.bench import app as bench_app
from planner.cli.simulate import app as simulate_app
from planner.engines.llamacpp import open_worker
from planner.engines.llamacpp_engine import LlamaCppEngine
from planner.engines.registry import ENGINES
from tests.bench.test_step_loop import FAKE
from tests.engines.fake_session import fake_gguf

LOAD = ["--rate", "20", "--requests", "12", "--input-tokens", "32", "--output-tokens", "4", "--no-self-check"]


def test_a_load_beside_its_simulation_says_how_fast_the_host_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("planner.bench.step_loop", "planner.bench.reference"):
        monkeypatch.setattr(f"{place}.open_worker", lambda settings: open_worker(settings, command=FAKE))
    monkeypatch.setattr("planner.engines.llamacpp.wait_for_quiet", lambda _: True)
    monkeypatch.setitem(ENGINES, "llamacpp", lambda options: LlamaCppEngine(options, command=FAKE))
    steps, load = tmp_path / "steps", tmp_path / "load"
    bench = ["--engine", "llamacpp", "--model", str(fake_gguf(tmp_path)), "--quiet"]
    fitted = CliRunner().invoke(bench_app, ["--calibrate", *bench, "--output", str(steps)])
    # one before each of 14 points and one after the last; on a busy machine a point is left out and another comes
    assert re.search(r"\b(1[5-9]|[2-9]\d) references between the points", fitted.stdout), fitted.stdout
    assert "the host's speed stood still" in " ".join(fitted.stdout.split())

    measured = CliRunner().invoke(bench_app, [*bench, *LOAD, "--output", str(load)])
    assert measured.exit_code == 0
    around = read_host_speed(load)
    assert around is not None
    assert around.before == around.after
    assert around.before.decode_s == pytest.approx(0.011)  # 10 ms and 1 ms a row
    assert around.before.prefill_s == pytest.approx(0.026)

    given = ["--against", str(load), "--profile", str(steps / "profile.yaml")]
    table = CliRunner().invoke(simulate_app, given)
    assert "before and after: decoding 1.00, 1.00; prompts 1.00, 1.00" in " ".join(table.stdout.split())
    document = json.loads(CliRunner().invoke(simulate_app, [*given, "--format", "json"]).stdout)
    assert document["loads"][0]["host"]["decode_after"] == pytest.approx(1.0)
    same = document["loads"][0]["rows"][0]
    assert same["predicted_here_s"] == pytest.approx(same["predicted_s"])

    path = load / "host.json"  # the host computes at half the speed from here on
    path.write_text(path.read_text(encoding="utf-8").replace("0.026", "0.052"), encoding="utf-8")
    slower = json.loads(CliRunner().invoke(simulate_app, [*given, "--format", "json"]).stdout)["loads"][0]
    assert (
        slower["rows"][0]["predicted_here_s"] > 1.9 * slower["rows"][0]["predicted_s"]
    )  # prompts are the first token
    assert slower["notices"][-1]["code"] == "host-speed"
