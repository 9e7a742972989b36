"""The model file that llama.cpp is to load: refused in our words when it cannot be one, before a worker starts."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from planner.errors import UsageError

MAGIC = b"GGUF"  # first four bytes, ggml/docs/gguf.md
WRITE_ONE = "planner bench --synthetic MODEL writes a GGUF of any model of the book"


def gguf_file(path: Path) -> Path:
    """Return the path of a GGUF file.

    Raises
    ------
    UsageError
        If there is no such file, or it is something else.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a GGUF file", cure=_instead(path, "in it"))
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
    except OSError as error:
        raise UsageError(
            f"cannot read the model {path}: {error.strerror}", cure=_instead(path.parent, "there", path.name)
        ) from error
    if start != MAGIC:
        raise UsageError(
            f"{path} is not a GGUF file: it does not begin with {MAGIC.decode()}",
            cure=f"convert the model, or download its GGUF; {WRITE_ONE}",
        )
    return path


def _instead(folder: Path, where: str, name: str = "") -> str:
    """Name the GGUF files of a folder, the nearest name first."""
    names = sorted(each.name for each in folder.glob("*.gguf")) if folder.is_dir() else []
    near = get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"{where} are: {', '.join(names)}" if names else WRITE_ONE
