"""How far the bench client is from a known truth, at rising numbers of streams.

The server runs as a process of its own on the same cores and stamps what it receives and writes on the clock that
the client uses. Usage: python benchmarks/client_accuracy.py [--streams 1,8,64] [--requests-per-stream 20]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import time
from itertools import pairwise

import numpy as np

from planner.bench.selfcheck import drive, read_truth, truth_process
from planner.bench.truth_frames import TruthConfig

TOKENS = 50
HEAD = "streams   tok/s  TTFT p50 true/seen [ms]  TTFT p99 true/seen [ms]  ITL p50 true/seen [ms]  CPU/token [us]"


async def measure(streams: int, per_stream: int) -> str:
    async with truth_process(TruthConfig(ttft_s=0.020, itl_s=0.005)) as url:
        before, started = _cpu_s(), time.perf_counter()
        replies = await drive(url, streams=streams, requests=streams * per_stream, tokens=TOKENS)
        wall_s, cpu_s = time.perf_counter() - started, _cpu_s() - before
        truth = await read_truth(url)
    rows = [truth[reply.response_id or ""] for reply in replies]
    true = [(row["token_ns"][0] - row["received_ns"]) / 1e6 for row in rows]
    seen = [(reply.stamps.first_token_ns - reply.stamps.sent_ns) / 1e6 for reply in replies]
    true_gaps = [(b - a) / 1e6 for row in rows for a, b in pairwise(row["token_ns"])]
    seen_gaps = [(b - a) / 1e6 for reply in replies for a, b in pairwise(reply.stamps.chunk_ns[:TOKENS])]
    tokens = TOKENS * len(replies)
    ttft = [f"{np.quantile(true, q):10.2f} /{np.quantile(seen, q):7.2f}" for q in (0.5, 0.99)]
    itl = f"{np.median(true_gaps):10.3f} /{np.median(seen_gaps):7.3f}"
    return f"{streams:7d} {tokens / wall_s:7.0f}     {ttft[0]}      {ttft[1]}     {itl}        {cpu_s / tokens * 1e6:8.1f}"


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", default="1,8,64")
    parser.add_argument("--requests-per-stream", type=int, default=20)
    given = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, first token 20 ms, then 5 ms, {TOKENS} tokens"
    )
    print(HEAD)
    for streams in map(int, given.streams.split(",")):
        print(asyncio.run(measure(streams, given.requests_per_stream)), flush=True)


if __name__ == "__main__":
    main()
