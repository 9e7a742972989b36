"""What this client can do on this machine right now: measured in two seconds against the known-truth server.

The server runs as a process of its own on the same machine, as a local engine would. A first load at an easy rate
gives the client's error against the truth, a second one beyond its powers gives its ceiling.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from itertools import pairwise

import numpy as np

from planner.bench.metrics import output_tokens
from planner.bench.truth_frames import TruthConfig
from planner.engines.base import EngineOptions
from planner.engines.openai_http import OpenAIHttpEngine
from planner.errors import EngineError
from planner.records import dataclass
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import RequestReply
from planner.units import NS_PER_S

TOKENS = 50
EASY_STREAMS = 16
EASY_REQUESTS = 48  # three rounds of 0.27 s
HARD_STREAMS = 192
HARD_REQUESTS = 384
STEP_S = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfCheck:
    """The client on this machine: error of the medians at an easy load, and tokens per second at the limit."""

    ttft_error_s: float
    itl_error_fraction: float
    ceiling_tokens_per_s: float


@asynccontextmanager
async def truth_process(config: TruthConfig) -> AsyncIterator[str]:
    """Run the known-truth server in a process of its own and give its URL.

    Raises
    ------
    EngineError
        If it does not start.
    """
    settings = {name: value for name, value in asdict(config).items() if name != "faults"}
    faults = [f"--fault={item.fault}:{item.every}" for item in config.faults]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "planner.bench.truth_server", "--watch-stdin", "--config", json.dumps(settings)),
        *faults,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us, not for it
    )
    try:
        line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise EngineError(
                "the built-in server of the self-check did not start", cure="add --no-self-check"
            )
        yield f"http://127.0.0.1:{int(line)}/v1"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()


async def drive(url: str, *, streams: int, requests: int, tokens: int = TOKENS) -> list[RequestReply]:
    """Send ``requests`` requests, ``streams`` at a time, and return the replies."""
    engine = OpenAIHttpEngine(EngineOptions(model="truth", url=url))
    numbers = iter(range(requests))
    replies: list[RequestReply] = []

    async def stream() -> None:
        for number in numbers:
            plan = RequestPlan(
                index=number, phase="steady", input_tokens=64, output_tokens=tokens, prompt_seed=number
            )
            replies.append(await engine.send(plan, scheduled_ns=0))

    await engine.send(
        RequestPlan(index=-1, phase="ramp", input_tokens=1, output_tokens=1, prompt_seed=0), scheduled_ns=0
    )
    await asyncio.gather(*(stream() for _ in range(streams)))
    await engine.close()
    return replies


async def read_truth(url: str) -> dict[str, dict[str, list[int]]]:
    """Return what the known-truth server did, by response id."""
    engine = OpenAIHttpEngine(EngineOptions(model="truth", url=url))
    _, text = await engine.get("/truth")
    await engine.close()
    return {f"truth-{row['number']}": row for row in json.loads(text)}


async def self_check() -> SelfCheck:
    """Measure the client."""
    async with truth_process(TruthConfig(itl_s=STEP_S)) as url:
        easy = await drive(url, streams=EASY_STREAMS, requests=EASY_REQUESTS)
        truth = await read_truth(url)
        hard = await drive(url, streams=HARD_STREAMS, requests=HARD_REQUESTS)
    seen, true = _ttfts_s(easy), _true_ttfts_s(easy, truth)
    return SelfCheck(
        ttft_error_s=float(np.median(seen) - np.median(true)),
        itl_error_fraction=float(np.median(_gaps(easy)) / np.median(_true_gaps(easy, truth)) - 1),
        ceiling_tokens_per_s=_tokens_per_s(hard),
    )


Truths = dict[str, dict[str, list[int]]]


def _ttfts_s(replies: list[RequestReply]) -> list[float]:
    stamps = [reply.stamps for reply in replies]
    return [((each.first_token_ns or 0) - (each.sent_ns or 0)) / NS_PER_S for each in stamps]


def _true_ttfts_s(replies: list[RequestReply], truth: Truths) -> list[float]:
    rows = [truth[reply.response_id or ""] for reply in replies]
    return [(row["token_ns"][0] - int(str(row["received_ns"]))) / NS_PER_S for row in rows]


def _gaps(replies: list[RequestReply]) -> list[int]:
    return [after - before for reply in replies for before, after in pairwise(reply.stamps.chunk_ns[:TOKENS])]


def _true_gaps(replies: list[RequestReply], truth: Truths) -> list[int]:
    rows = [truth[reply.response_id or ""]["token_ns"] for reply in replies]
    return [after - before for row in rows for before, after in pairwise(row)]


def _tokens_per_s(replies: list[RequestReply]) -> float:
    """Return the tokens of all replies over the time from the first to the last token."""
    first = min(reply.stamps.first_token_ns or reply.stamps.done_ns for reply in replies)
    last = max(reply.stamps.done_ns for reply in replies)
    return sum(output_tokens(reply) for reply in replies) / ((last - first) / NS_PER_S)
