"""Any OpenAI-compatible server: vLLM, llama-server, SGLang, Ollama, a provider. Returns stamps only."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from dataclasses import replace

from planner.engines.base import EngineOptions
from planner.engines.http_client import (
    Connection,
    ConnectionPool,
    Exchange,
    parse_address,
    request_bytes,
)
from planner.engines.openai_body import PromptMaker, first_dialect, next_dialect, request_body
from planner.engines.openai_stream import DETAIL_LIMIT, judge_stream, outcome_of_status
from planner.engines.server_facts import cache_counters, describe_server
from planner.errors import UsageError
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import CacheAudit, EngineFacts, Outcome, RequestReply, RequestStamps

HASH_DIGITS = 16
RETRY_WAIT_S = 1.0  # when the server names no time
LONGEST_RETRY_WAIT_S = 120.0


class OpenAIHttpEngine:
    """A client of one server. The first request teaches it which fields the server takes."""

    def __init__(self, options: EngineOptions) -> None:
        if options.url is None:
            raise UsageError(
                "an OpenAI-compatible server needs its URL", cure="add --url http://HOST:PORT/v1"
            )
        self._options = options
        self._address = parse_address(options.url)
        self._pool = ConnectionPool(self._address, timeouts=options.timeouts, verify_tls=options.verify_tls)
        self._prompts = PromptMaker(options.seed)
        self._dialect = first_dialect(options.endpoint)
        self._dialect_known = False
        self._learning: asyncio.Event | None = None  # set when the request that learns is understood or over

    async def open(self) -> EngineFacts:
        """Ask the server what it is."""
        return await describe_server(self.get, self._options, str(self._address))

    async def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page of the server; paths count from its root, not from ``/v1``.

        Raises
        ------
        OSError
            If the server cannot be reached.
        """
        request = request_bytes("GET", path, self._address, api_key=self._options.api_key)
        connection = await self._pool.acquire()
        exchange = connection.start(request, replace(self._options.timeouts, first_token_s=5.0, idle_s=5.0))
        try:
            await exchange.ended
        finally:
            self._pool.release(connection)
        if exchange.broken is not None or exchange.parser.status is None:
            return 0, ""
        return exchange.parser.status, exchange.body.decode("utf-8", "replace")

    async def cache_counters(self) -> CacheAudit:
        """Return the totals of the prefix cache from the server's metrics page."""
        return await cache_counters(self.get)

    async def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()
        await asyncio.sleep(0)  # lets the transports run their closing callbacks

    async def send(self, request: RequestPlan, *, scheduled_ns: int) -> RequestReply:
        """Send one request; whatever happens to it is in the reply."""
        while not self._dialect_known:  # one request goes alone, the others wait for what it learns
            if self._learning is None:
                return await self._learn_with(request, scheduled_ns)
            await self._learning.wait()
        return await self._send_patiently(request, scheduled_ns)

    async def _learn_with(self, request: RequestPlan, scheduled_ns: int) -> RequestReply:
        learning = self._learning = asyncio.Event()
        try:
            return await self._learn(request, scheduled_ns)
        finally:
            learning.set()
            self._learning = None

    def _on_status(self, status: int) -> None:
        """Take note that the server understands us, as soon as it begins to answer."""
        if status == 200 and not self._dialect_known:
            self._dialect_known = True
            if self._learning is not None:
                self._learning.set()

    async def _learn(self, request: RequestPlan, scheduled_ns: int) -> RequestReply:
        """Send ``request`` in simpler and simpler words until the server takes it."""
        while True:
            reply = await self._send_patiently(request, scheduled_ns)
            if reply.http_status == 200:
                self._learn_overhead(request, reply)
                return reply
            simpler = next_dialect(
                self._dialect,
                status=reply.http_status or 0,
                body=reply.detail or "",
                endpoint=self._options.endpoint,
            )
            if simpler is None:
                return reply
            self._dialect = simpler

    def _learn_overhead(self, request: RequestPlan, reply: RequestReply) -> None:
        counted = reply.usage.input_tokens
        if counted is not None and not self._dialect.token_ids:
            extra = max(0, counted - request.input_tokens + self._dialect.overhead_tokens)
            self._dialect = replace(self._dialect, overhead_tokens=extra)

    async def _send_patiently(self, request: RequestPlan, scheduled_ns: int) -> RequestReply:
        """Send, and after a 429 wait and send again if that is the policy; time counts from the first attempt."""
        reply, wait_s = await self._send_once(request, scheduled_ns)
        first, attempts = reply.stamps, 1
        patient = self._options.max_retries if self._options.honour_retry_after else 0
        while reply.outcome is Outcome.RATE_LIMITED and attempts <= patient:
            try:
                await asyncio.sleep(wait_s)
            except asyncio.CancelledError:
                break
            reply, wait_s = await self._send_once(request, scheduled_ns)
            attempts += 1
        stamps = replace(reply.stamps, ready_ns=first.ready_ns, sent_ns=first.sent_ns)
        return replace(reply, stamps=stamps, attempts=attempts)

    async def _send_once(self, request: RequestPlan, scheduled_ns: int) -> tuple[RequestReply, float]:
        body = request_body(self._dialect, model=self._options.model, plan=request, prompts=self._prompts)
        kind = "chat/completions" if self._dialect.chat else "completions"
        message = request_bytes(
            "POST", f"{self._address.path}/{kind}", self._address, api_key=self._options.api_key, body=body
        )
        ready_ns = time.perf_counter_ns()
        try:
            connection = await self._pool.acquire()
        except OSError as error:
            return _unreached(error, scheduled_ns, ready_ns), 0.0
        except asyncio.CancelledError:
            return _unreached(None, scheduled_ns, ready_ns), 0.0
        exchange = connection.start(message, self._options.timeouts, self._on_status)
        try:
            await exchange.ended
        except asyncio.CancelledError:
            exchange.end(time.perf_counter_ns(), (Outcome.CANCELLED, "stopped by the user"))
        stamps = _stamps(exchange, connection, scheduled_ns, ready_ns)
        reply = self._reply(exchange, stamps, request, reused=connection.exchanges > 1)
        self._pool.release(connection)
        digest = hashlib.sha256(body).hexdigest()[:HASH_DIGITS]
        return replace(reply, prompt_hash=digest), _retry_wait_s(exchange)

    def _reply(
        self, exchange: Exchange, stamps: RequestStamps, request: RequestPlan, *, reused: bool
    ) -> RequestReply:
        tally = exchange.tally
        outcome, detail = self._judge(exchange, request)
        return RequestReply(
            outcome=outcome,
            stamps=stamps,
            usage=tally.usage,
            counted_tokens=tally.counted_tokens,
            http_status=exchange.parser.status,
            finish_reason=tally.finish_reason,
            response_id=tally.response_id,
            response_model=tally.response_model,
            detail=self._redact(detail),
            reused_connection=reused,
            tool_calls=tuple(tally.tool_calls),
        )

    def _judge(self, exchange: Exchange, request: RequestPlan) -> tuple[Outcome, str | None]:
        if exchange.broken is not None:
            return exchange.broken
        status = exchange.parser.status
        if status is None or status != 200:
            text = exchange.body.decode("utf-8", "replace")
            return outcome_of_status(status or 0), f"HTTP {status}: {text}"
        asked = request.output_tokens if self._dialect.exact_length else None
        return judge_stream(exchange.tally, whole=exchange.whole, asked_tokens=asked)

    def _redact(self, detail: str | None) -> str | None:
        if detail and self._options.api_key:
            detail = detail.replace(self._options.api_key, "[api key]")
        return detail[:DETAIL_LIMIT] if detail else None


