"""llama.cpp in process as an engine of requests: the slot server in a worker, stamps as each step ends."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from dataclasses import asdict, field

from planner.engines.base import EngineOptions
from planner.engines.host import usable_cpus
from planner.engines.llamacpp_session import FLASH_ATTENTION, KV_TYPES, LlamaCppSettings, SessionFacts
from planner.errors import EngineError, UsageError
from planner.records import dataclass
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import (
    CacheAudit,
    EngineFacts,
    Outcome,
    RequestReply,
    RequestStamps,
    TokenUsage,
)

WORKER = (sys.executable, "-m", "planner.engines.llamacpp_worker")
CLOSE_TIMEOUT_S = 10.0


@dataclass(kw_only=True, slots=True)  # state: the answer of the worker is put into it
class _Pending:
    """A request under way in the worker."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    chunks: list[int] = field(default_factory=list)
    failure: str | None = None


class LlamaCppEngine:
    """Serves requests from slots of one context. ``launch_arguments`` are llama-server's names for its size."""

    def __init__(self, options: EngineOptions, *, command: tuple[str, ...] = WORKER) -> None:
        self._options, self._command = options, command
        self._settings = launch_settings(options)
        self._pending: dict[int, _Pending] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._next_id = 0

    async def open(self) -> EngineFacts:
        """Load the model in a worker process.

        Raises
        ------
        EngineError
            If the model cannot be loaded.
        """
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        self._tell({"command": "open", "settings": asdict(self._settings)})
        answer = json.loads(await self._line() or '{"error": "the llama.cpp worker died", "cure": null}')
        if "error" in answer:
            raise EngineError(answer["error"], cure=answer["cure"])
        self._tell({"command": "serve"})
        self._reader = asyncio.create_task(self._read())
        return _facts(SessionFacts(**answer["facts"]), self._settings, self._options)

    async def send(self, request: RequestPlan, *, scheduled_ns: int) -> RequestReply:
        """Queue one request and return its stamps when its last token is written."""
        sent_ns, number, pending = time.perf_counter_ns(), self._next_id, _Pending()
        room = self._settings.context_tokens // self._settings.sequences
        if request.input_tokens + request.output_tokens > room:
            pending.failure = f"a slot holds {room} tokens; raise --ctx-size"
            return _reply(request, scheduled_ns, sent_ns, pending, Outcome.HTTP_4XX)
        self._next_id += 1
        self._pending[number] = pending
        outcome = Outcome.OK
        self._tell(
            {"id": number, "input_tokens": request.input_tokens, "output_tokens": request.output_tokens}
        )
        try:
            await pending.ended.wait()
        except asyncio.CancelledError:
            outcome = Outcome.CANCELLED
        finally:
            self._pending.pop(number, None)
        if pending.failure:
            outcome = Outcome.STREAM_ERROR
        return _reply(request, scheduled_ns, sent_ns, pending, outcome)

    async def cache_counters(self) -> CacheAudit:
        """Return no counts: the slots keep nothing between requests."""
        return CacheAudit()

    async def close(self) -> None:
        """End the worker."""
        if self._reader is not None:
            self._reader.cancel()
        if self._process is None or self._process.returncode is not None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), CLOSE_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _tell(self, message: dict[str, object]) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write((json.dumps(message) + "\n").encode())

    async def _line(self) -> bytes:
        return (
            b""
            if self._process is None or self._process.stdout is None
            else await self._process.stdout.readline()
        )

    async def _read(self) -> None:
        """Give every token's stamp to its request; when the worker dies, end them all."""
        while line := await self._line():
            event = json.loads(line)
            for number in event.get("tokens", ()):
                if number in self._pending:
                    self._pending[number].chunks.append(event["ns"])
            for number in event.get("done", ()):
                if number in self._pending:
                    self._pending[number].ended.set()
            if "error" in event:
                self._fail(event["error"])
        self._fail("the llama.cpp worker died")

    def _fail(self, why: str) -> None:
        for pending in self._pending.values():
            pending.failure = why
            pending.ended.set()


def launch_settings(options: EngineOptions) -> LlamaCppSettings:
    """Read llama-server's arguments for the size of the context and how it is computed.

    Raises
    ------
    UsageError
        If there are others.
    """
    unknown: list[str] = []
    with contextlib.suppress(argparse.ArgumentError):
        given, unknown = _server_arguments().parse_known_args(options.launch_arguments)
        if not unknown:
            return LlamaCppSettings(model=options.model, **vars(given))
    raise UsageError(
        f"llama.cpp in process does not take {' '.join(unknown or options.launch_arguments)}",
        cure="it takes --parallel, --ctx-size, --threads, --batch-size, --ubatch-size and --n-gpu-layers with a number, "
        f"--flash-attn {'|'.join(FLASH_ATTENTION)}, --cache-type-k and --cache-type-v {'|'.join(KV_TYPES)}, and --kv-unified",
    )


def _server_arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for names, field_name, default in (
        (("--parallel", "-np"), "sequences", 4),
        (("--ctx-size", "-c"), "context_tokens", 16_384),
        (("--threads", "-t"), "threads", usable_cpus()),
        (("--batch-size", "-b"), "batch_tokens", 2048),
        (("--ubatch-size", "-ub"), "ubatch_tokens", 512),
        (("--n-gpu-layers", "-ngl"), "gpu_layers", -1),
    ):
        parser.add_argument(*names, dest=field_name, type=int, default=default)
    parser.add_argument(
        "--flash-attn", "-fa", dest="flash_attention", choices=FLASH_ATTENTION, default="auto"
    )
    parser.add_argument("--cache-type-k", "-ctk", dest="kv_type_k", choices=KV_TYPES, default="f16")
    parser.add_argument("--cache-type-v", "-ctv", dest="kv_type_v", choices=KV_TYPES, default="f16")
    parser.add_argument("--kv-unified", "-kvu", dest="unified_kv", action="store_true")
    return parser


def _facts(facts: SessionFacts, settings: LlamaCppSettings, options: EngineOptions) -> EngineFacts:
    flags = {key: value for key, value in asdict(settings).items() if key != "model"}
    return EngineFacts(
        kind="llamacpp",
        name="llama.cpp in process",
        version=facts.version,
        model=options.model,
        model_reported=facts.description,
        max_model_len_tokens=facts.sequence_context_tokens,
        kv_cache_tokens=settings.context_tokens,
        prefix_caching=False,
        synthetic=options.synthetic,
        flags=flags | {"system": facts.system, "gpu_offload": facts.gpu_offload},
    )


def _reply(
    request: RequestPlan, scheduled_ns: int, sent_ns: int, pending: _Pending, outcome: Outcome
) -> RequestReply:
    chunks = tuple(pending.chunks)
    return RequestReply(
        outcome=outcome,
        stamps=RequestStamps(
            scheduled_ns=scheduled_ns,
            ready_ns=sent_ns,
            connected_ns=sent_ns,
            sent_ns=sent_ns,
            first_any_ns=chunks[0] if chunks else None,
            first_token_ns=chunks[0] if chunks else None,
            last_token_ns=chunks[-1] if chunks else None,
            done_ns=chunks[-1] if outcome is Outcome.OK and chunks else time.perf_counter_ns(),
            chunk_ns=chunks,
            chunk_tokens=(1,) * len(chunks),
        ),
        usage=TokenUsage(input_tokens=request.input_tokens, output_tokens=len(chunks), cached_input_tokens=0),
        counted_tokens=True,
        finish_reason="length" if outcome is Outcome.OK else None,
        detail=pending.failure,
    )
