"""Tokenizer families: how much text one token covers, and what a prompt comes to in each."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from planner.records import dataclass
from planner.specs.base import Document, Grade
from planner.units import Ratio, TokenNumber

HowCounted = Literal["stated", "counted", "estimated"]


class TokenizerFamily(Document):
    """One tokenizer and the models that share it, by the vendor's own rule of thumb for English.

    ``low_factor`` and ``high_factor`` bound what a text really takes over what the rule gives, in eight of ten texts.
    ``published`` is false where the vendor says nothing and the common rule stands in. ``tiktoken`` and
    ``repositories`` name vocabularies that count exactly where they lie on this machine; ``vocabulary`` says what
    the band was counted with. ``open_families`` are the families of models.yaml that are cut this way.
    """

    id: str = Field(min_length=1)
    words_per_token: float = Field(gt=0)
    characters_per_token: float = Field(gt=0)
    low_factor: float = Field(gt=0, le=1)
    high_factor: float = Field(ge=1)
    published: bool
    tiktoken: str | None = None
    repositories: tuple[str, ...] = ()
    vocabulary: str | None = None
    open_families: tuple[str, ...] = ()
    source: str = Field(min_length=1)
    checked: date
    note: str | None = None

    @property
    def grade(self) -> Grade:
        """How good the factor is."""
        return "datasheet" if self.published else "assumed"


class TokenizerTable(Document):
    """All families; the last one stands for tokenizers that nobody describes."""

    tokenizers: tuple[TokenizerFamily, ...] = Field(min_length=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenCount:
    """The tokens of a file, counted with a family's own vocabulary."""

    family: str
    tokens: int
    counter: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PartTokens:
    """One part of the prompt in one family: tokens, their band, and whether they were counted or estimated."""

    name: str
    tokens: float
    low: TokenNumber
    high: TokenNumber
    how: HowCounted
    counter: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptTokens:
    """The prompt in the tokens of one model.

    ``input_tokens`` is the mean prompt, ``low`` and ``high`` its band where parts are estimated from text.
    ``factor`` is over the tokens of the scenario's workload; ``per_text_factor`` what the same text takes in this
    family over the common rule of 0.75 words a token.
    """

    model: str
    family: str
    input_tokens: float
    low: TokenNumber
    high: TokenNumber
    factor: Ratio
    per_text_factor: float
    grade: Grade
    source: str
    parts: tuple[PartTokens, ...]
