"""A llama.cpp context with known step times, in process and as a worker: ``python -m tests.engines.fake_session``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from planner.engines.llamacpp_session import LlamaCppSettings, Row, SessionFacts
from planner.engines.llamacpp_worker import serve
from planner.errors import EngineError

STEP_S, ROW_S = 0.010, 0.001


def fake_gguf(folder: Path) -> Path:
    """Write a file that begins as a GGUF does, for the fake context to load."""
    path = folder / "fake.gguf"
    path.write_bytes(b"GGUF")
    return path


class FakeSession:
    """Says that a step takes 10 ms and 1 ms a row, and keeps the lengths of its sequences."""

    def __init__(self, settings: LlamaCppSettings) -> None:
        if settings.model == "missing.gguf":
            raise EngineError("llama.cpp could not load missing.gguf", cure="is it a GGUF file?")
        self.lengths: dict[int, int] = {}
        self.steps: list[list[Row]] = []
        self.closed = False
        self.dies = settings.model == "dies.gguf"
        self.facts = SessionFacts(
            version="fake 1",
            system="fake",
            description="fake 1B",
            model_bytes=100,
            parameters=10,
            vocabulary=1000,
            trained_context_tokens=4096,
            sequence_context_tokens=settings.context_tokens // settings.sequences,
            gpu_offload=False,
        )

    def step(self, rows: Sequence[Row]) -> float:
        if self.dies:
            sys.stderr.write("ggml: out of memory\n")
            sys.stderr.flush()
            os._exit(3)
        for row in rows:
            if row.position != self.lengths.get(row.sequence, 0):
                raise EngineError(f"position {row.position} does not follow in sequence {row.sequence}")
            self.lengths[row.sequence] = row.position + 1
        self.steps.append(list(rows))
        return STEP_S + ROW_S * len(rows)

    def clear(self) -> None:
        self.lengths = {}

    def trim(self, sequence: int, length: int) -> None:
        self.lengths[sequence] = min(self.lengths.get(sequence, 0), length)

    def copy(self, source: int, target: int) -> None:
        self.lengths[target] = self.lengths.get(source, 0)

    def close(self) -> None:
        self.closed = True


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, FakeSession)
