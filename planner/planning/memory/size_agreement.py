"""Hold the dimensions that a model's files tell against the parameters that they hold."""

from __future__ import annotations

from planner.errors import DataError
from planner.planning.memory.architecture import unpack
from planner.specs.books.model import ModelSpec

TOLERANCE = (
    0.01  # small tensors that files hold beside the model's own: tables of positions, corrections of routers
)


def check_size(model: ModelSpec) -> None:
    """Refuse a model whose dimensions do not make up its stored parameters, with or without prediction layers.

    Raises
    ------
    DataError
        With both counts: something in the architecture is not understood, and its memory would be a guess.
    """
    if model.parameters is None:
        return
    counts = unpack(model).parameters
    if any(
        abs(total / model.parameters - 1.0) <= TOLERANCE
        for total in (counts.total, counts.total + counts.mtp)
    ):
        return
    raise DataError(
        f"the dimensions of {model.source} make up {counts.total / 1e9:,.3f} billion parameters and its tensors "
        f"{model.parameters / 1e9:,.3f}: something of {model.family} is not understood",
        cure="write a row by hand into your own models.yaml",
    )
