"""What goes into a simulation of one serving engine, and what comes out."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from planner.errors import UsageError
from planner.records import dataclass
from planner.units import Count

if TYPE_CHECKING:
    from planner.units import FloatArray

IntArray = NDArray[np.int64]

VLLM_BLOCK_TOKENS = 16  #: vLLM's KV block on CUDA devices
VLLM_MAX_NUM_SEQS = 256  #: vLLM's --max-num-seqs when the user gives none (128 in some front ends)
VLLM_MAX_NUM_BATCHED_TOKENS = (
    2048  #: vLLM's --max-num-batched-tokens for online serving below 70 GiB of GPU memory
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineLimits:
    """The scheduler's settings: how many sequences and tokens a step may hold, and how large the KV pool is.

    Attributes
    ----------
    max_num_seqs
        Sequences in flight at most; llama.cpp's ``--parallel``.
    max_num_batched_tokens
        Tokens in one step at most; llama.cpp's ``--batch-size``.
    pool_tokens
        Tokens of KV cache on this replica; ``None`` for one that never fills.
    block_tokens
        Tokens in one KV block.
    chunked_prefill
        Whether a prompt may be split over steps.
    reserve_full_input
        Whether a request is admitted only when its whole prompt fits into free blocks, as vLLM does since 0.19.
    async_scheduling
        Whether a step is planned while the one before it runs, so that arrivals and freed blocks are seen one step
        late, as vLLM does by default since 0.14.
    slot_tokens
        Longest sequence that one llama.cpp slot holds (``n_ctx / n_parallel``); ``None`` where there are no slots.
    prefix_caching
        Whether freed blocks keep their contents: equal prefixes are not computed again, nor what is left of a
        preempted request's own text when it resumes.
    """

    max_num_seqs: Count = VLLM_MAX_NUM_SEQS
    max_num_batched_tokens: int = VLLM_MAX_NUM_BATCHED_TOKENS
    pool_tokens: int | None = None
    block_tokens: int = VLLM_BLOCK_TOKENS
    chunked_prefill: bool = True
    reserve_full_input: bool = True
    async_scheduling: bool = False
    slot_tokens: int | None = None
    prefix_caching: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that vLLM refuses too.

        Raises
        ------
        UsageError
            For limits under one, or a token budget smaller than the number of sequences.
        """
        for name in ("max_num_seqs", "max_num_batched_tokens", "block_tokens", "pool_tokens", "slot_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1, found {value}")
        if self.max_num_batched_tokens < self.max_num_seqs:
            raise UsageError(
                f"max_num_batched_tokens ({self.max_num_batched_tokens}) is smaller than "
                f"max_num_seqs ({self.max_num_seqs})",
                cure="raise max_num_batched_tokens or lower max_num_seqs",
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RequestBatch:
    """The requests to simulate, in order of arrival; arrays of equal length.

    ``prefix_hashes`` holds, request after request, the numbers of the prefix blocks of each prompt, and
    ``prefix_starts`` where each request's own begin (one more entry than requests); a block holds
    ``prefix_block_tokens``. Equal numbers stand for equal text up to there.
    """

    arrival_s: FloatArray
    input_tokens: IntArray
    output_tokens: IntArray
    prefix_hashes: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    prefix_starts: IntArray | None = None
    prefix_block_tokens: int = VLLM_BLOCK_TOKENS

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises
        ------
        UsageError
            For unequal lengths, unsorted or negative times, prompts or answers without a token.
        """
        sizes = {self.arrival_s.size, self.input_tokens.size, self.output_tokens.size}
        if len(sizes) != 1:
            raise UsageError(f"arrival times, input and output tokens differ in number: {sorted(sizes)}")
        if self.arrival_s.size and (np.diff(self.arrival_s, prepend=0.0) < 0).any():
            raise UsageError("arrival times must be sorted and not negative")
        for name, tokens in (("input", self.input_tokens), ("output", self.output_tokens)):
            if (tokens < 1).any():
                raise UsageError(f"every request needs at least one {name} token")

    @property
    def size(self) -> int:
        """Return the number of requests."""
        return int(self.arrival_s.size)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SimulatedRequests:
    """When each simulated request arrived, was first scheduled, gave its first and last token.

    Refused requests (longer than the pool or the slot) have ``nan`` times and are counted by ``refused``.
    """

    arrival_s: FloatArray
    scheduled_s: FloatArray
    first_token_s: FloatArray
    last_token_s: FloatArray
    input_tokens: IntArray
    output_tokens: IntArray
    cached_tokens: IntArray
    preemptions: IntArray

    @property
    def ttft_s(self) -> FloatArray:
        """Return the time from arrival to the first token [s]."""
        return self.first_token_s - self.arrival_s

    @property
    def e2e_s(self) -> FloatArray:
        """Return the time from arrival to the last token [s]."""
        return self.last_token_s - self.arrival_s

    @property
    def queue_s(self) -> FloatArray:
        """Return the time from arrival to the first step that worked on the request [s]."""
        return self.scheduled_s - self.arrival_s

    @property
    def tpot_s(self) -> FloatArray:
        """Return the mean time per output token after the first [s]; ``nan`` for answers of one token."""
        gaps = np.where(self.output_tokens > 1, self.output_tokens - 1, np.nan)
        tpot: FloatArray = (self.last_token_s - self.first_token_s) / gaps
        return tpot

    @property
    def refused(self) -> int:
        """Return how many requests could never be served."""
        return int(np.isnan(self.last_token_s).sum())

    @property
    def duration_s(self) -> float:
        """Return the time from the first arrival to the last token [s]."""
        return float(np.nanmax(self.last_token_s) - self.arrival_s[0])

    @property
    def output_tokens_per_s(self) -> float:
        """Return all output tokens over the duration [tokens/s]."""
        return float(self.output_tokens[~np.isnan(self.last_token_s)].sum() / self.duration_s)
