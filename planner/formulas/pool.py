"""The key/value pool of a serving engine: what is left of a GPU, and how many blocks that is."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric, plain_number


def pool_bytes(
    *,
    physical_bytes: Numeric,
    utilization_fraction: Numeric,
    weights_bytes: Numeric,
    activation_bytes: Numeric,
    non_torch_bytes: Numeric,
    graph_bytes: Numeric = 0.0,
) -> Numeric:
    """Return the memory left for the key/value cache [bytes]; negative when the model does not fit.

    Parameters
    ----------
    physical_bytes : float or ndarray
        Memory that the driver reports, not the label on the box [bytes].
    utilization_fraction : float or ndarray
        Share that the engine may use, ``--gpu-memory-utilization`` [fraction].
    weights_bytes, activation_bytes, non_torch_bytes : float or ndarray
        Weights, peak activation of the profiling run, and what CUDA and NCCL hold [bytes].
    graph_bytes : float or ndarray
        CUDA graphs, where the version counts them [bytes].

    Returns
    -------
    float or ndarray
        Pool [bytes].

    References
    ----------
    .. [1] vLLM 0.19 start-up log on an H100: 0.95 of 79.19 less 14.99, 1.89 and 0.25 GiB is 58.11 GiB.

    Examples
    --------
    >>> round(pool_bytes(physical_bytes=79.19, utilization_fraction=0.95, weights_bytes=14.99,
    ...                  activation_bytes=1.89, non_torch_bytes=0.25), 2)
    58.1
    """
    held = weights_bytes + activation_bytes + non_torch_bytes + graph_bytes
    return physical_bytes * utilization_fraction - held


def sampling_activation_bytes(
    *,
    sequences: Numeric,
    vocab: Numeric,
    batched_tokens: Numeric,
    hidden: Numeric,
    logit_bytes: Numeric,
    element_bytes: Numeric = 2.0,
    base_bytes: Numeric = 0.0,
) -> Numeric:
    """Return the peak of a profiling run that ends in sampling for every sequence [bytes].

    Parameters
    ----------
    sequences : float or ndarray
        Sequences that may run at once, ``--max-num-seqs`` [sequences].
    vocab : float or ndarray
        Entries of the vocabulary; logits are gathered, hence not divided by ranks [tokens].
    batched_tokens : float or ndarray
        Tokens of one step, ``--max-num-batched-tokens`` [tokens].
    hidden : float or ndarray
        Width of the residual stream [elements].
    logit_bytes : float or ndarray
        Working memory of the sampler for one logit, beyond the logit itself [bytes].
    element_bytes : float or ndarray
        Bytes of an activation [bytes].
    base_bytes : float or ndarray
        What does not grow with anything [bytes].

    Returns
    -------
    float or ndarray
        Peak activation [bytes].

    References
    ----------
    .. [1] vLLM, ``GPUModelRunner.profile_run``; coefficients: ``planner/profiles/vllm_memory.json``.

    Examples
    --------
    Llama-3.1-8B under vLLM 0.19 on an H100: 1.89 GiB in the log.

    >>> peak = sampling_activation_bytes(sequences=1024, vocab=128256, batched_tokens=8192, hidden=4096,
    ...                                  logit_bytes=12.5, base_bytes=52e6)
    >>> round(peak / 2**30, 2)
    1.89
    """
    logits = sequences * vocab * (logit_bytes + element_bytes)
    return logits + (batched_tokens + sequences) * hidden * element_bytes + base_bytes


def forward_activation_bytes(
    *,
    batched_tokens: Numeric,
    widest_elements: Numeric,
    hidden: Numeric,
    hidden_copies: Numeric,
    element_bytes: Numeric = 2.0,
) -> Numeric:
    """Return the peak inside one layer: the feed-forward's intermediates and copies of the stream [bytes].

    Parameters
    ----------
    batched_tokens : float or ndarray
        Tokens of one step [tokens].
    widest_elements : float or ndarray
        Elements per token of the feed-forward's intermediates on one rank [elements].
    hidden : float or ndarray
        Width of the residual stream [elements].
    hidden_copies : float or ndarray
        Copies of the stream that are alive at the peak.
    element_bytes : float or ndarray
        Bytes of an activation [bytes].

    Returns
    -------
    float or ndarray
        Peak activation [bytes].

    References
    ----------
    .. [1] vLLM 0.19, CodeLlama-7B on an H100, 8,192 tokens: 0.77 GiB in the log.

    Examples
    --------
    >>> peak = forward_activation_bytes(batched_tokens=8192, widest_elements=3 * 11008, hidden=4096,
    ...                                 hidden_copies=4.26)
    >>> round(peak / 2**30, 2)
    0.77
    """
    return batched_tokens * (widest_elements + hidden_copies * hidden) * element_bytes


def whole_blocks(*, pool_bytes: Numeric, block_bytes: Numeric) -> Numeric:
    """Return how many blocks a pool holds [blocks]; none when the pool is negative.

    Parameters
    ----------
    pool_bytes : float or ndarray
        Memory for the cache [bytes].
    block_bytes : float or ndarray
        One block over all layers that share it [bytes].

    Returns
    -------
    float or ndarray
        Blocks.

    References
    ----------
    .. [1] vLLM, ``kv_cache_utils.get_num_blocks``.

    Examples
    --------
    58.106 GiB for Llama-3.1-8B, 16 tokens a block: 476,000 tokens, as vLLM logs.

    >>> whole_blocks(pool_bytes=58.106 * 2**30, block_bytes=16 * 131072) * 16
    476000.0
    """
    blocks = np.maximum(0.0, np.floor(pool_bytes / block_bytes))
    return plain_number(blocks)


def blocks_of_sequence(
    *,
    tokens: Numeric,
    block_tokens: Numeric,
    window: Numeric | None = None,
    batched_tokens: Numeric = 0.0,
    unaligned_blocks: Numeric = 1.0,
) -> Numeric:
    """Return the blocks that one sequence can come to hold in one group of layers [blocks].

    A sliding window keeps its last tokens and those of the step under way, and one block for being unaligned.

    Parameters
    ----------
    tokens : float or ndarray
        Length of the sequence [tokens].
    block_tokens : float or ndarray
        Tokens of one block [tokens].
    window : float or ndarray, optional
        Tokens that the layers look back on [tokens].
    batched_tokens : float or ndarray
        Tokens of the steps under way [tokens].
    unaligned_blocks : float or ndarray
        What a window that starts inside a block takes more; chunks start at blocks [blocks].

    Returns
    -------
    float or ndarray
        Blocks.

    References
    ----------
    .. [1] vLLM, ``SlidingWindowSpec`` and ``ChunkedLocalAttentionSpec``, ``max_admission_blocks_per_request``.

    Examples
    --------
    >>> blocks_of_sequence(tokens=8192, block_tokens=16)
    512.0
    >>> blocks_of_sequence(tokens=131_072, block_tokens=16, window=1024, batched_tokens=8192)
    577.0
    """
    if window is None:
        blocks = np.ceil(tokens / block_tokens)
    else:
        kept = np.minimum(window - unaligned_blocks + batched_tokens, tokens)
        blocks = np.ceil(kept / block_tokens) + unaligned_blocks
    return plain_number(blocks)


def state_block_tokens(*, state_bytes: Numeric, token_bytes: Numeric, multiple: Numeric = 16.0) -> Numeric:
    """Return the block length at which an attention block is as large as a recurrent state [tokens].

    Parameters
    ----------
    state_bytes : float or ndarray
        State of one sequence in one layer [bytes].
    token_bytes : float or ndarray
        Cache of one token in one attention layer [bytes].
    multiple : float or ndarray
        What the attention kernel needs blocks to be a multiple of [tokens].

    Returns
    -------
    float or ndarray
        Tokens of a block [tokens].

    References
    ----------
    .. [1] vLLM, ``HybridAttentionMambaModelConfig``: both kinds share one pool, so their pages are made equal.

    Examples
    --------
    Qwen3.6-35B-A3B: a state of 2,146,304 bytes against 2,048 bytes a token.

    >>> state_block_tokens(state_bytes=2_146_304, token_bytes=2048)
    1056.0
    """
    tokens = np.ceil(state_bytes / token_bytes / multiple) * multiple
    return plain_number(tokens)
