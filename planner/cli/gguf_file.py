"""The model that an engine is to load: refused in our words when it cannot be one, before the engine starts."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from planner.errors import UsageError

MAGIC = b"GGUF"  # first four bytes, ggml/docs/gguf.md
PATH_STARTS = ("/", "./", "../", "~")
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


def model_folder(name: str) -> str:
    """Return what vLLM is to load: the id of a hub, a folder with a config.json, or a file, which it may know.

    Raises
    ------
    UsageError
        If it is written as a path, and no such folder is there.
    """
    path = Path(name).expanduser()
    if not name.startswith(PATH_STARTS) or path.is_file() or (path / "config.json").is_file():
        return name
    found = "has no config.json" if path.is_dir() else "is no folder"
    raise UsageError(
        f"cannot load the model {name}: it {found}",
        cure="name a folder with config.json and weights, an id of the hub, or --synthetic MODEL",
    )


def _instead(folder: Path, where: str, name: str = "") -> str:
    """Name the GGUF files of a folder, the nearest name first."""
    names = sorted(each.name for each in folder.glob("*.gguf")) if folder.is_dir() else []
    near = get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"{where} are: {', '.join(names)}" if names else WRITE_ONE
