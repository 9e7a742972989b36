"""llama.cpp in process: each context in a fresh worker, measured when the machine is quiet, doubted when it was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Protocol

from planner.engines.base import JsonObject
from planner.engines.cpu_use import cpu_use
from planner.engines.llamacpp_session import LlamaCppSettings, SessionFacts
from planner.engines.steadiness import FOREIGN_LIMIT, disturbance_of, reasons_not_to_trust
from planner.errors import EngineError
from planner.specs.measured.measurement import EngineFacts
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import StepSamples

WORKER = (sys.executable, "-m", "planner.engines.llamacpp_worker")
# numpy comes with llama-cpp-python; its own thread pool must not compete with the engine's
WORKER_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
LOG_LINES_SHOWN = 5
QUIET_SAMPLE_S = 0.2
CLOSE_TIMEOUT_S = 10.0


class StepWorker(Protocol):
    """What times one point of steps."""

    def measure(self, point: StepPoint, *, seed: int = 0) -> StepSamples:
        """Measure one point once."""
        ...


class LlamaCppWorker:
    """The parent's end of a worker process."""

    def __init__(self, settings: LlamaCppSettings, *, command: tuple[str, ...] = WORKER) -> None:
        self.settings = settings
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | WORKER_ENVIRONMENT,
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
        try:
            answer = self._ask({"command": "open", "settings": asdict(settings)})
        except EngineError:
            self.close()
            raise
        self.facts = SessionFacts(**answer["facts"])

    def measure(self, point: StepPoint, *, seed: int = 0) -> StepSamples:
        """Measure one point once.

        Raises
        ------
        EngineError
            If the worker refuses the point or dies.
        """
        answer = self._ask({"command": "measure", "point": asdict(point), "seed": seed})
        disturbance = disturbance_of(**answer["use"], cpus=os.cpu_count() or 1)
        return StepSamples(
            point=point,
            times_s=tuple(answer["times_s"]),
            disturbance=disturbance,
            unsteady=reasons_not_to_trust(answer["times_s"], disturbance),
        )

    def close(self) -> None:
        """End the process and free its memory."""
        process = self._process
        try:
            process.communicate('{"command": "close"}\n', timeout=CLOSE_TIMEOUT_S)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            process.kill()
            process.wait()
        self._log.close()

    def _ask(self, message: JsonObject) -> JsonObject:
        """Send a command and wait for its answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise EngineError("the llama.cpp worker has no pipes")
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise self._death()
        answer: JsonObject = json.loads(line)
        if "error" in answer:
            raise EngineError(f"{answer['error']}{self._last_lines()}", cure=answer["cure"])
        return answer

    def _death(self) -> EngineError:
        code = self._process.wait()
        killed = code == -9  # SIGKILL
        why = "was killed, most likely for memory" if killed else f"ended with code {code}"
        return EngineError(
            f"the llama.cpp worker {why}{self._last_lines()}",
            cure="lower --context, --sequences or the model's size",
        )

    def _last_lines(self) -> str:
        self._log.flush()
        self._log.seek(0)
        lines = self._log.read().splitlines()[-LOG_LINES_SHOWN:]
        return "".join(f"\n  engine: {line}" for line in lines)


@contextmanager
def open_worker(settings: LlamaCppSettings, *, command: tuple[str, ...] = WORKER) -> Iterator[LlamaCppWorker]:
    """Start a worker, and close it however the block ends."""
    worker = LlamaCppWorker(settings, command=command)
    try:
        yield worker
    finally:
        worker.close()


def measure_steadily(
    worker: StepWorker, point: StepPoint, *, attempts: int = 3, patience_s: float = 20.0, seed: int = 0
) -> StepSamples:
    """Measure a point when the machine is quiet, again if it was disturbed; return the least disturbed attempt."""
    tried: list[StepSamples] = []
    while len(tried) < max(1, attempts):
        wait_for_quiet(patience_s)
        tried.append(worker.measure(point, seed=seed))
        if not tried[-1].unsteady:
            break
    return replace(min(tried, key=_doubt), attempts=len(tried))


def wait_for_quiet(patience_s: float) -> bool:
    """Wait until other processes leave the CPU alone, `patience_s` at most; tell whether they did."""
    deadline_s = time.monotonic() + patience_s
    while True:
        with cpu_use() as use:
            time.sleep(QUIET_SAMPLE_S)
        disturbance = disturbance_of(
            wall_s=use.wall_s,
            own_s=use.own_s,
            busy_s=use.busy_s,
            steal_s=use.steal_s,
            cpus=os.cpu_count() or 1,
        )
        if (disturbance.foreign_fraction or 0.0) <= FOREIGN_LIMIT:
            return True
        if time.monotonic() > deadline_s:
            return False


def engine_facts(worker: LlamaCppWorker, *, model: str, synthetic: bool) -> EngineFacts:
    """Describe the engine for a manifest."""
    facts, settings = worker.facts, worker.settings
    return EngineFacts(
        kind="llamacpp",
        name="llama.cpp in process",
        version=facts.version,
        model=model,
        model_reported=facts.description,
        max_model_len_tokens=facts.sequence_context_tokens,
        kv_cache_tokens=settings.context_tokens,
        prefix_caching=False,
        synthetic=synthetic,
        flags={
            key: value
            for key, value in (
                asdict(settings) | {"system": facts.system, "gpu_offload": facts.gpu_offload}
            ).items()
            if key != "model"
        },
    )


def _doubt(samples: StepSamples) -> tuple[int, float]:
    return len(samples.unsteady), samples.disturbance.foreign_fraction or 0.0
