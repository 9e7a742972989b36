"""How vLLM divides a pool into blocks when layers cache differently: sliding windows, recurrent states.

All groups draw blocks of one size from one pool. Layers are put into groups of equal length, so that a block holds
the same bytes in every group; what does not come out even is padding. [1]_

.. [1] vLLM, ``v1/core/kv_cache_utils.py``: ``_get_kv_cache_groups_uniform_page_size``, ``get_kv_cache_configs``;
   checked against the start-up lines of Gemma-2, Qwen3.6-27B and Qwen3.6-35B-A3B (exact).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.errors import DataError
from planner.formulas.pool import blocks_of_sequence, state_block_tokens, whole_blocks
from planner.planning.memory.kv_groups import CacheGroup
from planner.records import dataclass
from planner.units import Count

BLOCK_TOKENS = 16
GROUP_PADDING_FRACTION = 1.25  # vLLM pads up to a quarter before it makes one more group
STATE_BLOCKS_WITH_PREFIX_CACHE = 2  # mamba_cache_mode=align keeps the state before the step and after it


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolGroup:
    """Layers that share a block table."""

    cache: CacheGroup
    tables: Count
    """How many groups of equal length the layers make."""
    block_tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockLayout:
    """A pool's block size and the groups that draw on it."""

    block_bytes: float
    groups: tuple[PoolGroup, ...]

    @property
    def tables(self) -> int:
        """Block tables that one sequence has."""
        return sum(group.tables for group in self.groups)

    def blocks_per_sequence(
        self, *, tokens: float, batched_tokens: float, speculative_tokens: int = 0
    ) -> float:
        """Blocks that one sequence of ``tokens`` can come to hold over all tables."""
        total = 0.0
        for group in self.groups:
            if group.cache.state_bytes:
                blocks = float(STATE_BLOCKS_WITH_PREFIX_CACHE + speculative_tokens)
            else:
                blocks = float(
                    blocks_of_sequence(
                        tokens=tokens,
                        block_tokens=group.block_tokens,
                        window=group.cache.window,
                        batched_tokens=batched_tokens,
                        unaligned_blocks=0.0 if group.cache.kind == "chunked" else 1.0,
                    )
                )
            total += group.tables * blocks
        return total

    def blocks(self, pool_bytes: float) -> int:
        """Blocks in a pool of that size."""
        return int(whole_blocks(pool_bytes=pool_bytes, block_bytes=self.block_bytes))

    def tokens(self, blocks: int) -> int:
        """Tokens that vLLM's start-up line states for so many blocks."""
        smallest = min(group.block_tokens for group in self.groups if not group.cache.state_bytes)
        return blocks // self.tables * smallest


def _base_tokens(states: Sequence[CacheGroup], page_bytes: float) -> int:
    """Return the tokens of a block of the widest layer: the usual ones, or so many that a state fits. [tokens]"""
    if not states:
        return BLOCK_TOKENS
    longest = max(group.state_bytes for group in states)
    return int(state_block_tokens(state_bytes=longest, token_bytes=page_bytes))


def block_layout(groups: tuple[CacheGroup, ...], *, hybrid: bool = True) -> BlockLayout:
    """Return how vLLM lays the groups of one rank out.

    A model of one kind, or whose layers all keep everything, has one table; without ``hybrid`` pools every model has.

    Raises
    ------
    DataError
        When no layer caches tokens: vLLM pools such a model's states in a way that is not modelled.
    """
    caching = tuple(group for group in groups if group.token_bytes)
    if not caching:
        raise DataError(
            "a model without attention layers has no KV pool to divide",
            cure="plan it by its weights and states",
        )
    states = tuple(group for group in groups if group.state_bytes)
    page = max(group.token_bytes for group in caching)
    if not (states or (hybrid and any(group.window for group in caching))) or len(groups) == 1:
        return _single_table(caching)
    base = _base_tokens(states, page)
    length = _group_length([math.ceil(group.layers) for group in groups])
    placed = tuple(
        PoolGroup(
            cache=group,
            tables=math.ceil(math.ceil(group.layers) / length),
            block_tokens=base if group.state_bytes else base * _ratio(page, group.token_bytes),
        )
        for group in groups
    )
    return BlockLayout(block_bytes=base * page * length, groups=placed)


def _ratio(page: float, token_bytes: float) -> int:
    """How many times as long a block of smaller tokens is: whole times, or it is padded to the page instead."""
    return 1 if page % token_bytes else int(page // token_bytes)


def _single_table(caching: tuple[CacheGroup, ...]) -> BlockLayout:
    per_token = sum(group.layers * group.token_bytes for group in caching)
    merged = CacheGroup(
        kind=caching[0].kind,
        layers=sum(group.layers for group in caching),
        token_bytes=per_token,
        window=caching[0].window if len({group.window for group in caching}) == 1 else None,
    )
    group = PoolGroup(cache=merged, tables=1, block_tokens=BLOCK_TOKENS)
    return BlockLayout(block_bytes=BLOCK_TOKENS * per_token, groups=(group,))


def _group_length(layers: list[int]) -> int:
    shortest, longest = min(layers), max(layers)
    return longest if longest < shortest * GROUP_PADDING_FRACTION else shortest
