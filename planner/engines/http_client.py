"""Connections to one HTTP/1.1 server on the running event loop, kept alive between requests."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from planner.engines.base import Timeouts
from planner.engines.http_errors import ProtocolError
from planner.engines.http_parser import ResponseParser
from planner.engines.openai_stream import StreamTally
from planner.engines.sse import EventReader
from planner.errors import UsageError
from planner.records import dataclass
from planner.specs.measured.measurement import Outcome
from planner.units import NS_PER_S, Count

DONE_GRACE_S = 0.25  # how long a stream may stay open after [DONE] before we close it
IDLE_REUSE_NS = 4 * NS_PER_S  # uvicorn closes idle connections after 5 s; a request must not race with that
EVENT_STARTS = (b"data:", b":", b"event:", b"id:", b"retry:")


class Exchange:
    """One request and its response. ``ended`` is resolved when nothing more will come."""

    def __init__(self, timeouts: Timeouts, on_status: Callable[[int], None] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._on_status = on_status
        self.parser = ResponseParser()
        self.tally = StreamTally()
        self.body = bytearray()
        self.sent_ns = 0
        self.headers_ns: int | None = None
        self.done_ns = 0
        self.broken: tuple[Outcome, str] | None = None
        self.ended: asyncio.Future[None] = loop.create_future()
        self._timeouts = timeouts
        self._events = EventReader()
        self._streaming: bool | None = None
        self._done_seen_ns = 0
        self._timer = loop.call_later(min(timeouts.first_token_s, timeouts.idle_s), self._watch)

    @property
    def whole(self) -> bool:
        """Whether the response ended as HTTP says it should."""
        return self.parser.complete

    def feed(self, data: bytes, now_ns: int) -> None:
        """Take bytes that arrived at ``now_ns``."""
        try:
            body = self.parser.feed(data)
        except ProtocolError as error:
            self.end(now_ns, (Outcome.MALFORMED, str(error)))
            return
        if self.headers_ns is None and self.parser.status is not None:
            self.headers_ns = now_ns
            if self._on_status is not None:
                self._on_status(self.parser.status)
        if body:
            self._take(body, now_ns)
        if self.parser.complete:
            self.end(now_ns)

    def _take(self, body: bytes, now_ns: int) -> None:
        if self._streaming is None:
            kind = self.parser.headers.get("content-type", "")
            self._streaming = "event-stream" in kind or body.startswith(EVENT_STARTS)
        if not self._streaming:
            self.body += body
            return
        for data in self._events.feed(body):
            self.tally.add(data, now_ns)
        if self.tally.done and not self.parser.complete and self._done_seen_ns == 0:
            self._done_seen_ns = now_ns
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(DONE_GRACE_S, self._watch)

    def lost(self, error: Exception | None, now_ns: int) -> None:
        """Take the end of the connection."""
        if self.parser.end():
            self.end(now_ns)
        elif isinstance(error, OSError):
            self.end(now_ns, (Outcome.RESET, error.strerror or str(error)))
        elif self.parser.status is None:
            self.end(now_ns, (Outcome.RESET, "the server closed the connection without an answer"))
        else:
            self.end(now_ns)

    def end(self, now_ns: int, broken: tuple[Outcome, str] | None = None) -> None:
        """Resolve ``ended`` once."""
        if self.done_ns:
            return
        self.done_ns = now_ns
        self.broken = broken
        self._timer.cancel()
        if not self._streaming and self.whole and self.parser.status == 200 and self.body:
            self.tally.add(bytes(self.body), now_ns)
        if not self.ended.done():  # it is when the waiting request was cancelled
            self.ended.set_result(None)

    def _watch(self) -> None:
        """Look whether something is overdue; the timer is only moved when it fires, never per token."""
        now_ns = time.perf_counter_ns()
        tally = self.tally
        if tally.done:
            self.end(self._done_seen_ns)
            return
        if tally.first_token_ns is None:
            late = (Outcome.TIMEOUT_FIRST_TOKEN, f"no token within {self._timeouts.first_token_s:g} s")
            due_ns = self.sent_ns + self._timeouts.first_token_s * NS_PER_S
        else:
            late = (Outcome.TIMEOUT_IDLE, f"no event for {self._timeouts.idle_s:g} s")
            due_ns = tally.chunk_ns[-1] + self._timeouts.idle_s * NS_PER_S
        if now_ns >= due_ns:
            self.end(now_ns, late)
            return
        wait_s = max((due_ns - now_ns) / NS_PER_S, 0.001)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._watch)


class Connection(asyncio.Protocol):
    """A connection that carries one exchange at a time."""

    def __init__(self) -> None:
        self.connected_ns = 0
        self.idle_since_ns = 0
        self.exchanges = 0
        self.closed = False
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Stamp the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - create_connection gives nothing else
        self._transport = transport
        transport.set_write_buffer_limits(high=0)
        self.connected_ns = time.perf_counter_ns()

    def data_received(self, data: bytes) -> None:
        """Stamp first, read afterwards."""
        now_ns = time.perf_counter_ns()
        if self._exchange is not None:
            self._exchange.feed(data, now_ns)

    def resume_writing(self) -> None:
        """Stamp the moment in which a long request has left our hands."""
        if self._exchange is not None:
            self._exchange.sent_ns = time.perf_counter_ns()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the exchange, if one is running."""
        self.closed = True
        if self._exchange is not None:
            self._exchange.lost(exc, time.perf_counter_ns())

    def start(
        self, request: bytes, timeouts: Timeouts, on_status: Callable[[int], None] | None = None
    ) -> Exchange:
        """Send ``request`` and return its exchange; ``on_status`` is told the status as soon as it is there."""
        self._exchange = exchange = Exchange(timeouts, on_status)
        self.exchanges += 1
        if self._transport is not None:
            self._transport.write(request)
        exchange.sent_ns = time.perf_counter_ns()
        return exchange

    def finish(self) -> bool:
        """Let go of the exchange; return whether the connection can serve another one."""
        exchange, self._exchange = self._exchange, None
        self.idle_since_ns = time.perf_counter_ns()
        usable = exchange is not None and exchange.parser.keep_alive and not self.closed
        if not usable:
            self.abort()
        return usable

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a server is. ``path`` is the base of its API, such as ``/v1``."""

    scheme: str
    host: str
    port: Count
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"


def parse_address(url: str) -> Address:
    """Read a base URL.

    Raises
    ------
    UsageError
        If it is not an http or https URL, or carries a secret.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"bad URL {url!r}: {error}", cure="give it as http://HOST:PORT/v1") from error
    if parts.username or parts.password or parts.query:
        raise UsageError(
            "the URL carries user, password or query, which would be written into the records",
            cure="put the key into an environment variable and name it with --api-key-env",
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"bad URL {url!r}", cure="give it as http://HOST:PORT/v1")
    return Address(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or (443 if parts.scheme == "https" else 80),
        path=parts.path.rstrip("/"),
    )


