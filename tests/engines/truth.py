"""Runs the known-truth server and the client on one event loop, for tests."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from planner.bench.truth_frames import Fault, FaultEvery, TruthConfig
from planner.bench.truth_server import TruthServer
from planner.engines.base import EngineOptions, Timeouts
from planner.engines.openai_http import OpenAIHttpEngine
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import RequestReply

T = TypeVar("T")
FAST = TruthConfig(ttft_s=0.002, itl_s=0.001)
QUICK = Timeouts(connect_s=1.0, first_token_s=0.15, idle_s=0.15)


def plan(index: int = 0, *, input_tokens: int = 20, output_tokens: int = 6, shared: int = 0) -> RequestPlan:
    return RequestPlan(
        index=index,
        phase="steady",
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        prompt_seed=index,
        shared_prefix_tokens=shared,
    )


def always(fault: Fault) -> TruthConfig:
    return replace(FAST, faults=(FaultEvery(fault=fault, every=1),))


async def with_server(
    config: TruthConfig, use: Callable[[OpenAIHttpEngine, TruthServer], Awaitable[T]], **options: object
) -> T:
    server = TruthServer(config)
    port = await server.start()
    given = EngineOptions(model="truth", url=f"http://127.0.0.1:{port}/v1", timeouts=QUICK)
    engine = OpenAIHttpEngine(replace(given, **options))  # type: ignore[arg-type]
    try:
        return await use(engine, server)
    finally:
        await engine.close()
        await server.stop()


def ask(
    config: TruthConfig, *, count: int = 1, request: RequestPlan | None = None, **options: object
) -> list[RequestReply]:
    async def use(engine: OpenAIHttpEngine, _server: TruthServer) -> list[RequestReply]:
        return [await engine.send(request or plan(index), scheduled_ns=0) for index in range(count)]

    return asyncio.run(with_server(config, use, **options))
