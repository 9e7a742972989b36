"""A git repository read by its own commands: revisions and the files in them, without a checkout."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from planner.errors import DataError, PlannerError, UsageError
from planner.records import dataclass

FOLDER = "040000"  # mode of a folder in a tree
ABSENT = frozenset({"missing", "tree", "commit", "dangling", "notdir"})  # answers that mean: no file there
LINKS = {"loop": "is a link that leads in circles", "symlink": "is a link out of the repository"}
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
# Messages in English, no prompt for passwords, no fetch of blobs that a partial clone left out.
ENVIRONMENT = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """A commit of a repository. ``name`` is how it was asked for."""

    root: Path
    name: str
    commit: str

    def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder of the revision; the top folder is ``""``."""
        return path in {"", "."} or any(mode == FOLDER for mode, _ in self._list("--", path))

    def folder(self, path: str) -> tuple[str, ...]:
        """Return the paths of the files in a folder, sorted."""
        inside = self._list() if path in {"", "."} else self._list("--", f"{path}/")
        return tuple(name for mode, name in inside if mode != FOLDER)

    def _list(self, *args: str) -> list[tuple[str, str]]:
        """Return mode and path of each entry."""
        raw = run_git(self.root, "ls-tree", "-z", "--full-tree", self.commit, *args)
        lines = raw.decode("utf-8", "surrogateescape").split("\0")
        return [(line[:6], line.partition("\t")[2]) for line in lines if line]

    def content(self, path: str) -> bytes | None:
        """Return the bytes of a file, following links; ``None`` where there is none. Raises as :meth:`contents`."""
        return self.contents((path,)).get(path)

    def contents(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of files by path, following links inside the repository; absent ones are left out.

        Raises
        ------
        DataError
            When git has only a pointer: the content is in LFS, in a submodule, or was left out of the clone.
        """
        asked = [path for path in paths if path and "\n" not in path]
        if not asked:
            return {}
        lines = "".join(f"{self.commit}:{path}\n" for path in asked).encode("utf-8", "surrogateescape")
        raw = run_git(self.root, "cat-file", "--batch", "--follow-symlinks", stdin=lines)
        answers = zip(asked, _answers(raw), strict=True)
        return {path: self._checked(path, *each) for path, each in answers if each[0] not in ABSENT}

    def _checked(self, path: str, kind: str, content: bytes) -> bytes:
        """Return the content of a file that git really has."""
        if kind in LINKS:
            raise self._absent(path, LINKS[kind])
        if content.startswith(LFS_POINTER):
            raise self._absent(path, "is stored in git LFS")
        return content

    def _absent(self, path: str, why: str) -> DataError:
        return DataError(
            f"{path} at {self.name} {why}, so its content is not in this clone",
            cure="compare with a lock instead: planner diff planner.lock.json PATH",
        )


def _answers(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield kind and content of each object that ``git cat-file --batch`` wrote, in the order of the questions.

    Its lines are ``OBJECT blob SIZE``, ``NAME missing``, or for links that lead nowhere ``loop SIZE`` and their like.
    """
    at = 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        words = raw[at:end].split(b" ")
        at = end + 1
        if words[-1] == b"missing":
            yield "missing", b""
            continue
        size = int(words[-1])
        yield words[-2].decode(), raw[at : at + size]
        at += size + 1


class GitFailedError(PlannerError):
    """A git command said no; the caller knows what that means."""


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
            cure=f"{_fetch_into_shallow(name)}, or in GitHub Actions: actions/checkout with fetch-depth: 0",
        )
    raise UsageError(f"the repository has no revision {name!r}", cure=f"git branch --all; {_fetch(name)}")


def _fetch_into_shallow(name: str) -> str:
    """Return how to get a commit; one that is counted from another has no name that a remote knows."""
    counted = any(mark in name for mark in "~^@")
    return "git fetch --unshallow" if counted else f"{_fetch(name)} --depth=1"


def _fetch(name: str) -> str:
    remote, slash, branch = name.partition("/")
    return f"git fetch {remote} {branch}:refs/remotes/{name}" if slash else f"git fetch origin {name}"


def _commit(root: Path, name: str) -> str | None:
    try:
        found = run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitFailedError:
        return None
    return found.decode().strip()


def run_git(folder: Path, *args: str, stdin: bytes = b"") -> bytes:
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
            input=stdin,
        )
    except FileNotFoundError:
        raise UsageError(
            "git is not installed, and revisions are read with it",
            cure="install git, or compare files, folders or locks: planner diff BASE HEAD",
        ) from None
    if done.returncode != 0:
        raise GitFailedError(done.stderr.decode("utf-8", "replace").strip())
    return done.stdout
