"""What bench needs of an engine that serves requests."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Protocol, TypeAlias

from planner.records import dataclass
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import CacheAudit, EngineFacts, RequestReply
from planner.units import Count

JsonObject: TypeAlias = dict[str, Any]
"""What a server or a worker says, before anybody has looked at it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """How long a client waits before it calls a request failed."""

    connect_s: float = 10.0
    first_token_s: float = 300.0
    idle_s: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """What any engine may be told when it is made; each takes what concerns it.

    ``launch_arguments`` go to an engine that planner starts itself. ``synthetic`` labels results of
    made-up weights. ``api_key`` is never shown: it is left out of ``repr`` and of every record.
    """

    model: str
    url: str | None = None
    endpoint: str = "auto"
    api_key: str | None = field(default=None, repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    honour_retry_after: bool = False
    max_retries: Count = 0
    verify_tls: bool = True
    seed: Count = 0
    launch_arguments: tuple[str, ...] = ()
    synthetic: bool = False


class Engine(Protocol):
    """An engine that answers requests one by one, many at a time, on the running event loop.

    ``send`` never raises for what the server did: a failure is a reply with its outcome. It may be cancelled; then
    it returns what it has, as ``Outcome.CANCELLED``.
    """

    async def open(self) -> EngineFacts:
        """Reach the engine and say what it is, or raise ``EngineError`` with a cure."""
        ...

    async def send(self, request: RequestPlan, *, scheduled_ns: int) -> RequestReply:
        """Send one request and return its stamps when it has ended."""
        ...

    async def cache_counters(self) -> CacheAudit:
        """Return the running totals of the prefix cache, or an empty audit when the engine does not tell."""
        ...

    async def close(self) -> None:
        """Let go of connections and processes."""
        ...
