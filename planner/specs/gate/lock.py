"""The lock file: scenarios, the rows of the books that price them, and the results, in one reviewed file."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from planner.specs.base import Document
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.limits import RateLimitEdition
from planner.specs.books.model import ModelSpec
from planner.specs.books.price import ApiModel, Contract, CurrencyRate
from planner.specs.books.rental import GpuRental
from planner.specs.books.rules import Band, ErrorClass
from planner.specs.books.tokenizer import TokenizerFamily
from planner.specs.gate.outcome import Outcome
from planner.specs.profiles.memory import EngineMemoryProfile
from planner.specs.profiles.serving import ServingProfile
from planner.specs.profiles.step import StepProfile
from planner.specs.scenario.workload import TextSize, TraceSummary

LOCK_FILE = "planner.lock.json"  #: where a lock lies unless told otherwise
LOCK_VERSION = 2  #: with the rules of thumb; inputs/locks.py reads version 1
LOCK_SCHEMA: Literal["planner.lock/2"] = "planner.lock/2"


class LockedRows(Document):
    """Rows of the books, whole, by key: their id, or ``id~hash`` where scenarios use different rows of one id."""

    api: dict[str, ApiModel] = Field(default_factory=dict)
    hardware: dict[str, HardwareSpec] = Field(default_factory=dict)
    models: dict[str, ModelSpec] = Field(default_factory=dict)
    rentals: dict[str, GpuRental] = Field(default_factory=dict)
    rate_limits: dict[str, RateLimitEdition] = Field(default_factory=dict)
    contracts: dict[str, Contract] = Field(default_factory=dict)
    currencies: dict[str, CurrencyRate] = Field(default_factory=dict)


class LockedProfiles(Document):
    """Fitted coefficients that the results rest on; absent where nothing was hosted.

    ``measured`` are step profiles of the project's own, whole, by path from the lock's folder.
    """

    vllm_memory: EngineMemoryProfile | None = None
    serving: tuple[ServingProfile, ...] = ()
    measured: dict[str, StepProfile] = Field(default_factory=dict)


class LockedRules(Document):
    """Rules of thumb that results rest on. What only gives advice is not in it."""

    source: str
    error_classes: dict[str, ErrorClass]
    """Classes of error whose rate a scenario states, by id: what is retried, and what is billed."""
    tokenizers: dict[str, TokenizerFamily]
    """Tokenizer families of the models, by id."""
    other_tokenizer: str
    """The family of models that name none."""
    hit_fractions: dict[str, Band]
    """Hit rates of response caches that a scenario does not state, by key number."""
    headroom_fraction: float
    """Share of a rate limit from which a tier counts as tight."""


class LockedScenario(Document):
    """One scenario: what it said, what its files measured, which rows priced it, and what came out."""

    name: str
    as_of: date
    inputs: dict[str, str]
    """SHA-256 of every file that was read, by path from the lock's folder: scenario, prompts, trace, own books."""
    scenario: dict[str, object]
    """The scenario's keys as they were read, with all overrides."""
    assumptions: dict[str, object]
    """Defaults that filled what the scenario leaves open, by path."""
    texts: dict[str, TextSize] = Field(default_factory=dict)
    """Measured sizes of prompt files, by prompt part."""
    trace: TraceSummary | None = None
    rows: dict[str, tuple[str, ...]]
    """Keys of ``Lock.rows`` by section."""
    result: Outcome


class Lock(Document):
    """``planner.lock.json``."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal["planner.lock/2"] = Field(LOCK_SCHEMA, alias="schema")
    planner: str
    """Version of planner that wrote it."""
    seed: int = 0
    scenarios: dict[str, LockedScenario]
    """By path of the scenario's file from the lock's folder."""
    rows: LockedRows
    profiles: LockedProfiles = Field(default_factory=LockedProfiles)
    rules: LockedRules | None = None
    """``None`` in a lock that was written as version 1, which held none: today's stand in."""
