"""Drives one point: releases requests, watches the event loop, stops when told or when the server is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import field

import numpy as np

from planner.engines.base import Engine
from planner.records import dataclass
from planner.specs.measured.load import LoadPoint, RequestPlan
from planner.specs.measured.measurement import (
    CacheAudit,
    ClientHealth,
    Outcome,
    PointFacts,
    RequestRecord,
    Verdict,
)
from planner.units import NS_PER_S

LAG_PERIOD_S = 0.01
DEAD_AFTER = 5  # connections refused in a row, at least one per slot, before the server is called dead
FEWEST_FOR_LIMIT = 30  # and two per slot: errors end sooner than answers, so the first to end are not typical
TIMER_GRAIN_S = 0.001  # epoll counts in whole milliseconds, so a timer is up to one late on an idle loop
DEAD_OUTCOMES = frozenset({Outcome.CONNECT, Outcome.TLS})


@dataclass(slots=True)  # state: Ctrl-C moves it on while the run looks at it
class Control:
    """The two stages of Ctrl-C: the first stops new requests and lets the others end, the second cuts them off."""

    draining: bool = False
    aborted: bool = False
    on_change: list[Callable[[], None]] = field(default_factory=list)

    def interrupt(self) -> None:
        """Go one stage further."""
        self.aborted = self.draining
        self.draining = True
        for tell in tuple(self.on_change):
            tell()


@dataclass(frozen=True, kw_only=True, slots=True)
class RunnerSettings:
    """Limits of a point."""

    max_error_fraction: float = 0.5
    drain_s: float = 30.0


class LagSampler:
    """Measures how late the event loop runs its timers: what the client itself adds to every stamp."""

    def __init__(self) -> None:
        self._lags_s: list[float] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sample."""
        self._task = asyncio.ensure_future(self._sample())

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(LAG_PERIOD_S)
            self._lags_s.append(max(0.0, loop.time() - before - LAG_PERIOD_S - TIMER_GRAIN_S))

    def stop(self) -> ClientHealth:
        """Stop, and return the lags."""
        if self._task is not None:
            self._task.cancel()
        if not self._lags_s:
            return ClientHealth()
        p50, p99 = (float(value) for value in np.quantile(self._lags_s, (0.5, 0.99)))
        return ClientHealth(loop_lag_p50_s=p50, loop_lag_p99_s=p99)


