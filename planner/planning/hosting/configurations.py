"""Configurations of an open model on a GPU type, worked out once a call whatever scenario asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import TypeVar, cast

import numpy as np

from planner.errors import DataError, UsageError
from planner.planning.memory.architecture import Architecture, unpack
from planner.planning.memory.vllm_memory import VllmMemory, VllmSettings, vllm_memory
from planner.planning.prediction.closed_loop import Limits, LoopResult, closed_loop
from planner.planning.prediction.joined_profile import joined_profile
from planner.planning.prediction.predict import ChosenProfile, choose_profile
from planner.planning.prediction.step_model import Operands, operands
from planner.planning.prediction.step_profiles import (
    NO_MACHINE,
    choose_step_profile,
    engine_meant,
    with_doubts,
)
from planner.records import dataclass
from planner.specs.base import Notice
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.specs.case import Case
from planner.specs.profiles.memory import EngineMemoryProfile
from planner.specs.profiles.serving import ServingProfile
from planner.specs.profiles.step import ChosenStepProfile, LocalMachine, StepProfile
from planner.units import Count, FloatArray, Numeric

MadeT = TypeVar("MadeT")
PLANS_AHEAD = frozenset({"vllm", "vllm-eager"})  #: vLLM's asynchronous scheduling, its default since 0.14


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """One model on the GPUs of one replica: what does not depend on the traffic."""

    model: ModelSpec
    hardware: HardwareSpec
    quantization: str
    gpus: Count
    operand: Operands
    memory: VllmMemory
    chosen: ChosenProfile


@dataclass(frozen=True, kw_only=True, slots=True)
class Workbench:
    """Fitted coefficients, and everything that was worked out with them in this call.

    Rows are told apart by identity, and kept: two scenarios with books of their own may mean different rows by one id.
    """

    profiles: tuple[ServingProfile, ...]
    memory_profile: EngineMemoryProfile
    measured: Mapping[str, StepProfile] = field(default_factory=dict)
    """Step profiles of the project's own, by file: they come before the shipped coefficients."""
    machine: LocalMachine = NO_MACHINE
    """Where the question is asked: a profile that was measured on it with another engine version or driver is doubted."""
    _known: dict[tuple[object, ...], tuple[object, object]] = field(default_factory=dict)

    def once(self, key: tuple[object, ...], kept: object, make: Callable[[], MadeT]) -> MadeT:
        """Return what ``make`` made for a key before, or makes now; ``kept`` is what the key's identities are of."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = (make(), kept)
        return cast("MadeT", found[0])

    def architecture(self, model: ModelSpec) -> Architecture:
        """Return the unpacked model."""
        return self.once(("architecture", id(model)), model, lambda: unpack(model))

    def configuration(
        self,
        model: ModelSpec,
        hardware: HardwareSpec,
        *,
        engine: str,
        quantization: str,
        kv_dtype: str,
        gpus: int,
    ) -> Configuration | str:
        """Return a configuration, or why it cannot be."""

        def make() -> Configuration | str:
            try:
                return self._made(
                    model, hardware, engine=engine, quantization=quantization, kv_dtype=kv_dtype, gpus=gpus
                )
            except (UsageError, DataError) as error:
                return error.message

        key = ("configuration", id(model), id(hardware), engine, quantization, kv_dtype, gpus)
        return self.once(key, (model, hardware), make)

    def _made(
        self,
        model: ModelSpec,
        hardware: HardwareSpec,
        *,
        engine: str,
        quantization: str,
        kv_dtype: str,
        gpus: int,
    ) -> Configuration:
        architecture = self.architecture(model)
        operand = operands(
            architecture,
            hardware,
            quantization=quantization,
            kv_dtype=kv_dtype,
            tensor_parallel=gpus,
            engine=engine,
        )
        chosen = choose_profile(self.profiles, engine=engine, hardware=hardware)
        own = self.measured_profile(engine, model, hardware, quantization) if gpus == 1 else None
        settings = VllmSettings(quantization=quantization, kv_dtype=kv_dtype, tensor_parallel=gpus)
        return Configuration(
            model=model,
            hardware=hardware,
            quantization=quantization,
            gpus=gpus,
            operand=operand,
            memory=vllm_memory(architecture, hardware, settings, self.memory_profile),
            chosen=chosen if own is None else joined_profile(chosen, operand, own),
        )

    def measured_profile(
        self, engine: str, model: ModelSpec, hardware: HardwareSpec, quantization: str
    ) -> ChosenStepProfile | None:
        """Return the project's own measurement of this model on one of these devices, if there is one."""
        return choose_step_profile(
            self.measured,
            kind=engine,
            model=model.id,
            quantization=quantization,
            hardware=hardware.id,
            machine=self.machine,
        )

    def doubts(self, name: str | None) -> tuple[Notice, ...]:
        """Return what speaks against a measured profile; nothing for the shipped ones."""
        profile = self.measured.get(name or "")
        if profile is None:
            return ()
        return with_doubts(name or "", profile, engine_meant(profile, self.machine)).notices


class Workbenches:
    """The workbench of each set of fitted coefficients: scenarios that share them share what was worked out."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int], Workbench] = {}

    def of(self, case: Case) -> Workbench:
        """Return the workbench of a scenario."""
        measured = id(case.measured) if case.measured else 0  # an empty mapping is each case's own
        key = (id(case.profiles), id(case.vllm_memory), measured)
        if key not in self._known:
            self._known[key] = Workbench(
                profiles=case.profiles, memory_profile=case.vllm_memory, measured=case.measured
            )
        return self._known[key]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """Several configurations as columns of numbers: one row each."""

    operand: Operands
    coefficients: dict[str, Numeric]
    limits: Limits
    room: FloatArray
    """Most requests that run at once."""
    plans_ahead: bool
    """Whether a step is planned while the one before it runs."""


def stacked(configurations: tuple[Configuration, ...], *, tokens: float) -> Stack:
    """Return configurations side by side; ``tokens`` is the length of a sequence, which decides how many have room.

    All must be of one engine.
    """

    def column(values: list[float]) -> FloatArray:
        return np.array(values, dtype=np.float64)[:, None]

    every = [each.operand for each in configurations]
    numbers = [each.chosen.profile.numbers() for each in configurations]
    memories = [each.memory for each in configurations]
    held = column([memory.concurrency(max(round(tokens), 1)) for memory in memories])
    sequences = column([float(memory.max_sequences) for memory in memories])
    return Stack(
        operand=Operands(
            **{each.name: column([getattr(one, each.name) for one in every]) for each in fields(Operands)}
        ),
        coefficients={name: column([one.get(name, 0.0) for one in numbers]) for name in numbers[0]},
        limits=Limits(
            batched_tokens=column([float(memory.batched_tokens) for memory in memories]),
            max_sequences=sequences,
            pool_tokens=held * tokens,
            separate_prefill=configurations[0].chosen.profile.separate_prefill,
        ),
        room=np.minimum(held, sequences),
        plans_ahead=configurations[0].chosen.profile.engine in PLANS_AHEAD,
    )


def steady_states(
    stack: Stack, *, concurrency: Numeric, input_tokens: Numeric, output_tokens: Numeric
) -> LoopResult:
    """Return the steady state of every configuration at every concurrency: one row and column each."""
    return closed_loop(
        stack.operand,
        stack.coefficients,
        stack.limits,
        concurrency=concurrency,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )
