"""Lock files: canonical text, clear refusals, and no half-written file."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InputError, UsageError
from planner.inputs import locks
from planner.inputs.locks import lock_text, parse_lock, read_lock, upgraded, write_lock
from planner.planning.lock.locking import lock_of
from planner.specs.gate.lock import Lock
from tests.cases_of import side_of
from tests.strategies import built


def scenario_lock(name: str = "chat", per_day: float = 10_000.0) -> Lock:
    scenario = built(
        {
            "name": name,
            "traffic": {"requests_per_day": per_day},
            "prompt": {"input_tokens": 2000.0, "output_tokens": 400.0},
            "models": [{"model": "openai/gpt-4o-mini"}],
        }
    )
    return lock_of(side_of(scenario), planner="0.1.0")


@pytest.fixture(scope="module")
def lock() -> Lock:
    return scenario_lock()


@pytest.fixture
def file(tmp_path: Path, lock: Lock) -> Path:
    path = tmp_path / "planner.lock.json"
    write_lock(lock, path)
    return path


def refusal(raw: bytes) -> str:
    with pytest.raises(InputError) as refused:
        parse_lock(raw, "planner.lock.json")
    return f"{refused.value} / {refused.value.cure}"


def test_a_lock_has_sorted_keys_decimals_as_text_and_one_value_a_line(lock: Lock) -> None:
    text = lock_text(lock)
    document = json.loads(text)
    assert text == json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert document["schema"] == "planner.lock/2"
    # 10,000 requests × 30 days × (2,000 × 0.15 + 400 × 0.60) USD/Mtok = 162 USD
    assert document["scenarios"]["0.yaml"]["result"]["usd_per_month"] == "162"
    assert not [value for value in leaves(document) if isinstance(value, float)]
    assert all(line.count('": ') <= 1 for line in text.splitlines() if "https" not in line)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        return [
            leaf for item in (value.values() if isinstance(value, dict) else value) for leaf in leaves(item)
        ]
    return [value]


def test_writing_the_same_lock_again_leaves_the_file_alone(file: Path, lock: Lock) -> None:
    before = file.stat()
    assert not write_lock(lock, file)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_merge_conflict_markers_are_named_with_their_line(lock: Lock) -> None:
    lines = lock_text(lock).splitlines(keepends=True)
    broken = [*lines[:4], "<<<<<<< HEAD\n", lines[4], "=======\n", lines[4], ">>>>>>> main\n", *lines[5:]]
    said = refusal("".join(broken).encode())
    assert "planner.lock.json:5: expected one lock, found the markers of a merge conflict" in said
    assert "planner lock --update" in said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"schema": "planner.lock/2", "scen', "a whole JSON document, found unterminated string"),
        (b"\x00\x01\x02", "binary data"),
        (b"\xff\xfe{", "another encoding"),
        (b"[]", "another kind of JSON document"),
        (b'{"schema": "planner.estimate/1"}', "another kind of JSON document"),
        (
            b'{"schema": "planner.lock/2", "planner": "1"}',
            "scenarios: expected field required, found nothing",
        ),
        (b'{"schema": "planner.lock/3", "planner": "9.1"}', "version 3, written by planner 9.1"),
        (b'{"schema": "planner.lock/0"}', "version 0, which is too old to read"),
        (b'{"schema": "planner.lock/one"}', "version one, which is too old to read"),
    ],
)
def test_a_broken_lock_is_refused_with_what_is_wrong(raw: bytes, said: str) -> None:
    assert said in refusal(raw)


def test_the_version_before_todays_is_read() -> None:
    old = {"schema": "planner.lock/1", "costs": 1}
    changes = {1: lambda document: {"schema": "planner.lock/2", "cost": document["costs"]}}
    assert upgraded(old, Path("l"), current=2, upgrades=changes) == {"schema": "planner.lock/2", "cost": 1}
    with pytest.raises(InputError, match="too old"):
        upgraded(old, Path("l"), current=3, upgrades=changes)


def test_a_lock_of_version_1_is_read_with_its_figures_and_without_rules() -> None:
    old = read_lock(Path("tests/inputs/version_1_lock/planner.lock.json"))
    assert old.schema_ == "planner.lock/2"
    assert old.rules is None
    assert old.scenarios["chat.yaml"].result.usd_per_month == 656.2573875


def test_a_missing_lock_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_lock(tmp_path / "planner.lock.json")
    assert refused.value.cure == "make one: planner lock SCENARIO…"


def test_a_folder_and_a_file_beyond_all_bounds_are_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="readable lock file"):
        read_lock(tmp_path)
    monkeypatch.setattr(locks, "MAX_LOCK_BYTES", 1)
    (tmp_path / "big.json").write_text("{}")
    with pytest.raises(InputError, match="2 bytes"):
        read_lock(tmp_path / "big.json")


def test_an_interrupted_write_leaves_the_old_lock_and_no_litter(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def interrupted(_handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_lock(scenario_lock(per_day=1.0), file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_writers_side_by_side_leave_one_whole_lock(tmp_path: Path) -> None:
    path = tmp_path / "planner.lock.json"
    candidates = [scenario_lock(per_day=float(10**n)) for n in range(4)]
    writers = [threading.Thread(target=write_lock, args=(each, path)) for each in candidates * 5]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_text() in {lock_text(each) for each in candidates}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_a_sentence(lock: Lock, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_lock(lock, tmp_path / "no" / "planner.lock.json")


def test_a_lock_keeps_its_permissions(file: Path) -> None:
    file.chmod(0o640)
    write_lock(scenario_lock(per_day=5.0), file)
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "raw", [b"\x00\x01", b"\xff\xfe{", b"[]", b'{"schema": "planner.lock/2"', b'{"schema": "planner.lock/0"}']
)
def test_a_lock_that_update_cannot_read_is_to_be_restored_or_removed(raw: bytes) -> None:
    assert refusal(raw).endswith("remove it and write it anew: planner lock SCENARIO…")
