"""How long `planner bench` takes from its start to its first request, against a server on this machine. Goal: 1.5 s.

The self-check of the client measures this host for two seconds after the load, unless it is left out.

    python benchmarks/first_request.py
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from planner.bench.records import read_manifest, read_records
from planner.bench.selfcheck import truth_process
from planner.bench.truth_frames import TruthConfig

RUNS = 5
GOAL_S = 1.5
LOAD = ("--model", "truth", "--requests", "8", "--input-tokens", "8", "--output-tokens", "4", "--quiet")


def first_request_s(url: str, *arguments: str) -> float:
    """Start a run and return when its first request was sent, after the start of the process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, start_ns = Path(scratch) / "run", time.time_ns()
        words = ["-m", "planner", "bench", "--url", url, *LOAD, "--output", str(folder), *arguments]
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        manifest = read_manifest(folder)
        sent = [record.reply.stamps.sent_ns for record in read_records(folder)]
        first_ns = min(each for each in sent if each is not None)
        return (manifest.wall_ns + first_ns - manifest.perf_ns - start_ns) / 1e9


async def main() -> None:
    found = {}
    async with truth_process(TruthConfig()) as url:
        for name, arguments in (("without self-check", ("--no-self-check",)), ("with self-check", ())):
            times = [await asyncio.to_thread(first_request_s, url, *arguments) for _ in range(RUNS)]
            found[name] = {"median_s": round(median(times), 2), "worst_s": round(max(times), 2)}
    print(json.dumps(found | {"goal_s": GOAL_S}))


if __name__ == "__main__":
    asyncio.run(main())
