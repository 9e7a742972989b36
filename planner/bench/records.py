"""The folder of a run: manifest first, then one line per request as it ends, so that nothing is lost by a kill.

``manifest.json`` · ``requests.jsonl`` · ``points.jsonl`` (one line when a point ends) · ``summary.json|csv|md``;
``host.json`` (llama.cpp in process: the host's speed before and after).
A line that was cut by a crash is left out on reading; everything before it counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO, TypeVar

from pydantic import TypeAdapter, ValidationError

from planner.bench.summary import summarize_point
from planner.errors import EngineError, Fault, InputError, UsageError
from planner.specs.measured.measurement import (
    BENCH_SCHEMA,
    PointFacts,
    PointResult,
    RequestRecord,
    RunManifest,
    RunResult,
)
from planner.specs.measured.steps import SpeedAround

MANIFEST, REQUESTS, POINTS, HOST = "manifest.json", "requests.jsonl", "points.jsonl", "host.json"
T = TypeVar("T")
_MANIFEST = TypeAdapter(RunManifest)
_RECORD = TypeAdapter(RequestRecord)
_FACTS = TypeAdapter(PointFacts)
_HOST = TypeAdapter(SpeedAround)


class RunWriter:
    """Writes a run into its folder; every line is handed to the system at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._requests: TextIO | None = None

    def begin(self, manifest: RunManifest, *, resume: bool = False) -> None:
        """Write the manifest and open the records.

        Raises
        ------
        UsageError
            If the folder already holds a run and ``resume`` is not given.
        EngineError
            If the disk does not take it.
        """
        if (self.folder / MANIFEST).exists() and not resume:
            raise UsageError(
                f"{self.folder} already holds a run", cure="choose another --output, or add --resume"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not resume:
                self._write_whole(MANIFEST, _MANIFEST.dump_json(manifest, indent=2).decode())
            self._requests = (self.folder / REQUESTS).open("a", encoding="utf-8")
            self._end_torn_line()
        except OSError as error:
            raise _disk_error(self.folder, error) from error

    def update(self, manifest: RunManifest) -> None:
        """Write the manifest anew, as when a search adds a point."""
        self.write_result(MANIFEST, _MANIFEST.dump_json(manifest, indent=2).decode())

    def _end_torn_line(self) -> None:
        """After a crash, keep the next record from being glued to half a line."""
        path = self.folder / REQUESTS
        if self._requests is not None and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            self._requests.write("\n")

    def add(self, record: RequestRecord) -> None:
        """Append one request."""
        if self._requests is None:
            return
        try:
            self._requests.write(_RECORD.dump_json(record).decode() + "\n")
            self._requests.flush()
        except OSError as error:
            raise _disk_error(self.folder, error) from error

    def end_point(self, facts: PointFacts) -> None:
        """Append what is known of a point that has ended."""
        try:
            with (self.folder / POINTS).open("a", encoding="utf-8") as file:
                file.write(_FACTS.dump_json(facts).decode() + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _disk_error(self.folder, error) from error

    def write_result(self, name: str, text: str) -> None:
        """Write a summary file."""
        try:
            self._write_whole(name, text)
        except OSError as error:
            raise _disk_error(self.folder, error) from error

    def _write_whole(self, name: str, text: str) -> None:
        """Write a file so that it is there whole or not at all."""
        path = self.folder / name
        draft = path.with_suffix(path.suffix + ".part")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)

    def close(self) -> None:
        """Close the records; what a full disk still holds back is given up, it was reported before."""
        if self._requests is not None:
            with suppress(OSError):
                self._requests.close()


def write_host_speed(folder: Path, speed: SpeedAround) -> None:
    """Keep the host's speed around a run beside its records."""
    RunWriter(folder).write_result(HOST, _HOST.dump_json(speed, indent=2).decode())


def read_host_speed(folder: Path) -> SpeedAround | None:
    """Return the host's speed around a run; ``None`` where it was not measured."""
    path = folder / HOST
    return _HOST.validate_json(path.read_bytes()) if path.is_file() else None


def _disk_error(folder: Path, error: OSError) -> EngineError:
    return EngineError(
        f"cannot write the records to {folder}: {error.strerror or error}",
        cure=f"free space, then: planner bench report {folder}",
    )


def read_manifest(folder: Path) -> RunManifest:
    """Read the manifest of a run.

    Raises
    ------
    UsageError
        If the folder holds no run.
    InputError
        If its manifest is broken or of another schema.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UsageError(
            f"{folder} holds no run: {MANIFEST} is missing", cure="give the folder that --output named"
        )
    try:
        manifest = _MANIFEST.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError((_fault(path, key, "a manifest of planner bench", first["msg"]),)) from error
    if manifest.schema != BENCH_SCHEMA:
        raise InputError((_fault(path, "schema", BENCH_SCHEMA, manifest.schema),))
    return manifest


def _fault(path: Path, key: str, expected: str, found: str) -> Fault:
    return Fault(file=str(path), key=key, expected=expected, found=found)


def _lines(path: Path, adapter: TypeAdapter[T]) -> Iterator[T]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"}\n"):
                continue  # the line in which the writer died
            yield adapter.validate_json(line)


def read_records(folder: Path) -> tuple[RequestRecord, ...]:
    """Read the requests of a run."""
    return tuple(_lines(folder / REQUESTS, _RECORD))


def read_facts(folder: Path) -> tuple[PointFacts, ...]:
    """Read what is known of the points that ended."""
    return tuple(_lines(folder / POINTS, _FACTS))


def rebuild(folder: Path, convention: str = "planner") -> RunResult:
    """Return the result of a run from its folder, however the run ended."""
    manifest = read_manifest(folder)
    records, facts = read_records(folder), read_facts(folder)
    return build_result(manifest, records, facts, convention=convention)


def _last_session(records: Sequence[RequestRecord]) -> list[RequestRecord]:
    last = max(record.session for record in records)
    return [record for record in records if record.session == last]


def build_result(
    manifest: RunManifest,
    records: tuple[RequestRecord, ...],
    facts: tuple[PointFacts, ...],
    *,
    convention: str = "planner",
) -> RunResult:
    """Return the result of a run. A point that was measured again by ``--resume`` counts with its last session."""
    ended = {item.point: item for item in facts}
    points: list[PointResult] = []
    for index in sorted({record.point for record in records}):
        mine = _last_session([record for record in records if record.point == index])
        known, last = ended.get(index), mine[0].session
        if known is None or known.session != last:
            known = _facts_of_a_killed_point(index, last, mine)
        points.append(
            summarize_point(manifest.points[index], mine, known, slo=manifest.slo, convention=convention)
        )
    stops = [point.stopped for point in points if point.stopped]
    good = [number for number, point in enumerate(points) if point.stopped is None and point.requests.ok]
    return RunResult(
        manifest=manifest,
        points=tuple(points),
        convention=convention,
        interrupted=any(stop in {"interrupted", "killed"} for stop in stops),
        stopped=stops[-1] if stops else None,
        last_good_point=good[-1] if good else None,
    )


def _facts_of_a_killed_point(index: int, session: int, records: list[RequestRecord]) -> PointFacts:
    start_ns = min(record.reply.stamps.ready_ns for record in records)
    return PointFacts(point=index, session=session, start_ns=start_ns, stopped="killed")
