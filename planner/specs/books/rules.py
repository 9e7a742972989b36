"""Rules of thumb as data: decision tree, checklist, tiers by scale. They are advice, never physics."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from planner.specs.base import Document, refusal
from planner.specs.books.tokenizer import TokenizerFamily


class TreeNode(Document):
    """One question of the caching decision tree; ``yes`` and ``no`` name the next one or a verdict."""

    id: str
    question: str
    yes: str
    no: str


RuleName = Literal["routing_saving_fraction", "prompt_cache_saving_fraction", "batch_saving_fraction"]


class ChecklistItem(Document):
    """One piece of advice, and the facts that make it apply, not apply, or done already.

    ``rule`` names the key number that says what it saves, ``rule_of`` what that is a fraction of. ``latency`` says on
    what its effect on the waiting time rests, or why that is unknown and which measurement tells.
    """

    id: str
    title: str
    effort: Literal["hours", "days", "weeks"]
    effect: str
    latency: str
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    rule: RuleName | None = None
    rule_of: Literal["bill", "input"] = "bill"


class ScaleTier(Document):
    """The tier that the rule of thumb gives up to a daily volume; ``None`` is the last row."""

    below_requests_per_day: float | None
    tier: str


class Thresholds(Document):
    """Numbers that facts compare a scenario with."""

    headroom_fraction: float = Field(gt=0, le=1)
    long_prefix_tokens: float = Field(gt=0)
    long_prompt_tokens: float = Field(gt=0)
    high_volume_tokens_per_day: float = Field(gt=0)
    interactive_ttft_s: float = Field(gt=0)


class ErrorClass(Document):
    """One class of error: whether it is retried, how often at most, and how much of the attempt is billed.

    ``billed_fraction`` is not in the source: an attempt is billed when the provider did the work.
    """

    id: str
    http: int | None = None
    retry: Literal["yes", "no", "maybe"]
    max_retries: int | None = Field(None, ge=0)
    billed_fraction: float = Field(0.0, ge=0, le=1)
    strategy: str

    @property
    def retried(self) -> bool:
        """Whether the same request is sent again; ``maybe`` needs a changed request, so it is not."""
        return self.retry == "yes"


class Band(Document):
    """The range that a rule of thumb names."""

    low: float = Field(ge=0)
    high: float = Field(ge=0)

    @property
    def middle(self) -> float:
        """The value in the middle of the range."""
        return (self.low + self.high) / 2

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.high < self.low:
            raise refusal(f"high at or above low {self.low:g}", f"{self.high:g}")
        return self


class KeyNumbers(Document):
    """Ranges of the source that stand in where a scenario states nothing, or that a computed figure is held against."""

    faq_hit_fraction: Band
    unique_hit_fraction: Band
    exact_lookup_s: Band
    semantic_lookup_s: Band
    output_tokens_per_s: Band
    prefill_s_per_token: Band
    small_model_share: Band
    routing_saving_fraction: Band
    prompt_cache_saving_fraction: Band
    batch_saving_fraction: Band


class Rules(Document):
    """All rules of one source."""

    source: str
    cache_tree: tuple[TreeNode, ...] = Field(min_length=1)
    cache_verdicts: dict[str, str]
    checklist: tuple[ChecklistItem, ...]
    error_classes: tuple[ErrorClass, ...] = Field(min_length=1)
    key_numbers: KeyNumbers
    tier_by_scale: tuple[ScaleTier, ...] = Field(min_length=1)
    thresholds: Thresholds
    tokenizers: tuple[TokenizerFamily, ...] = ()

    def family(self, tokenizer: str | None) -> TokenizerFamily:
        """Return the family that a model names; the last one, of which nothing is known, where it names none."""
        return next((each for each in self.tokenizers if each.id == tokenizer), self.tokenizers[-1])

    def open_family(self, family: str) -> TokenizerFamily:
        """Return the tokenizer of a family of open models; the last one where none says that it is theirs."""
        return next((each for each in self.tokenizers if family in each.open_families), self.tokenizers[-1])

    @model_validator(mode="after")
    def _tree_leads_somewhere(self) -> Self:
        known = {node.id for node in self.cache_tree} | set(self.cache_verdicts)
        for node in self.cache_tree:
            for target in (node.yes, node.no):
                if target not in known:
                    raise ValueError(
                        f"cache_tree.{node.id} leads to {target!r}, which is no question or verdict"
                    )
        return self
