from dataclasses import replace
from pathlib import Path

import pytest

from planner.bench.records import RunWriter, read_facts, read_manifest, read_records, rebuild
from planner.errors import EngineError, InputError, UsageError
from planner.specs.measured.measurement import EngineFacts, MachineFacts, PointFacts, RunLabels, RunManifest
from tests.bench.stamps import FACTS, closed, record, reply

MANIFEST = RunManifest(
    run_id="r",
    started_at="2026-01-01T00:00:00+00:00",
    wall_ns=1,
    perf_ns=1,
    planner_version="0",
    git_commit=None,
    machine=MachineFacts(host_id="h", system="s", cpu="c", cpu_count=2, memory_bytes=None, python="3"),
    engine=EngineFacts(kind="fake", name="fake", version=None, model="m"),
    labels=RunLabels(),
    points=(closed(ramp=1), closed(concurrency=2)),
)


def written(folder: Path, *, ended: bool = True) -> Path:
    writer = RunWriter(folder)
    writer.begin(MANIFEST)
    for index in range(5):
        writer.add(record(index, reply(sent_ms=31.0 * index)))
    if ended:
        writer.end_point(FACTS)
    writer.close()
    return folder


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    folder = written(tmp_path / "run")
    assert read_manifest(folder) == MANIFEST
    assert read_records(folder)[3] == record(3, reply(sent_ms=93.0))
    assert read_facts(folder) == (FACTS,)
    assert rebuild(folder).points[0].requests.ok == 5


def test_a_run_killed_in_the_middle_of_a_line_keeps_all_lines_before_it(tmp_path: Path) -> None:
    folder = written(tmp_path, ended=False)
    with (folder / "requests.jsonl").open("a") as file:
        file.write('{"point": 0, "sess')
    result = rebuild(folder)
    assert result.points[0].requests.ok == 5
    assert result.points[0].stopped == "killed"
    assert result.interrupted


def test_resuming_after_a_kill_starts_a_new_line_and_the_new_session_counts(tmp_path: Path) -> None:
    folder = written(tmp_path, ended=False)
    with (folder / "requests.jsonl").open("a") as file:
        file.write('{"point": 0, "sess')
    writer = RunWriter(folder)
    writer.begin(MANIFEST, resume=True)
    for index in range(3):
        writer.add(replace(record(index, reply(sent_ms=31.0 * index)), session=1))
    writer.end_point(PointFacts(point=0, session=1, start_ns=0))
    writer.close()
    result = rebuild(folder)
    assert result.points[0].requests.ok == 3
    assert not result.interrupted


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="already holds a run"):
        RunWriter(written(tmp_path)).begin(MANIFEST)


def test_a_folder_without_a_run_or_with_a_broken_manifest_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema": "planner.bench/1"}')
    with pytest.raises(InputError, match=r"run_id"):
        read_manifest(tmp_path)
    (written(tmp_path / "x") / "manifest.json").write_text(
        (tmp_path / "x" / "manifest.json").read_text().replace("planner.bench/1", "planner.bench/9")
    )
    with pytest.raises(InputError, match=r"planner.bench/9"):
        read_manifest(tmp_path / "x")


def test_a_full_disk_is_an_engine_error_with_the_way_to_what_was_kept() -> None:
    writer = RunWriter(Path("/dev/full/run"))
    with pytest.raises(EngineError, match="cannot write the records") as caught:
        writer.begin(MANIFEST)
    assert "planner bench report" in (caught.value.cure or "")


def test_a_disk_that_fills_up_during_the_run_is_an_engine_error(tmp_path: Path) -> None:
    writer = RunWriter(written(tmp_path))
    writer._requests = Path("/dev/full").open("w")  # noqa: SIM115 - the writer closes it
    with pytest.raises(EngineError, match="No space left"):
        writer.add(record(0, reply()))
    writer.close()
    assert rebuild(tmp_path).points[0].requests.ok == 5
