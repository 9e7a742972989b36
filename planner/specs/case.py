"""Everything that an estimate of one scenario looks at, read and validated: the border between reading and deciding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from planner.records import dataclass
from planner.specs.books.books import Books
from planner.specs.books.rules import Rules
from planner.specs.profiles.memory import EngineMemoryProfile
from planner.specs.profiles.serving import ServingProfile
from planner.specs.profiles.step import StepProfile
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.workload import TextSize, TraceSummary
from planner.units import FloatArray


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Recording:
    """A recorded trace: one entry a request, in order of arrival."""

    file: str
    arrival_s: FloatArray
    input_tokens: FloatArray
    output_tokens: FloatArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One scenario with the books and rules that apply to it, and what its files measured.

    ``summary`` is what the trace says, where only that was kept: a lock does not hold the recording itself.
    ``measured`` are step profiles of the project's own, by file. ``lines`` is the line of every key in the file, by path such as ``models[0].share``.
    """

    scenario: Scenario
    file: str
    books: Books
    rules: Rules
    texts: Mapping[str, TextSize]
    vllm_memory: EngineMemoryProfile
    profiles: tuple[ServingProfile, ...]
    measured: Mapping[str, StepProfile] = field(default_factory=dict)
    trace: Recording | None = None
    summary: TraceSummary | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
