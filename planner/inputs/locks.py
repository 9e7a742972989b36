"""Lock files in and out: canonical JSON, decimals as text, one value a line; written aside, then put in place."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from planner.errors import Fault, InputError, UsageError
from planner.specs.decimals import decimals_as_text
from planner.specs.gate.lock import LOCK_VERSION, Lock

MAX_LOCK_BYTES = 256 * 1024 * 1024  #: 1,000 scenarios are some 30 MB; what is larger is no lock
FAMILY = "planner.lock/"
MARKERS = (b"<<<<<<< ", b"=======\n", b">>>>>>> ")
Upgrade = Callable[[dict[str, object]], dict[str, object]]


def _with_rules(document: dict[str, object]) -> dict[str, object]:
    """Return a lock of version 1, which held no rules of thumb, as one of version 2 that holds none either."""
    return {**document, "schema": f"{FAMILY}2", "rules": None}


# version that is read -> how its document becomes one of the next version
UPGRADES: Mapping[int, Upgrade] = {1: _with_rules}
ANEW = "restore it from git, or remove it and write it anew: planner lock SCENARIO…"
REGENERATE = "take one side of it (git checkout --ours/--theirs), then run `planner lock --update`"


def lock_text(lock: Lock) -> str:
    """Return a lock as text: keys sorted, decimals as text, one value a line, the same bytes every time."""
    absent = None if lock.profiles.measured else {"profiles": {"measured"}}
    document = lock.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=absent)
    return json.dumps(decimals_as_text(document), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_lock(path: Path) -> Lock:
    """Read a lock file.

    Raises
    ------
    InputError
        When it is absent, binary, holds merge-conflict markers, is not JSON, is of a version that cannot be read,
        or lacks something.
    """
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_LOCK_BYTES else None
    except FileNotFoundError:
        raise _fault(
            path, "a lock file", "nothing at this path", cure="make one: planner lock SCENARIO…"
        ) from None
    except OSError as error:
        raise _fault(path, "a readable lock file", error.strerror or str(error)) from None
    if raw is None:
        raise _fault(path, f"at most {MAX_LOCK_BYTES // 1024**2} MiB", f"{path.stat().st_size:,} bytes")
    return parse_lock(raw, str(path))


def parse_lock(raw: bytes, name: str) -> Lock:
    """Return the lock that the bytes of a file are; ``name`` is what messages call it. Raises as :func:`read_lock`."""
    at = Path(name)
    if b"\0" in raw:
        raise _fault(at, "a lock file (JSON text)", "binary data (it holds NUL bytes)", cure=ANEW)
    line = _conflict_line(raw)
    if line is not None:
        raise _fault(at, "one lock", "the markers of a merge conflict", line=line, cure=REGENERATE)
    document = upgraded(_json(raw, at), at)
    try:
        return Lock.model_validate_json(json.dumps(document), strict=False)
    except ValidationError as error:
        raise InputError(
            tuple(_lock_fault(at, each) for each in error.errors(include_url=False)[:5]),
            cure=ANEW,
        ) from None


def _conflict_line(raw: bytes) -> int | None:
    for number, line in enumerate(raw.splitlines(keepends=True), start=1):
        if line.startswith(MARKERS):
            return number
    return None


def _what_json_lacks(error: json.JSONDecodeError) -> str:
    return error.msg.lower().removesuffix(" at").removesuffix(" starting")  # the place stands in front


def _json(raw: bytes, at: Path) -> dict[str, object]:
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise _fault(at, "UTF-8 text", "another encoding, or binary data", cure=ANEW) from None
    except json.JSONDecodeError as error:
        raise _fault(
            at, "a whole JSON document", _what_json_lacks(error), line=error.lineno, cure=ANEW
        ) from None
    if not isinstance(document, dict) or not str(document.get("schema", "")).startswith(FAMILY):
        raise _fault(
            at,
            f'a lock file ("schema": "{FAMILY}{LOCK_VERSION}")',
            "another kind of JSON document",
            cure=ANEW,
        )
    return document


def upgraded(
    document: dict[str, object],
    at: Path,
    *,
    current: int = LOCK_VERSION,
    upgrades: Mapping[int, Upgrade] = UPGRADES,
) -> dict[str, object]:
    """Return a lock's document in today's version; the version before today's is read, others are refused.

    Raises
    ------
    InputError
        For a lock of a newer version, with a sentence, or of one that is too old.
    """
    text = str(document["schema"]).removeprefix(FAMILY)
    version = int(text) if text.isdigit() else -1
    if version > current:
        newer = f"version {version}, written by planner {document.get('planner', 'of a later release')}"
        cure = "update planner; this release must not touch that file"
        raise _fault(at, f"a lock of version {current} or {current - 1}", newer, cure=cure)
    if version == current:
        return document
    if version == current - 1 and version in upgrades:
        return upgrades[version](document)
    raise _fault(at, f"a lock of version {current}", f"version {text}, which is too old to read", cure=ANEW)


def write_lock(lock: Lock, path: Path) -> bool:
    """Write a lock, unless the file holds the same bytes already; return whether it was written.

    The text goes to a file beside it, is flushed to the disk and then renamed over the old one: readers and other
    writers see the old lock or the new one, whole, and an interruption leaves the old one.

    Raises
    ------
    UsageError
        When the folder cannot be written to.
    """
    content = lock_text(lock).encode()
    try:
        if path.is_file() and path.read_bytes() == content:
            return False
        _replace(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    return True


def _replace(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    with tempfile.NamedTemporaryFile(
        dir=path.resolve().parent, prefix=f".{path.name}.", suffix=".tmp", delete=False
    ) as file:
        aside = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            aside.chmod(mode)
            aside.replace(path.resolve())
        finally:  # once it is in place there is nothing beside it; an interruption of any kind leaves nothing either
            with contextlib.suppress(OSError):
                aside.unlink()
    _flush_folder(path.resolve().parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush_folder(folder: Path) -> None:
    """Make the new name last through a power cut; file systems that cannot do this do without."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _fault(
    path: Path, expected: str, found: str, *, line: int | None = None, cure: str | None = None
) -> InputError:
    return InputError((Fault(file=str(path), key="", line=line, expected=expected, found=found),), cure=cure)


def _lock_fault(path: Path, details: ErrorDetails) -> Fault:
    key = ".".join(str(step) for step in details["loc"])
    found = "nothing" if details["type"] == "missing" else str(details["input"])[:60]
    expected = details["msg"].removeprefix("Input should be ").lower()
    return Fault(file=str(path), key=key, expected=expected, found=found)
