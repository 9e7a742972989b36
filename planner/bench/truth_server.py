"""A streaming server with known truth: it stamps every token it writes, on the clock that the client uses.

The self-check before a run measures the client against it, tests and demonstrations use it as an engine that
cannot lie. ``time.perf_counter_ns`` is the same clock in all processes of a machine on Linux and macOS, so the
truth of one process can be compared with what a client in another one saw.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import ssl
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from urllib.parse import urlsplit

from planner.bench.truth_frames import Ask, Fault, FaultEvery, TruthConfig, plain_response, read_ask
from planner.bench.truth_stream import Stream, Ticker, Truth

RESET_LINGER = struct.pack("ii", 1, 0)  # close with RST instead of FIN
KILLED = 137


class Connection(asyncio.Protocol):
    """One client connection; requests on it are answered in order."""

    def __init__(self, server: TruthServer) -> None:
        self._server = server
        self._buffer = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None
        self.closed = False
        self.release: Callable[[], None] | None = None  # set while a stream holds a slot for this connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a server gives nothing else
        self._transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the connection, and free the slot that its stream holds."""
        self.closed = True
        self._server.connections.discard(self)
        if self.release is not None:
            self.release()

    def data_received(self, data: bytes) -> None:
        """Collect a whole request, then answer it."""
        self._buffer += data
        self._take_request(time.perf_counter_ns())

    def next_request(self) -> None:
        """Allow the next request on this connection."""
        self._busy = False
        self._take_request(time.perf_counter_ns())

    def _take_request(self, now_ns: int) -> None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if self._busy or not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        length = next(
            (int(line.split(":")[1]) for line in lines[1:] if line.lower().startswith("content-length")), 0
        )
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._busy = True
        method, target, _ = lines[0].split(" ", 2)
        self._server.answer(self, method, urlsplit(target).path, rest[:length], now_ns)

    def write(self, data: bytes) -> None:
        """Write unless the client has gone."""
        if self._transport is not None and not self.closed:
            self._transport.write(data)

    def reply(self, response: bytes) -> None:
        """Write a whole response and allow the next request."""
        self.write(response)
        self.next_request()

    def drop(self, *, reset: bool) -> None:
        """Close the connection, with RST when ``reset``."""
        if self._transport is None:
            return
        if reset:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_LINGER)
            self._transport.abort()
        else:
            self._transport.close()


class TruthServer:
    """The server: admits requests to its slots, knows what it did."""

    def __init__(self, config: TruthConfig) -> None:
        self.config = config
        self.truths: list[Truth] = []
        self.connections: set[Connection] = set()
        self._ticker = Ticker()
        self._running = 0
        self._waiting: deque[tuple[Stream, Connection]] = deque()
        self._server: asyncio.Server | None = None

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
    ) -> int:
        """Listen, behind TLS where a context is given, and return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port, backlog=1024, ssl=tls)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and drop every client."""
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.drop(reset=False)
            await self._server.wait_closed()

    def answer(self, connection: Connection, method: str, path: str, body: bytes, now_ns: int) -> None:
        """Answer one request."""
        if method == "GET":
            connection.reply(self._page(path))
        elif not path.endswith("/completions") or (self.config.chat_only and "/chat/" not in path):
            connection.reply(plain_response("404 Not Found", b'{"detail": "Not Found"}'))
        else:
            self._complete(connection, read_ask(path, body), now_ns)

    def _page(self, path: str) -> bytes:
        if path == "/truth":
            rows = [{name: getattr(row, name) for name in Truth.__slots__} for row in self.truths]
            return plain_response("200 OK", json.dumps(rows).encode())
        if path.endswith("/models"):
            return plain_response(
                "200 OK", b'{"object": "list", "data": [{"id": "truth", "max_model_len": 65536}]}'
            )
        if path == "/health":
            return plain_response("200 OK", b"{}")
        return plain_response("404 Not Found", b"{}")

    def _complete(self, connection: Connection, ask: Ask, now_ns: int) -> None:
        refused = [name for name in self.config.refused_fields if name in ask.fields]
        if refused:
            message = json.dumps(
                {"error": {"message": f"Unrecognized request argument supplied: {refused[0]}"}}
            )
            connection.reply(plain_response("400 Bad Request", message.encode()))
            return
        truth = Truth(number=len(self.truths) + 1, received_ns=now_ns)
        truth.fault = self.config.fault_of(truth.number)
        self.truths.append(truth)
        if self.config.die_after is not None and truth.number > self.config.die_after:
            os._exit(KILLED)
        if not self._refuse(connection, truth):
            self._waiting.append((Stream(self.config, self._ticker, connection, ask, truth), connection))
            self._admit()

    def _refuse(self, connection: Connection, truth: Truth) -> bool:
        """Apply a fault that strikes before the stream; return whether the request is over."""
        wait = ("Retry-After", f"{self.config.retry_after_s:g}")
        error = b'{"error": {"message": "injected"}}'
        responses = {
            Fault.RATE_LIMITED: plain_response("429 Too Many Requests", error, wait),
            Fault.HTTP_400: plain_response("400 Bad Request", error),
            Fault.HTTP_500: plain_response("500 Internal Server Error", error),
        }
        if truth.fault == Fault.RESET:
            connection.drop(reset=True)
            return True
        response = responses.get(Fault(truth.fault)) if truth.fault else None
        if response is not None:
            connection.reply(response)
        return response is not None

    def _admit(self) -> None:
        slots = self.config.slots
        while self._waiting and (slots is None or self._running < slots):
            self._running += 1
            stream, connection = self._waiting.popleft()
            connection.release = partial(self._release, connection)
            stream.admit(connection.release, lambda: self._running)

    def _release(self, connection: Connection) -> None:
        """Free the slot of a request that is over, and let its connection carry the next one."""
        connection.release = None
        self._running -= 1
        self._admit()
        connection.next_request()


def parse_config(arguments: list[str]) -> tuple[TruthConfig, argparse.Namespace]:
    """Read ``--config`` with fields of ``TruthConfig``, ``--fault kind:every`` and where to listen."""
    parser = argparse.ArgumentParser(prog="truth_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--config", default="{}", help="JSON object with fields of TruthConfig")
    parser.add_argument("--watch-stdin", action="store_true", help="stop when stdin, a pipe, is closed")
    given = parser.parse_args(arguments)
    known = {item.name for item in fields(TruthConfig)}
    values = {name: value for name, value in json.loads(given.config).items() if name in known}
    faults = tuple(
        FaultEvery(fault=Fault(kind), every=int(every))
        for kind, _, every in (text.partition(":") for text in given.fault)
    )
    return TruthConfig(**(values | {"faults": faults})), given


async def _serve(config: TruthConfig, port: int, *, watch_stdin: bool) -> None:
    server = TruthServer(config)
    bound = await server.start(port=port)
    sys.stdout.write(f"{bound}\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if watch_stdin:
        loop.add_reader(sys.stdin.fileno(), stopped.set)  # its end: whoever started us has gone
    await stopped.wait()
    await server.stop()


if __name__ == "__main__":
    chosen, options = parse_config(sys.argv[1:])
    asyncio.run(_serve(chosen, options.port, watch_stdin=options.watch_stdin))
