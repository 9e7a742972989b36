"""The work behind ``planner fit``: look the names up, ask for every device, put the best first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner.cli.options import today
from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.model_files import is_model_path, read_model
from planner.planning.memory.architecture import unpack
from planner.planning.memory.fit import VLLM_KINDS, fit_vllm
from planner.planning.memory.fit_llamacpp import fit_llamacpp
from planner.specs.answers.fit import Fit, FitRequest
from planner.specs.books.hardware import HardwareSpec


def answers_for(
    model: str, gpu: str | None, request: FitRequest, folders: tuple[Path, ...], *, clip_context: bool
) -> tuple[Fit, ...]:
    """Return the answer for one device, or for all that the engine runs on, those that fit first.

    ``clip_context`` shortens a context that the user did not ask for to the model's own.

    Raises
    ------
    UsageError
        When the question makes no sense for the device, or for any of them.
    """
    books = load_books(*folders)
    found = read_model(Path(model), checked=today()) if is_model_path(model) else books.models.find(model)
    architecture = unpack(found)
    if clip_context:
        shorter = min(request.context_tokens, architecture.model.max_context)
        request = replace(request, context_tokens=shorter)
    profile = load_vllm_memory()

    def answer(hardware: HardwareSpec) -> Fit:
        if request.engine == "llamacpp":
            return fit_llamacpp(architecture, hardware, request)
        return fit_vllm(architecture, hardware, request, profile)

    if gpu is not None:
        return (answer(books.hardware.find(gpu)),)
    devices = [books.hardware.rows[name] for name in books.hardware.rows]
    everywhere = request.engine == "llamacpp"
    answers = [answer(hardware) for hardware in devices if everywhere or hardware.kind in VLLM_KINDS]
    return tuple(sorted(answers, key=_best_first))


def _best_first(answer: Fit) -> tuple[bool, float, float, str]:
    """Sort what fits by size, smallest first; then what does not, nearest first."""
    return (not answer.fits, answer.shortage_bytes, answer.physical_bytes, answer.hardware)
