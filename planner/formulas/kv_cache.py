"""What one token, or one sequence, keeps in memory between steps, per kind of attention."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric, plain_number


def kv_heads_per_rank(*, kv_heads: Numeric, tensor_parallel: Numeric) -> Numeric:
    """Key/value heads that one tensor-parallel rank keeps [heads].

    Heads are divided while they last; with more ranks than heads each rank keeps a copy of one.

    Parameters
    ----------
    kv_heads : float or ndarray
        Key/value heads of the model [heads].
    tensor_parallel : float or ndarray
        Ranks that share a layer.

    Returns
    -------
    float or ndarray
        Heads per rank [heads].

    References
    ----------
    .. [1] vLLM, ``ModelConfig.get_num_kv_heads``: ``max(1, total_num_kv_heads // tensor_parallel_size)``.

    Examples
    --------
    >>> kv_heads_per_rank(kv_heads=8, tensor_parallel=4)
    2.0
    >>> kv_heads_per_rank(kv_heads=4, tensor_parallel=8)
    1.0
    """
    return plain_number(np.maximum(1.0, np.floor_divide(kv_heads, tensor_parallel)))


def head_kv_bytes_per_token(
    *,
    layers: Numeric,
    kv_heads: Numeric,
    head_dim: Numeric,
    v_head_dim: Numeric | None = None,
    element_bytes: Numeric = 2.0,
) -> Numeric:
    """Key/value cache of one token in layers that cache per head [bytes/token].

    Multi-head, grouped-query and multi-query attention differ only in ``kv_heads``.

    Parameters
    ----------
    layers : float or ndarray
        Layers that cache.
    kv_heads : float or ndarray
        Key/value heads kept [heads]; per rank for a rank's share.
    head_dim : float or ndarray
        Width of a key head [elements].
    v_head_dim : float or ndarray, optional
        Width of a value head where it differs [elements].
    element_bytes : float or ndarray
        Bytes per element, block scales included [bytes].

    Returns
    -------
    float or ndarray
        Cache per token [bytes/token].

    References
    ----------
    .. [1] Kwon et al., "Efficient Memory Management for Large Language Model Serving with PagedAttention",
       SOSP 2023, section 3.

    Examples
    --------
    Llama-3.1-8B: 32 layers, 8 heads of 128.

    >>> head_kv_bytes_per_token(layers=32, kv_heads=8, head_dim=128)
    131072.0
    """
    width = head_dim + (head_dim if v_head_dim is None else v_head_dim)
    return layers * kv_heads * width * element_bytes


def latent_kv_bytes_per_token(
    *,
    layers: Numeric,
    kv_lora_rank: Numeric,
    qk_rope_head_dim: Numeric,
    index_bytes: Numeric = 0.0,
    element_bytes: Numeric = 2.0,
) -> Numeric:
    """Cache of one token under multi-head latent attention [bytes/token]; every rank keeps all of it.

    Parameters
    ----------
    layers : float or ndarray
        Layers that cache.
    kv_lora_rank : float or ndarray
        Width of the compressed vector [elements].
    qk_rope_head_dim : float or ndarray
        Width of the rotated key shared by all heads [elements].
    index_bytes : float or ndarray
        What a sparse-attention indexer adds per layer [bytes/token].
    element_bytes : float or ndarray
        Bytes per element [bytes].

    Returns
    -------
    float or ndarray
        Cache per token [bytes/token].

    References
    ----------
    .. [1] DeepSeek-AI, "DeepSeek-V2", arXiv:2405.04434, section 2.1.

    Examples
    --------
    DeepSeek-V2-Lite: 27 layers of 512 + 64.

    >>> latent_kv_bytes_per_token(layers=27, kv_lora_rank=512, qk_rope_head_dim=64)
    31104.0
    """
    return layers * ((kv_lora_rank + qk_rope_head_dim) * element_bytes + index_bytes)


def packed_latent_bytes_per_token(*, kv_lora_rank: Numeric, qk_rope_head_dim: Numeric) -> Numeric:
    """Cache of one token under sparse attention's FP8 format, per layer [bytes/token].

    The compressed vector in 8 bits with a 32-bit scale per 128 elements, the rotated key in 16.

    Parameters
    ----------
    kv_lora_rank : float or ndarray
        Width of the compressed vector [elements].
    qk_rope_head_dim : float or ndarray
        Width of the rotated key [elements].

    Returns
    -------
    float or ndarray
        Cache per token and layer, without the indexer's [bytes/token].

    References
    ----------
    .. [1] vLLM, ``fp8_ds_mla`` of ``mla_attention.py``: 656 bytes.

    Examples
    --------
    >>> packed_latent_bytes_per_token(kv_lora_rank=512, qk_rope_head_dim=64)
    656.0
    """
    return kv_lora_rank + kv_lora_rank / 128 * 4.0 + qk_rope_head_dim * 2.0


def indexer_bytes_per_token(*, index_head_dim: Numeric) -> Numeric:
    """Cache of one token for a sparse-attention indexer, per layer [bytes/token].

    Kept in 8 bits with one 32-bit scale per 128 elements.

    Parameters
    ----------
    index_head_dim : float or ndarray
        Width of the indexer's key [elements].

    Returns
    -------
    float or ndarray
        Cache per token and layer [bytes/token].

    References
    ----------
    .. [1] vLLM, ``DeepseekV32IndexerCache``: ``head_dim + head_dim // 128 * 4`` bytes.

    Examples
    --------
    >>> indexer_bytes_per_token(index_head_dim=128)
    132.0
    """
    return index_head_dim + index_head_dim / 128 * 4.0


def multi_head_bound_bytes_per_token(
    *, layers: Numeric, hidden: Numeric, element_bytes: Numeric = 2.0
) -> Numeric:
    """Cache per token if every query head had its own keys and values [bytes/token].

    The rule of thumb ``2 · layers · hidden · bytes``. It is the true value for multi-head attention only and an
    upper bound for everything since: 8 times too much for Llama-3.1-70B.

    Parameters
    ----------
    layers : float or ndarray
        Layers of the model.
    hidden : float or ndarray
        Width of the residual stream [elements].
    element_bytes : float or ndarray
        Bytes per element [bytes].

    Returns
    -------
    float or ndarray
        Upper bound of the cache per token [bytes/token].

    References
    ----------
    .. [1] The cheat sheet's "Context Window Memory Impact": Llama 3.1 70B, 2.6 MB per token.

    Examples
    --------
    >>> multi_head_bound_bytes_per_token(layers=80, hidden=8192)
    2621440.0
    """
    return 2.0 * layers * hidden * element_bytes


def windowed_tokens(*, tokens: Numeric, window: Numeric) -> Numeric:
    """Tokens that a sliding-window layer must keep of a sequence [tokens].

    Parameters
    ----------
    tokens : float or ndarray
        Length of the sequence [tokens].
    window : float or ndarray
        Tokens that the layer looks back on [tokens].

    Returns
    -------
    float or ndarray
        Tokens kept, without an engine's block rounding [tokens].

    References
    ----------
    .. [1] Jiang et al., "Mistral 7B", arXiv:2310.06825, rolling buffer cache.

    Examples
    --------
    >>> windowed_tokens(tokens=32_768, window=4096)
    4096.0
    """
    return plain_number(np.minimum(tokens, window).astype(float))
