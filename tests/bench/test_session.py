import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planner.bench.ladder import beside, load_name, plan_requests
from planner.bench.load import TraceRow
from planner.bench.run import BenchRun
from planner.bench.runner import Control, PointRun, RunnerSettings, cache_difference
from planner.bench.session import measure
from planner.bench.slo import misses_slo
from planner.engines.base import EngineOptions
from planner.engines.cpu_use import CpuUse
from planner.engines.fake import FakeEngine
from planner.errors import EngineError
from planner.specs.measured.load import LoadPoint, RequestPlan, SloTarget, TokenLengths
from planner.specs.measured.measurement import (
    CacheAudit,
    Outcome,
    PointFacts,
    RequestRecord,
    RequestReply,
)
from tests.bench.stamps import closed, reply


def point(**more: Any) -> LoadPoint:
    lengths = TokenLengths(values=(4,))
    return replace(
        LoadPoint(kind="closed", requests=12, input_tokens=lengths, output_tokens=lengths, concurrency=4),
        **more,
    )


def run(*points: LoadPoint, **more: Any) -> BenchRun:
    given = BenchRun(engine="fake", options=EngineOptions(model="m"), points=points, check_client=False)
    return replace(given, **more)


def ignore(name: str, ended: int, total: int) -> None:
    del name, ended, total


def test_a_ladder_is_measured_point_after_point_and_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    result = measure(run(point(), point(concurrency=6)), lambda *each: told.append(each))
    assert [each.requests.ok for each in result.points] == [12, 12]
    assert told[-1] == ("point 2/2, concurrency 6", 12, 12)
    assert result.points[0].e2e_s.mean == pytest.approx(0.020 + 3 * 0.005)


def test_an_open_loop_sends_on_time_and_a_cap_makes_it_late() -> None:
    free = point(kind="constant", rate_requests_per_s=200.0, concurrency=None, requests=30)
    result = measure(run(free, replace(free, concurrency=1)), ignore)
    on_time, capped = result.points
    assert on_time.ttft_scheduled_s.mean == pytest.approx(0.020, abs=0.006)
    assert "behind-schedule" in capped.flags
    assert (capped.ttft_scheduled_s.mean or 0) > 0.2


def test_a_trace_is_replayed_with_its_lengths() -> None:
    rows = tuple(TraceRow(offset_s=5 + i / 100, input_tokens=3 + i, output_tokens=2) for i in range(5))
    result = measure(run(point(kind="trace", requests=5), trace=rows), ignore)
    assert result.points[0].input_tokens_mean == 5
    assert load_name(result.manifest.points[0]) == "trace"


def test_a_search_adds_its_probes_to_the_manifest_on_disk(tmp_path: Path) -> None:
    slo = (SloTarget(metric="ttft_s", fraction=0.5, limit_s=0.010),)  # the fake engine never holds it
    first = point(kind="poisson", rate_requests_per_s=6400.0, requests=20, concurrency=None)
    result = measure(run(first, slo=slo, search=True, folder=tmp_path / "r"), ignore)
    assert len(result.points) == 7  # down to a 64th of the first rate
    assert {each.verdict for each in result.points} == {"misses"}
    assert misses_slo(result)
    assert [each.rate_requests_per_s for each in result.manifest.points[:3]] == [6400.0, 3200.0, 1600.0]


class FailingEngine(FakeEngine):
    """Fails every request at once with one outcome."""

    outcome = Outcome.CONNECT

    async def send(self, request: RequestPlan, *, scheduled_ns: int) -> RequestReply:
        del request, scheduled_ns
        await asyncio.sleep(0)
        return reply(chunks_ms=(), outcome=self.outcome)


def drive(
    engine: FakeEngine, load: LoadPoint, take: Any = ignore, control: Control | None = None
) -> PointFacts:
    async def go() -> PointFacts:
        point_run = PointRun(
            engine,
            load,
            plan_requests(load, ()),
            number=0,
            session=0,
            take=take,
            control=control or Control(),
            settings=RunnerSettings(),
        )
        return await point_run.run()

    return asyncio.run(go())


def test_a_dead_server_stops_the_point_after_a_few_refusals() -> None:
    taken: list[RequestRecord] = []
    facts = drive(FailingEngine(EngineOptions(model="m")), closed(requests=500), taken.append)
    assert facts.stopped == "server-died"
    assert len(taken) == 5


def test_too_many_errors_stop_the_point() -> None:
    engine = FailingEngine(EngineOptions(model="m"))
    engine.outcome = Outcome.HTTP_5XX
    taken: list[RequestRecord] = []
    assert drive(engine, closed(requests=500), taken.append).stopped == "too-many-errors"
    assert len(taken) == 30


def test_a_record_that_cannot_be_kept_ends_the_point_with_its_error() -> None:
    def full(_: RequestRecord) -> None:
        raise EngineError("no space")

    with pytest.raises(EngineError, match="no space"):
        drive(FakeEngine(EngineOptions(model="m")), closed(concurrency=4, requests=500), full)


def test_a_point_that_is_interrupted_before_it_begins_sends_nothing() -> None:
    control = Control()
    control.interrupt()
    taken: list[RequestRecord] = []
    load = point(kind="constant", rate_requests_per_s=1.0, concurrency=None)
    assert drive(FakeEngine(EngineOptions(model="m")), load, taken.append, control).stopped == "interrupted"
    assert taken == []


def test_cache_counters_are_differences_and_unknown_stays_unknown() -> None:
    before = CacheAudit(queried_tokens=100.0, hit_tokens=None)
    after = CacheAudit(queried_tokens=150.0, hit_tokens=3.0)
    assert cache_difference(before, after) == CacheAudit(queried_tokens=50.0, hit_tokens=None)


def test_what_else_used_the_machine_is_known_where_the_engine_is_ours() -> None:
    facts = PointFacts(point=0, session=0, start_ns=0)
    cpus = os.cpu_count() or 1
    use = CpuUse(wall_s=10.0, own_s=4.0 * cpus, busy_s=7.0 * cpus, steal_s=1.0 * cpus)
    ours, theirs = (beside(facts, use, ours=ours).health for ours in (True, False))
    assert ours.foreign_fraction == pytest.approx(0.2)  # 7 busy, of which 4 ours and 1 stolen, of 10
    assert theirs.foreign_fraction is None  # their server may be among the other processes
    assert ours.steal_fraction == theirs.steal_fraction == pytest.approx(0.1)
    unknown = beside(facts, CpuUse(wall_s=10.0), ours=True).health
    assert (unknown.foreign_fraction, unknown.steal_fraction) == (None, None)
