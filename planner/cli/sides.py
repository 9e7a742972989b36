"""Arguments of diff and check into the two sides that they name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from planner.cli.locked_profiles import measured_of, with_measured
from planner.cli.options import today
from planner.errors import UsageError
from planner.inputs.git import Revision, repository_root, revision
from planner.inputs.locks import parse_lock, read_lock
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.revisions import side_of_revision
from planner.inputs.rules import load_rules
from planner.inputs.serving_profiles import load_serving_profiles
from planner.inputs.sides import side_of_files
from planner.planning.lock.locking import side_of
from planner.records import dataclass
from planner.specs.gate.lock import Lock
from planner.specs.gate.side import Entry, Side

LOCK_SUFFIX = ".json"
WORKING_TREE = "working tree"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """How sides are read: the lock that stands for the base, the price date, own books."""

    lock: Path
    as_of: date | None = None
    books: tuple[Path, ...] = ()

    def compared(
        self, paths: tuple[str, ...], base_ref: str | None, head_ref: str | None
    ) -> tuple[Side, Side]:
        """Return base and head as the command line names them.

        Raises
        ------
        UsageError
            When the arguments do not say what to compare.
        """
        if base_ref is not None:
            return self.in_revisions(paths, base_ref, head_ref)
        if head_ref is not None:
            raise UsageError("--head-ref needs --base-ref", cure="or name both: REVISION:PATH REVISION:PATH")
        if len(paths) == 2:
            return self.named(paths[0], forgiving=True), self.named(paths[1])
        if len(paths) < 2:
            return self.against_lock(paths)
        raise UsageError(
            f"a diff has a base and a head, found {len(paths)} paths", cure="planner diff BASE HEAD"
        )

    def in_revisions(self, paths: tuple[str, ...], base_ref: str, head_ref: str | None) -> tuple[Side, Side]:
        """Return the same paths in a revision and in another one, or in the working tree."""
        if not paths:
            raise UsageError("no path is named", cure=f"planner diff --base-ref {base_ref} scenarios")
        root = repository_root(_folder_of(Path(paths[0])))
        inside = tuple(_inside(Path(path), root) for path in paths)
        base = revision(root, base_ref)
        if head_ref is not None:
            head = self._of_revision(revision(root, head_ref), inside)
        else:
            head = self.of_files(tuple(Path(path) for path in paths), root=root)
        return self._of_revision(base, inside, forgiving=True, known=head.entries), head

    def against_lock(self, paths: tuple[str, ...]) -> tuple[Side, Side]:
        """Return the lock, and the scenarios that are named or that it holds."""
        locked = read_lock(self.lock)
        held = [self.lock.parent / place for place in locked.scenarios]
        files = tuple(Path(path) for path in paths) or tuple(path for path in held if path.exists())
        if not files:
            raise UsageError(f"none of the scenarios of {self.lock} is there any more")
        head = self.of_files(files, root=self.lock.parent)
        measured = measured_of(None, locked, self.lock.parent)
        return self.of_lock(locked, str(self.lock)), with_measured(head, measured)

    def named(self, name: str, *, forgiving: bool = False) -> Side:
        """Return the side that one argument names: a path that exists, or ``REVISION:PATH``."""
        path = Path(name)
        if path.exists():
            if path.suffix == LOCK_SUFFIX:
                return self.of_lock(read_lock(path), name)
            return self.of_files((path,), root=path if path.is_dir() else path.parent, label=name)
        ref, colon, inner = name.partition(":")
        if not colon:
            raise UsageError(f"there is no file or folder {name}", cure="a revision is named REVISION:PATH")
        root = repository_root(Path())
        found = revision(root, ref)
        inside = _inside(Path(inner), root)
        if inner.endswith(LOCK_SUFFIX):
            return self._lock_in(found, inside, name)
        if not found.is_folder(inside) and found.content(inside) is None:
            raise UsageError(f"there is no {inner} at {found.name}", cure=f"git ls-tree --name-only {ref}")
        return self._of_revision(found, (inside,), forgiving=forgiving)

    def of_files(self, paths: tuple[Path, ...], *, root: Path, label: str = WORKING_TREE) -> Side:
        """Return scenario files and folders as a side."""
        return side_of_files(
            paths, root=root, label=label, today=today(), as_of=self.as_of, own_books=self.books
        )

    def of_lock(self, locked: Lock, label: str) -> Side:
        """Return a lock as a side; its own rows are its books."""
        return side_of(
            locked,
            label=label,
            rules=load_rules(),
            vllm_memory=load_vllm_memory(),
            profiles=load_serving_profiles(),
        )

    def _of_revision(
        self,
        found: Revision,
        paths: tuple[str, ...],
        *,
        forgiving: bool = False,
        known: tuple[Entry, ...] = (),
    ) -> Side:
        return side_of_revision(
            found,
            paths,
            today=today(),
            as_of=self.as_of,
            own_books=self.books,
            forgiving=forgiving,
            known=known,
        )

    def _lock_in(self, found: Revision, path: str, label: str) -> Side:
        raw = found.content(path)
        if raw is None:
            raise UsageError(f"there is no {path} at {found.name}")
        return self.of_lock(parse_lock(raw, label), label)


def _folder_of(path: Path) -> Path:
    """Return the nearest folder that exists."""
    return next(folder for folder in (path, *path.resolve().parents) if folder.is_dir())


def _inside(path: Path, root: Path) -> str:
    """Return a path from the top of the repository.

    Raises
    ------
    UsageError
        When it lies outside.
    """
    whole = path.resolve()
    if not whole.is_relative_to(root.resolve()):
        raise UsageError(f"{path} lies outside the repository {root}")
    inside = whole.relative_to(root.resolve()).as_posix()
    return "" if inside == "." else inside
