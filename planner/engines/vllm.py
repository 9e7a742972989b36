"""A vLLM server that planner starts, measures through its own HTTP interface, and stops."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from planner.engines.base import EngineOptions
from planner.engines.host import EXECUTABLE_VARIABLE, vllm_command
from planner.engines.openai_http import OpenAIHttpEngine
from planner.engines.vllm_log import log_figures, start_failure
from planner.errors import EngineError, UsageError
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import CacheAudit, EngineFacts, RequestReply

START_TIMEOUT_S = 900.0  # large models with graph capture take minutes
POLL_S = 0.5
STOP_TIMEOUT_S = 20.0
# nothing that planner starts calls home
ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}


class VllmEngine:
    """Launches ``vllm serve`` for the time of a run. Its log is kept, and named in the facts."""

    def __init__(self, options: EngineOptions) -> None:
        if options.url is not None:
            raise UsageError("--engine vllm starts its own server", cure="leave out --url or --engine")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path(tempfile.gettempdir()) / f"planner-vllm-{os.getpid()}-{time.time_ns()}.log"
        self._port = _free_port()
        root = f"http://127.0.0.1:{self._port}"
        self._client = OpenAIHttpEngine(replace(options, url=f"{root}/v1"))

    async def open(self) -> EngineFacts:
        """Start the server, wait until it is healthy, and say what it is.

        Raises
        ------
        EngineError
            If there is no vLLM, or the server does not start.
        """
        command = self._command()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - returns at once; the user named the arguments
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is planner's to handle, and close() ends the whole group
            )
        await self._wait_until_healthy(self._process)
        facts = await self._client.open()
        told = {"command": " ".join(command[1:]), "log": str(self._log), **log_figures(self._log_text())}
        return replace(facts, kind="vllm", synthetic=self._options.synthetic, flags=facts.flags | told)

    async def send(self, request: RequestPlan, *, scheduled_ns: int) -> RequestReply:
        """Send one request to the server."""
        return await self._client.send(request, scheduled_ns=scheduled_ns)

    async def cache_counters(self) -> CacheAudit:
        """Return the totals of the server's prefix cache."""
        return await self._client.cache_counters()

    async def close(self) -> None:
        """Stop the server and everything that it started."""
        await self._client.close()
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            await asyncio.to_thread(self._process.wait)

    def _command(self) -> list[str]:
        executable = vllm_command()
        if not executable:
            raise EngineError(
                "there is no vllm command",
                cure=f"pip install 'llm-capacity-planner[vllm]', or set {EXECUTABLE_VARIABLE} to one elsewhere",
            )
        place = ["--host", "127.0.0.1", "--port", str(self._port)]
        return [executable, "serve", self._options.model, *place, *self._options.launch_arguments]

    async def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            if process.poll() is not None:
                break
            try:
                status, _ = await self._client.get("/health")
            except OSError:
                status = 0
            if status == 200:
                return
            await asyncio.sleep(POLL_S)
        raise start_failure(self._log_text(), exit_code=process.poll(), log_path=str(self._log))

    def _log_text(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
