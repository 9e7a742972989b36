"""A scenario's traffic and prompts as plain numbers: what every calculator starts from."""

from __future__ import annotations

from typing import Literal

from planner.records import dataclass
from planner.specs.base import Grade
from planner.specs.books.tokenizer import TokenCount
from planner.units import Count, MeanCount, Ratio, TokenNumber

SizeUnit = Literal["tokens", "words", "characters", "pages"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CharacterKinds:
    """The characters of a text by how finely tokenizers split them; the fields sum to all of them.

    ``letters`` are ASCII, with the first space of each run; ``other_letters`` those of further alphabets; ``wide``
    the scripts of East Asia and what comes behind them; ``symbols`` the rest.
    """

    letters: Count
    digits: Count
    symbols: Count
    other_letters: Count
    wide: Count
    further_spaces: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSize:
    """The measured size of a prompt file, and the hash that tells when it changed.

    ``counts`` are its tokens in the families whose vocabulary was there when it was read. A lock of an earlier
    version has no ``kinds``.
    """

    file: str
    characters: Count
    words: Count
    sha256: str
    counts: tuple[TokenCount, ...] = ()
    kinds: CharacterKinds | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PartSize:
    """One part of the prompt, in the unit in which its size is known; a file in characters of English prose."""

    name: str
    unit: SizeUnit
    amount: MeanCount
    static: bool
    text: TextSize | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenStats:
    """Mean and percentiles of a token count; all equal where it does not vary."""

    mean: TokenNumber
    p50: TokenNumber
    p95: TokenNumber
    p99: TokenNumber
    sigma: Ratio = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceSummary:
    """What a recorded trace says about its traffic."""

    file: str
    requests: Count
    duration_s: float
    burstiness: Ratio
    peak_to_mean: Ratio
    input_tokens: TokenStats
    output_tokens: TokenStats


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """Volume, shape and sizes of one scenario, before any cache or retry."""

    requests_per_day: float
    requests_per_month: float
    mean_requests_per_s: float
    hourly_weights: tuple[float, ...]
    peak_to_mean: Ratio
    peak_requests_per_s: float
    burstiness: Ratio
    growth_per_month_fraction: float
    horizon_months: Count
    days_per_month: float
    input_tokens: TokenStats
    output_tokens: TokenStats
    reasoning_tokens: TokenStats
    static_prefix_tokens: float
    parts: tuple[PartSize, ...]
    grade: Grade
