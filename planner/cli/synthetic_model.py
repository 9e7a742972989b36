"""Synthetic models for the commands that measure: written once, kept in a folder."""

from __future__ import annotations

from pathlib import Path

from planner.engines.synthetic import write_gguf, write_vllm_folder
from planner.engines.synthetic_shape import shape_of
from planner.inputs.books import load_books

CACHE = Path("~/.cache/planner/synthetic")
SYNTHETIC_SEED = 0


def synthetic_model(
    name: str, quantization: str, *, folder: Path = CACHE, books: tuple[Path, ...] = ()
) -> Path:
    """Return the GGUF of a model of the book with random weights, written now unless the folder has it."""
    row = load_books(*books).models.find(name)
    path = folder.expanduser() / f"{row.id.replace('/', '--')}-{quantization}.gguf"
    if path.is_file():
        return path
    return write_gguf(shape_of(row), quantization, path, seed=SYNTHETIC_SEED)


def synthetic_folder(name: str, *, folder: Path = CACHE, books: tuple[Path, ...] = ()) -> Path:
    """Return the folder with which vLLM times a model of the book without its weights."""
    row = load_books(*books).models.find(name)
    return write_vllm_folder(shape_of(row), folder.expanduser() / row.id.replace("/", "--"))
