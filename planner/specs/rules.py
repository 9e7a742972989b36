"""Rules of thumb as data: decision tree, checklist, tiers by scale. They are advice, never physics."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from planner.specs.base import Document


class TreeNode(Document):
    """One question of the caching decision tree; ``yes`` and ``no`` name the next one or a verdict."""

    id: str
    question: str
    yes: str
    no: str


class ChecklistItem(Document):
    """One piece of advice, and the facts that make it apply, not apply, or done already."""

    id: str
    title: str
    effort: Literal["hours", "days", "weeks"]
    effect: str
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    already: tuple[str, ...] = ()


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


class Rules(Document):
    """All rules of one source."""

    source: str
    cache_tree: tuple[TreeNode, ...] = Field(min_length=1)
    cache_verdicts: dict[str, str]
    checklist: tuple[ChecklistItem, ...]
    tier_by_scale: tuple[ScaleTier, ...] = Field(min_length=1)
    thresholds: Thresholds

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
