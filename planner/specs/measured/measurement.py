"""What a measurement yields: time stamps of one request, and the results computed from them.

Engines return stamps (``RequestReply``); ``bench.summary`` is the one place that turns them into TTFT, ITL,
TPOT and goodput. Stamps are nanoseconds of ``time.perf_counter_ns``; the wall clock is read once per session
and kept in the manifest, so a stamp can be dated without a clock that may step backwards.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Literal

from planner.records import dataclass
from planner.specs.measured.load import LoadPoint, Phase, SloTarget
from planner.specs.measured.telemetry import GpuUse
from planner.units import Count, MeanCount, Nanoseconds, TokenNumber

PERCENTILE_DIGITS = 6
BENCH_SCHEMA = "planner.bench/1"
Setting = str | int | float | bool | None
Verdict = Literal["holds", "misses", "open"]
"""What a probe of the saturation search has shown about its limits; ``open`` is undecided."""


class Outcome(StrEnum):
    """How a request ended. Everything but ``OK`` is a failure and a goodput miss."""

    OK = "ok"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT_FIRST_TOKEN = "timeout_first_token"  # noqa: S105 - a token of text, not a secret
    TIMEOUT_IDLE = "timeout_idle"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    RATE_LIMITED = "rate_limited"
    RESET = "reset"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    STREAM_ERROR = "stream_error"
    EMPTY = "empty"
    WRONG_LENGTH = "wrong_length"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestStamps:
    """When things happened to one request [ns of perf_counter]. ``None``: it never happened.

    ``scheduled`` is when the load plan wanted it sent, ``ready`` when the client had a free slot and the body in
    hand, ``sent`` when the last byte was handed to the system (first attempt, if it was retried), ``first_any``
    the first event of any kind, ``first_token`` the first one with text, reasoning, a tool call or token ids.
    ``chunk_ns`` and ``chunk_tokens`` run in parallel: one entry per event that carried ``choices``; an event
    without content (role, finish) has 0 tokens, one whose token count the server does not tell has 1.
    """

    scheduled_ns: Nanoseconds
    ready_ns: Nanoseconds
    connected_ns: Nanoseconds | None = None
    sent_ns: Nanoseconds | None = None
    headers_ns: Nanoseconds | None = None
    first_any_ns: Nanoseconds | None = None
    first_token_ns: Nanoseconds | None = None
    last_token_ns: Nanoseconds | None = None
    done_ns: Nanoseconds
    chunk_ns: tuple[int, ...] = ()
    chunk_tokens: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenUsage:
    """Token counts as the server states them; ``None`` where it does not."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestReply:
    """What an engine returns for one request: stamps, counts and how it ended. No metric is computed here.

    ``counted_tokens`` says that ``chunk_tokens`` are real counts (token ids were returned), not one per event.
    """

    outcome: Outcome
    stamps: RequestStamps
    usage: TokenUsage = field(default_factory=TokenUsage)
    counted_tokens: bool = False
    http_status: Count | None = None
    finish_reason: str | None = None
    response_id: str | None = None
    response_model: str | None = None
    detail: str | None = None
    attempts: Count = 1
    reused_connection: bool = False
    tool_calls: tuple[str, ...] = ()
    prompt_hash: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestRecord:
    """One line of ``requests.jsonl``: what was asked, in which point and session, and what came back."""

    point: Count
    session: Count
    index: Count
    phase: Phase
    input_tokens: int
    output_tokens: int
    reply: RequestReply


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A two-sided confidence interval; the confidence stands in the result that carries it."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PercentileValue:
    """A percentile with its interval. ``interval`` is ``None`` when n is too small to support one."""

    fraction: float
    value: float
    interval: Interval | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """The sample of one metric. ``n`` 0 has no mean and no percentiles: unknown, never 0.

    ``effective_n`` is what the sample is worth after serial correlation; the intervals are computed from it.
    """

    n: Count
    effective_n: MeanCount = 0.0
    mean: float | None = None
    mean_interval: Interval | None = None
    percentiles: tuple[PercentileValue, ...] = ()

    def at(self, fraction: float) -> PercentileValue | None:
        """Return the percentile ``fraction`` (0.95 is p95), or ``None`` when it was not computed."""
        return next((item for item in self.percentiles if item.fraction == fraction), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestCounts:
    """How the requests of a point ended. ``by_error`` names every class that occurred."""

    ok: Count
    failed: Count
    by_error: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SteadyWindow:
    """The time in which throughput is counted, from the start of the point, and the rule that chose it. [s]"""

    start_s: float
    end_s: float
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientHealth:
    """How well the client itself ran during a point: event-loop lag and the ceiling found by the self-check.

    And what took the machine's CPU time beside it, as fractions of all: processes that are neither client nor engine
    (known where planner started the engine), and the host's other guests.
    """

    loop_lag_p50_s: float | None = None
    loop_lag_p99_s: float | None = None
    ceiling_tokens_per_s: float | None = None
    ttft_error_s: float | None = None
    foreign_fraction: float | None = None
    steal_fraction: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheAudit:
    """What the server says about its prefix cache during a point. ``None``: it does not say."""

    queried_tokens: float | None = None
    hit_tokens: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PointFacts:
    """What the runner saw of a point beside its requests; written when the point ends."""

    point: Count
    session: Count
    start_ns: Nanoseconds
    health: ClientHealth = field(default_factory=ClientHealth)
    cache: CacheAudit = field(default_factory=CacheAudit)
    stopped: str | None = None
    verdict: Verdict | None = None
    gpu: GpuUse | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PointResult:
    """One measured point. Rates are over the steady window; ``*_total`` over the whole point, ramp and drain.

    ``ttft_s`` counts from the sent request, ``ttft_scheduled_s`` from the time the plan wanted it sent: what a
    user waits. ``flags`` say why a point should not be trusted or fitted.
    """

    load: LoadPoint
    requests: RequestCounts
    ttft_s: Distribution
    ttft_scheduled_s: Distribution
    tpot_s: Distribution
    itl_s: Distribution
    e2e_s: Distribution
    e2e_scheduled_s: Distribution
    input_tokens_mean: TokenNumber | None
    output_tokens_mean: TokenNumber | None
    window: SteadyWindow
    requests_per_s: float | None
    output_tokens_per_s: float | None
    output_tokens_per_s_total: float | None
    goodput_requests_per_s: float | None
    good_fraction: float | None
    health: ClientHealth
    cache: CacheAudit
    flags: tuple[str, ...] = ()
    stopped: str | None = None
    verdict: Verdict | None = None
    gpu: GpuUse | None = None

    def holds(self, target: SloTarget) -> bool:
        """Tell whether the measured percentile is at or under its limit; failed requests count as over it."""
        sample: Distribution = getattr(self, target.metric)
        item = sample.at(round(target.fraction, PERCENTILE_DIGITS))
        total = self.requests.ok + self.requests.failed
        too_many_failed = total > 0 and self.requests.failed / total > 1 - target.fraction
        return item is not None and item.value <= target.limit_s and not too_many_failed


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineFacts:
    """The machine that ran the client (and the engine, where it is local)."""

    host_id: str
    system: str
    cpu: str
    cpu_count: int
    memory_bytes: int | None
    python: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineFacts:
    """The engine as it describes itself. ``flags`` are what it was started with or reports, secrets left out."""

    kind: str
    name: str
    version: str | None
    model: str
    model_reported: str | None = None
    url: str | None = None
    max_model_len_tokens: int | None = None
    kv_cache_tokens: int | None = None
    prefix_caching: bool | None = None
    synthetic: bool = False
    flags: dict[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLabels:
    """What the user wants written beside each request: provider, feature and user label."""

    provider: str = "self_hosted"
    feature: str | None = None
    user: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunManifest:
    """Everything about a run that is known before its first request; written first."""

    schema: str = BENCH_SCHEMA
    run_id: str
    started_at: str
    wall_ns: Nanoseconds
    perf_ns: Nanoseconds
    planner_version: str
    git_commit: str | None
    machine: MachineFacts
    engine: EngineFacts
    labels: RunLabels
    points: tuple[LoadPoint, ...]
    slo: tuple[SloTarget, ...] = ()
    settings: dict[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """A run with all its points. ``interrupted`` and ``last_good_point`` say how a ladder ended."""

    manifest: RunManifest
    points: tuple[PointResult, ...]
    convention: str = "planner"
    interrupted: bool = False
    stopped: str | None = None
    last_good_point: Count | None = None
