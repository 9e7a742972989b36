"""A git repository read by its own commands: revisions and the files in them, without a checkout."""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from planner.errors import DataError, PlannerError, UsageError

SYMLINK, SUBMODULE = "120000", "160000"
MOST_LINKS = 8
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
# Messages in English, no prompt for passwords, no fetch of blobs that a partial clone left out.
ENVIRONMENT = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeEntry:
    """One name in a revision's folder: its mode, its object and its path from the top of the repository."""

    mode: str
    object_id: str
    path: str

    @property
    def is_folder(self) -> bool:
        """Tell a folder from a file."""
        return self.mode.startswith("04")


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """A commit of a repository. ``name`` is how it was asked for."""

    root: Path
    name: str
    commit: str

    def entry(self, path: str) -> TreeEntry | None:
        """Return what stands at a path, ``None`` where nothing does; the top folder is ``""``."""
        if path in {"", "."}:
            return TreeEntry(mode="040000", object_id=self.commit, path="")
        found = self._list(self.commit, "--", path)
        return found[0] if found else None

    def folder(self, path: str) -> tuple[TreeEntry, ...]:
        """Return the entries of a folder, sorted by name."""
        if path in {"", "."}:
            return self._list(self.commit)
        return self._list(self.commit, "--", f"{path}/")

    def _list(self, *args: str) -> tuple[TreeEntry, ...]:
        raw = run_git(self.root, "ls-tree", "-z", "--full-tree", *args)
        return tuple(_entry(line) for line in raw.decode("utf-8", "surrogateescape").split("\0") if line)

    def content(self, path: str) -> bytes | None:
        """Return the bytes of a file, following links inside the repository; ``None`` where there is none.

        Raises
        ------
        DataError
            When git has only a pointer: the content is in LFS, in a submodule, or was left out of the clone.
        """
        for _ in range(MOST_LINKS):
            entry = self.entry(path)
            if entry is None or entry.is_folder:
                return None
            if entry.mode == SUBMODULE:
                raise self._absent(path, "lies in a submodule")
            raw = self._blob(entry)
            if entry.mode != SYMLINK:
                return raw
            target = raw.decode("utf-8", "surrogateescape")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        raise self._absent(path, "is a link that leads in circles")

    def _blob(self, entry: TreeEntry) -> bytes:
        try:
            raw = run_git(self.root, "cat-file", "blob", entry.object_id)
        except GitFailedError:
            raise self._absent(entry.path, "was left out of this partial clone") from None
        if raw.startswith(LFS_POINTER):
            raise self._absent(entry.path, "is stored in git LFS")
        return raw

    def _absent(self, path: str, why: str) -> DataError:
        return DataError(
            f"{path} at {self.name} {why}, so its content is not in this clone",
            cure="compare with a lock instead: planner diff planner.lock.json PATH",
        )


class GitFailedError(PlannerError):
    """A git command said no; the caller knows what that means."""


def _entry(line: str) -> TreeEntry:
    about, _, path = line.partition("\t")
    mode, _, object_id = about.split(" ")
    return TreeEntry(mode=mode, object_id=object_id, path=path)


def repository_root(folder: Path) -> Path:
    """Return the top folder of the repository that a folder lies in.

    Raises
    ------
    UsageError
        When git is not installed, the folder is in no repository, or git does not trust its owner.
    """
    try:
        top = run_git(folder, "rev-parse", "--show-toplevel")
    except GitFailedError as error:
        if "dubious ownership" in error.message:
            cure = f"git config --global --add safe.directory {folder.resolve()}"
            raise UsageError(f"git does not trust the owner of {folder}", cure=cure) from None
        raise UsageError(
            f"{folder.resolve()} is not inside a git repository",
            cure="compare files, folders or locks: planner diff BASE HEAD",
        ) from None
    return Path(os.fsdecode(top.rstrip(b"\n")))


def revision(root: Path, name: str) -> Revision:
    """Return the commit that a name stands for.

    Raises
    ------
    UsageError
        When the repository has no commit yet, or none of that name.
    DataError
        When the clone is shallow and the commit may only be missing in it.
    """
    if name.startswith("-") or not name.strip() or "\n" in name:
        raise UsageError(f"{name!r} is no name of a revision", cure="name a branch, a tag or a commit")
    commit = _commit(root, name)
    if commit is not None:
        return Revision(root=root, name=name, commit=commit)
    if _commit(root, "HEAD") is None:
        raise UsageError(
            f"the repository {root} has no commit yet", cure="commit first, or compare two files"
        )
    if run_git(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise DataError(
            f"this clone is shallow and does not hold {name!r}",
            cure=f"{_fetch(name)} --depth=1, or in GitHub Actions: actions/checkout with fetch-depth: 0",
        )
    raise UsageError(f"the repository has no revision {name!r}", cure=f"git branch --all; {_fetch(name)}")


def _fetch(name: str) -> str:
    remote, slash, branch = name.partition("/")
    return f"git fetch {remote} {branch}:refs/remotes/{name}" if slash else f"git fetch origin {name}"


def _commit(root: Path, name: str) -> str | None:
    try:
        found = run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitFailedError:
        return None
    return found.decode().strip()


def run_git(folder: Path, *args: str) -> bytes:
    """Run one git command and return what it writes.

    Raises
    ------
    UsageError
        When there is no git to run.
    GitFailedError
        When git says no.
    """
    command: Sequence[str] = ("git", "-C", str(folder), *args)
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and names of revisions cannot be options
            command,
            capture_output=True,
            check=False,
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise UsageError(
            "git is not installed, and revisions are read with it",
            cure="install git, or compare files, folders or locks: planner diff BASE HEAD",
        ) from None
    if done.returncode != 0:
        raise GitFailedError(done.stderr.decode("utf-8", "replace").strip())
    return done.stdout
