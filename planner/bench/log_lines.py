"""One flat line per request for log stores: the fields of a request log, by OpenTelemetry's GenAI names where there are any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from planner.bench.metrics import output_tokens, request_times
from planner.specs.measured.measurement import Outcome, RequestRecord, RunManifest
from planner.units import NS_PER_S

RequestPrice = Callable[[int, int, int], float | None]  # input, cached input and output tokens to USD


def log_line(
    record: RequestRecord, manifest: RunManifest, price: RequestPrice | None = None
) -> dict[str, object]:
    """Return the log line of a request; the cost is ``None``, unknown, without a price."""
    reply, labels = record.reply, manifest.labels
    times = request_times(reply)
    given, cached = reply.usage.input_tokens, reply.usage.cached_input_tokens
    made = output_tokens(reply)
    wall_ns = manifest.wall_ns + (reply.stamps.ready_ns - manifest.perf_ns)
    cost = None if price is None or given is None else price(given, cached or 0, made)
    ok = reply.outcome is Outcome.OK
    return {
        "timestamp": datetime.fromtimestamp(wall_ns / NS_PER_S, UTC).isoformat(timespec="milliseconds"),
        "planner.request.id": f"{manifest.run_id}-{record.point}-{record.session}-{record.index}",
        "gen_ai.operation.name": "chat" if manifest.settings.get("endpoint") == "chat" else "text_completion",
        "gen_ai.provider.name": labels.provider,
        "gen_ai.request.model": manifest.engine.model,
        "gen_ai.response.model": reply.response_model,
        "gen_ai.response.id": reply.response_id,
        "gen_ai.response.finish_reasons": [reply.finish_reason] if reply.finish_reason else [],
        "gen_ai.usage.input_tokens": given,
        "gen_ai.usage.output_tokens": made,
        "gen_ai.usage.cache_read.input_tokens": cached,
        "gen_ai.server.time_to_first_token": times.ttft_s,
        "gen_ai.server.time_per_output_token": times.tpot_s,
        "gen_ai.client.operation.duration": (reply.stamps.done_ns - reply.stamps.ready_ns) / NS_PER_S,
        "planner.engine.version": manifest.engine.version,
        "planner.feature": labels.feature,
        "user.id": labels.user,
        "planner.cost_usd": cost,
        "planner.status": "success" if ok else "error",
        "error.type": None if ok else str(reply.outcome),
        "planner.error.message": None if ok else reply.detail,
        "http.response.status_code": reply.http_status,
        "planner.cache_hit": None if cached is None else cached > 0,
        "gen_ai.tool.names": list(reply.tool_calls),
        "planner.prompt.hash": reply.prompt_hash,
        "planner.phase": record.phase,
    }


def log_lines(
    records: tuple[RequestRecord, ...], manifest: RunManifest, price: RequestPrice | None = None
) -> Iterator[dict[str, object]]:
    """Return the log lines of a run."""
    return (log_line(record, manifest, price) for record in records)
