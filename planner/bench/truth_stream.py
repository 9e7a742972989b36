"""The streams of the known-truth server: each token is written at its due time and stamped when it is written."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from planner.bench.truth_frames import (
    LAST_CHUNK,
    Ask,
    EventWriter,
    Fault,
    TruthConfig,
    chunked,
    stream_head,
)
from planner.records import dataclass
from planner.units import NS_PER_S, Count, Nanoseconds


class Sink(Protocol):
    """Where a stream writes to."""

    closed: bool

    def write(self, data: bytes) -> None:
        """Write unless the client has gone."""
        ...

    def drop(self, *, reset: bool) -> None:
        """Close the connection, with RST when ``reset``."""
        ...


@dataclass(slots=True)  # state: tokens come in while the answer is sent
class Truth:
    """What really happened to one request, in times of perf_counter."""

    number: Count
    received_ns: Nanoseconds
    fault: str | None = None
    tokens: int = 0
    token_ns: list[int] = field(default_factory=list)


class Ticker:
    """Runs the streams in order of their due times, all from one timer."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Stream]] = []
        self._order = 0
        self._armed_ns: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, due_ns: int, stream: Stream) -> None:
        """Call ``stream.step`` at ``due_ns``."""
        self._order += 1
        heapq.heappush(self._heap, (due_ns, self._order, stream))
        if self._armed_ns is None or due_ns < self._armed_ns:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_ns = self._heap[0][0]
        wait_s = max(0, self._armed_ns - time.perf_counter_ns()) / NS_PER_S
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._run)

    def _run(self) -> None:
        self._armed_ns = 0  # streams that come back while this runs must not arm the timer
        while self._heap and self._heap[0][0] <= time.perf_counter_ns():
            due_ns, _, stream = heapq.heappop(self._heap)
            stream.step(due_ns)
        self._armed_ns = None
        if self._heap:
            self._arm()


class Stream:
    """One answer being written, one step at a time."""

    def __init__(self, config: TruthConfig, ticker: Ticker, sink: Sink, ask: Ask, truth: Truth) -> None:
        self._config = config
        self._ticker = ticker
        self._sink = sink
        self._ask = ask
        self._truth = truth
        self._writer = EventWriter(config, ask, truth.number)
        self._on_end: Callable[[], None] = _ignore
        self._running: Callable[[], int] = _none_running
        self._target = ask.output_tokens // 2 if truth.fault == Fault.SHORT else ask.output_tokens

    def admit(self, on_end: Callable[[], None], running: Callable[[], int]) -> None:
        """Write what comes before the tokens and plan the first of them; call ``on_end`` once it is over."""
        self._on_end, self._running = on_end, running
        now_ns = time.perf_counter_ns()
        self._sink.write(stream_head())
        self._send(self._writer.opening())
        if self._truth.fault == Fault.EMPTY:
            self._finish()
        elif self._truth.fault != Fault.HANG_FIRST:
            self._ticker.add(now_ns + round(self._config.ttft_s * NS_PER_S), self)

    def step(self, due_ns: int) -> None:
        """Write the next tokens, or the end, and plan the step after."""
        if self._sink.closed or self._break_midway():
            return
        config = self._config
        count = min(config.tokens_per_event, self._target - self._truth.tokens)
        self._send(self._writer.tokens(count))
        self._truth.token_ns.append(time.perf_counter_ns())
        self._truth.tokens += count
        if self._truth.tokens >= self._target:
            self._finish()
            return
        gap_s = count * (config.itl_s + config.itl_s_per_stream * self._running())
        if config.stall_at_token is not None and self._truth.tokens == config.stall_at_token:
            gap_s += config.stall_s
        self._ticker.add(due_ns + round(gap_s * NS_PER_S), self)

    def _break_midway(self) -> bool:
        """Apply a fault that strikes halfway; return whether the stream is over."""
        if self._truth.tokens < self._ask.output_tokens // 2:
            return False
        fault = self._truth.fault
        if fault == Fault.HANG_MID:
            return True
        if fault in {Fault.CUT, Fault.RESET_MID}:
            self._sink.drop(reset=fault == Fault.RESET_MID)
            return True
        if fault == Fault.STREAM_ERROR:
            self._send(self._writer.stream_error())
            self._end()
            return True
        if fault == Fault.MALFORMED:
            self._send(self._writer.malformed())
            self._truth.fault = f"{Fault.MALFORMED}:sent"
        return False

    def _finish(self) -> None:
        self._send(self._writer.closing(self._truth.tokens))
        self._end()

    def _end(self) -> None:
        self._sink.write(LAST_CHUNK)
        self._on_end()

    def _send(self, events: bytes) -> None:
        if not events:
            return
        if self._config.split_events:
            middle = len(events) // 2
            self._sink.write(chunked(events[:middle]))
            self._sink.write(chunked(events[middle:]))
        else:
            self._sink.write(chunked(events))


def _ignore() -> None:
    """Stand in for the callback of a stream that was not admitted yet."""


def _none_running() -> int:
    return 0