class PointRun:
    """One point while it runs."""

    def __init__(
        self,
        engine: Engine,
        point: LoadPoint,
        plans: tuple[RequestPlan, ...],
        *,
        number: int,
        session: int,
        take: Callable[[RequestRecord], None],
        control: Control,
        settings: RunnerSettings,
        judge: Callable[[RequestRecord], Verdict | None] | None = None,
    ) -> None:
        self._judge = judge
        self._verdict: Verdict | None = None
        self._engine = engine
        self._point = point
        self._plans = plans
        self._number = number
        self._session = session
        self._take = take
        self._control = control
        self._settings = settings
        self._start_ns = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = self._failed = self._refused = 0
        self._failure: BaseException | None = None
        self.stopped: str | None = None

    async def run(self) -> PointFacts:
        """Run the point to its end and return what was seen beside its requests."""
        cache = await self._engine.cache_counters()
        lag = LagSampler()
        lag.start()
        self._control.on_change.append(self._on_interrupt)
        self._start_ns = time.perf_counter_ns()
        try:
            await (self._closed() if self._point.kind == "closed" else self._open())
        finally:
            self._control.on_change.remove(self._on_interrupt)
            health = lag.stop()
            await self._cut_off()
        if self._failure is not None:
            raise self._failure
        return PointFacts(
            point=self._number,
            session=self._session,
            start_ns=self._start_ns,
            health=health,
            cache=cache_difference(cache, await self._engine.cache_counters()),
            stopped="interrupted" if self._control.draining else self.stopped,
            verdict=None if self._judge is None else self._verdict or "open",
        )

    def _on_interrupt(self) -> None:
        if self._control.aborted:
            for task in self._tasks:
                task.cancel()

    async def _cut_off(self) -> None:
        """Stop what is still running, as when a record could not be written."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _closed(self) -> None:
        plans = iter(self._plans)
        for _ in range(min(self._point.concurrency or 1, len(self._plans))):
            self._spawn(self._slot(plans))
        await self._settle()

    async def _slot(self, plans: Iterator[RequestPlan]) -> None:
        while not self._over():
            plan = next(plans, None)
            if plan is None:
                return
            await self._one(plan, time.perf_counter_ns())

    async def _open(self) -> None:
        cap = asyncio.Semaphore(self._point.concurrency or len(self._plans))
        for plan in self._plans:
            due_ns = self._start_ns + round((plan.offset_s or 0.0) * NS_PER_S)
            await self._sleep_until(due_ns)
            if self._over():
                break
            self._spawn(self._capped(cap, plan, due_ns))
        await self._settle()

    async def _sleep_until(self, due_ns: int) -> None:
        """Sleep in short turns, so that an interrupt does not wait for the next arrival."""
        while not self._over() and (left_s := (due_ns - time.perf_counter_ns()) / NS_PER_S) > 0:  # noqa: ASYNC110 - the clock is what we wait for
            await asyncio.sleep(min(left_s, 0.1))

    async def _capped(self, cap: asyncio.Semaphore, plan: RequestPlan, due_ns: int) -> None:
        async with cap:
            if not self._over():
                await self._one(plan, due_ns)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._keep_failure)
        self._tasks.add(task)

    def _keep_failure(self, task: asyncio.Task[None]) -> None:
        """Keep what went wrong beside a request, such as a disk that is full: nothing more is sent, and the run ends."""
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()

    async def _settle(self) -> None:
        """Wait until nothing runs; after the first Ctrl-C no longer than the drain allows."""
        while any(not task.done() for task in self._tasks):
            wait_s = self._settings.drain_s if self._control.draining else None
            pending = [task for task in self._tasks if not task.done()]
            await asyncio.wait(pending, timeout=wait_s or 0.2, return_when=asyncio.ALL_COMPLETED)
            if wait_s is not None and any(not task.done() for task in pending):
                for task in pending:
                    task.cancel()

    def _over(self) -> bool:
        decided = self._verdict is not None or self.stopped is not None
        return decided or self._control.draining or self._failure is not None

    async def _one(self, plan: RequestPlan, scheduled_ns: int) -> None:
        reply = await self._engine.send(plan, scheduled_ns=scheduled_ns)
        self._watch(reply.outcome)
        record = RequestRecord(
            point=self._number,
            session=self._session,
            index=plan.index,
            phase=plan.phase,
            input_tokens=plan.input_tokens,
            output_tokens=plan.output_tokens,
            reply=reply,
        )
        if self._judge is not None and self._verdict is None:
            self._verdict = self._judge(record)
        self._take(record)

    def _watch(self, outcome: Outcome) -> None:
        """Stop the point when the server is dead or fails too often."""
        self._ended += 1
        self._failed += outcome is not Outcome.OK
        self._refused = self._refused + 1 if outcome in DEAD_OUTCOMES else 0
        if self._refused >= max(DEAD_AFTER, self._point.concurrency or 0):
            self.stopped = "server-died"
        elif (
            self._ended >= FEWEST_FOR_LIMIT and self._failed > self._settings.max_error_fraction * self._ended
        ):
            self.stopped = "too-many-errors"


def cache_difference(before: CacheAudit, after: CacheAudit) -> CacheAudit:
    """Return what the prefix cache did between two readings."""
    return CacheAudit(
        queried_tokens=_minus(after.queried_tokens, before.queried_tokens),
        hit_tokens=_minus(after.hit_tokens, before.hit_tokens),
    )


def _minus(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before
