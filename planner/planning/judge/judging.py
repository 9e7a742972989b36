"""What all judges of measured rows share: the books by name, the reason why a row has no prediction."""

from __future__ import annotations

import re
from dataclasses import field

from planner.planning.judge.device_names import DeviceNames, device_names
from planner.planning.judge.model_names import ModelNames, model_names
from planner.planning.memory.architecture import Architecture, unpack
from planner.records import dataclass
from planner.specs.answers.prediction import Prediction, PredictRequest
from planner.specs.answers.simulated import ReplicaSimulation
from planner.specs.base import Quantity
from planner.specs.books.books import Books
from planner.specs.books.hardware import HardwareSpec
from planner.specs.profiles.memory import EngineMemoryProfile
from planner.specs.profiles.serving import ServingProfile

# Splitwise's tables name H100s "pcap" that its authors hold at half their power (Patel et al., ISCA 2024).
POWER_CAPPED = re.compile(r"p(?:ower)?[-_ ]?cap", re.IGNORECASE)
CAPPED_FRACTION = 0.5
BENCHMARK_CONTEXT = 32_768  #: a benchmark may run past the context that a model was trained for


class Unpredictable(Exception):  # noqa: N818 - a reason, not an error
    """Why a row has no prediction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What predictions are made from."""

    books: Books
    profiles: tuple[ServingProfile, ...]
    memory_profile: EngineMemoryProfile


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """The tools with their indexes, and what was computed already: rows of one run ask the same again."""

    tools: Tools
    devices: DeviceNames
    models: ModelNames
    architectures: dict[str, Architecture] = field(default_factory=dict)
    predictions: dict[tuple[str, str, PredictRequest], Prediction | str] = field(default_factory=dict)
    simulations: dict[object, tuple[ReplicaSimulation, ...] | str] = field(default_factory=dict)

    def device(self, name: str) -> HardwareSpec:
        """Return the device of a name.

        Raises
        ------
        Unpredictable
            When the book has none, or several are meant.
        """
        found = self.devices.find(name)
        if found is None:
            known = self.tools.books.hardware.ids_of(name)
            raise Unpredictable(f"hardware {name} is {_missing(known)}" if name else "no hardware is stated")
        row = self.tools.books.hardware.rows[found]
        return _capped(row) if POWER_CAPPED.search(name) else row

    def model(self, name: str) -> str:
        """Return the model id of a name.

        Raises
        ------
        Unpredictable
            When the book has none, or several are meant.
        """
        found = self.models.find(name) if name else None
        if found is None:
            known = self.tools.books.models.ids_of(name)
            raise Unpredictable(f"model {name} is {_missing(known)}" if name else "no model is stated")
        return found

    def architecture(self, model: str) -> Architecture:
        """Return the unpacked model, with room for a benchmark's lengths."""
        if model not in self.architectures:
            spec = self.tools.books.models.rows[model]
            longest = max(spec.max_context, BENCHMARK_CONTEXT)
            self.architectures[model] = unpack(spec.model_copy(update={"max_context": longest}))
        return self.architectures[model]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A row's prediction, with the names that it was matched to."""

    engine: str
    hardware: str
    model: str
    load: str
    metric: str
    predicted: Quantity


def bench_of(tools: Tools) -> Bench:
    """Return the tools with their indexes."""
    return Bench(
        tools=tools,
        devices=device_names(tools.books.hardware),
        models=model_names(tools.books.models),
    )


def _capped(row: HardwareSpec) -> HardwareSpec:
    """Return a device held at a part of its power."""
    watts = None if row.tdp_w is None else CAPPED_FRACTION * row.tdp_w
    return row.model_copy(update={"id": f"{row.id}-capped", "tdp_w": watts})


def _missing(ids: tuple[str, ...]) -> str:
    return "ambiguous" if ids else "not in the book"