def _stamps(exchange: Exchange, connection: Connection, scheduled_ns: int, ready_ns: int) -> RequestStamps:
    tally = exchange.tally
    return RequestStamps(
        scheduled_ns=scheduled_ns,
        ready_ns=ready_ns,
        connected_ns=max(ready_ns, connection.connected_ns),
        sent_ns=exchange.sent_ns,
        headers_ns=exchange.headers_ns,
        first_any_ns=tally.first_any_ns,
        first_token_ns=tally.first_token_ns,
        last_token_ns=tally.last_token_ns,
        done_ns=exchange.done_ns,
        chunk_ns=tuple(tally.chunk_ns),
        chunk_tokens=tuple(tally.chunk_tokens),
    )


def _unreached(error: OSError | None, scheduled_ns: int, ready_ns: int) -> RequestReply:
    if error is None:
        outcome, detail = Outcome.CANCELLED, "stopped by the user"
    elif isinstance(error, ssl.SSLError):
        outcome, detail = Outcome.TLS, f"TLS failed: {error.reason or error}"
    elif isinstance(error, TimeoutError):
        outcome, detail = Outcome.CONNECT, "connecting timed out"
    else:
        outcome, detail = Outcome.CONNECT, error.strerror or str(error)
    stamps = RequestStamps(scheduled_ns=scheduled_ns, ready_ns=ready_ns, done_ns=time.perf_counter_ns())
    return RequestReply(outcome=outcome, stamps=stamps, detail=detail)


def _retry_wait_s(exchange: Exchange) -> float:
    text = exchange.parser.headers.get("retry-after", "")
    try:
        return min(max(float(text), 0.0), LONGEST_RETRY_WAIT_S)
    except ValueError:  # absent, or a date: wait the usual time
        return RETRY_WAIT_S