class ConnectionPool:
    """Opens connections to one server and keeps the idle ones."""

    def __init__(self, address: Address, *, timeouts: Timeouts, verify_tls: bool) -> None:
        self._address = address
        self._timeouts = timeouts
        self._idle: list[Connection] = []
        self._tls = _tls_context(verify=verify_tls) if address.scheme == "https" else None

    async def acquire(self) -> Connection:
        """Return an idle connection or a new one.

        Raises
        ------
        OSError
            If the server cannot be reached (``ssl.SSLError`` and ``TimeoutError`` are OSErrors too).
        """
        now_ns = time.perf_counter_ns()
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and now_ns - connection.idle_since_ns < IDLE_REUSE_NS:
                return connection
            connection.abort()
        return await self._connect()

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._timeouts.connect_s):
            _, connection = await loop.create_connection(
                Connection, self._address.host, self._address.port, ssl=self._tls
            )
        return connection

    def release(self, connection: Connection) -> None:
        """Take back a connection after its exchange."""
        if connection.finish():
            self._idle.append(connection)

    def close(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.abort()
        self._idle.clear()


def _tls_context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def request_bytes(
    method: str, path: str, address: Address, *, api_key: str | None, body: bytes = b""
) -> bytes:
    """Render a request."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {address.host}:{address.port}",
        "User-Agent: planner-bench",
        "Accept: text/event-stream, application/json",
        f"Content-Length: {len(body)}",
    ]
    if body:
        lines.append("Content-Type: application/json")
    if api_key:
        lines.append(f"Authorization: Bearer {api_key}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
