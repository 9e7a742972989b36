"""The time of one engine step from datasheet rates: the slower of computing and reading, and what comes on top."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric


def linear_step_s(
    *,
    active_parameters: Numeric,
    tokens: Numeric,
    weight_bytes: Numeric,
    peak_flops_per_s: Numeric,
    bandwidth_bytes_per_s: Numeric,
    tensor_parallel: Numeric = 1.0,
    compute_efficiency_fraction: Numeric = 1.0,
    memory_efficiency_fraction: Numeric = 1.0,
) -> Numeric:
    """Time of the linear layers in one step: multiplying or reading weights, whichever is slower [s].

    Parameters
    ----------
    active_parameters : float or ndarray
        Parameters that one token passes, all ranks together [parameters].
    tokens : float or ndarray
        Tokens in the step [tokens].
    weight_bytes : float or ndarray
        Weights that the step touches, all ranks together [bytes].
    peak_flops_per_s : float or ndarray
        Dense peak of one device in the type that is multiplied [FLOP/s].
    bandwidth_bytes_per_s : float or ndarray
        Peak memory bandwidth of one device [bytes/s].
    tensor_parallel : float or ndarray
        Ranks that share a layer.
    compute_efficiency_fraction, memory_efficiency_fraction : float or ndarray
        What is reached of the peaks [fraction].

    Returns
    -------
    float or ndarray
        Time [s].

    References
    ----------
    .. [1] S. Williams et al., "Roofline: An Insightful Visual Performance Model," CACM 52(4), 2009.
    .. [2] R. Pope et al., "Efficiently Scaling Transformer Inference," arXiv:2211.05102, section 2.

    Examples
    --------
    Llama-2-70B in 16 bits on eight A100 80GB (2,039 GB/s each), one token: 140 GB over 16.3 TB/s.

    >>> round(linear_step_s(active_parameters=70e9, tokens=1, weight_bytes=140e9, peak_flops_per_s=312e12,
    ...     bandwidth_bytes_per_s=2.039e12, tensor_parallel=8), 5)
    0.00858
    """
    compute_s = (
        2.0 * active_parameters * tokens / (tensor_parallel * peak_flops_per_s * compute_efficiency_fraction)
    )
    memory_s = weight_bytes / (tensor_parallel * bandwidth_bytes_per_s * memory_efficiency_fraction)
    return _plain(np.maximum(compute_s, memory_s))


def experts_touched(*, experts: Numeric, experts_per_token: Numeric, tokens: Numeric) -> Numeric:
    """Experts of a layer that at least one token of the step is routed to, under uniform routing [experts].

    Parameters
    ----------
    experts : float or ndarray
        Routed experts of the layer [experts].
    experts_per_token : float or ndarray
        Experts that one token passes [experts].
    tokens : float or ndarray
        Tokens in the step [tokens].

    Returns
    -------
    float or ndarray
        Expected number of distinct experts [experts].

    References
    ----------
    .. [1] W. Feller, "An Introduction to Probability Theory and Its Applications," vol. 1, section IV.2
       (occupancy): an expert is missed by one token with probability 1 - k/E, by n tokens with its nth power.

    Examples
    --------
    Mixtral: two of eight experts; one token touches 2, eight tokens 7.2.

    >>> float(experts_touched(experts=8, experts_per_token=2, tokens=1))
    2.0
    >>> round(experts_touched(experts=8, experts_per_token=2, tokens=8), 2)
    7.2
    """
    missed = (1.0 - np.divide(experts_per_token, experts)) ** tokens
    return _plain(experts * (1.0 - missed))


def kv_read_s(
    *, kv_bytes: Numeric, bandwidth_bytes_per_s: Numeric, memory_efficiency_fraction: Numeric = 1.0
) -> Numeric:
    """Time in which decode attention reads the cache of every running sequence once [s].

    Parameters
    ----------
    kv_bytes : float or ndarray
        Cache of all running sequences on one rank [bytes].
    bandwidth_bytes_per_s : float or ndarray
        Peak memory bandwidth of one device [bytes/s].
    memory_efficiency_fraction : float or ndarray
        What is reached of it [fraction].

    Returns
    -------
    float or ndarray
        Time [s].

    References
    ----------
    .. [1] R. Pope et al., "Efficiently Scaling Transformer Inference," arXiv:2211.05102, section 3.3.

    Examples
    --------
    64 sequences of 2,048 tokens of Llama-3.1-8B (131,072 bytes each) at 3.35 TB/s:

    >>> round(kv_read_s(kv_bytes=64 * 2048 * 131072, bandwidth_bytes_per_s=3.35e12), 5)
    0.00513
    """
    return kv_bytes / (bandwidth_bytes_per_s * memory_efficiency_fraction)


def attention_flops(*, layers: Numeric, heads: Numeric, head_dim: Numeric, pairs: Numeric) -> Numeric:
    """Work of attention over query-key pairs: scores and weighted values, two operations each [FLOP].

    Parameters
    ----------
    layers : float or ndarray
        Layers of this kind.
    heads : float or ndarray
        Query heads [heads].
    head_dim : float or ndarray
        Width of a head, the mean of key and value width where they differ [elements].
    pairs : float or ndarray
        Query-key pairs that the mask leaves [pairs].

    Returns
    -------
    float or ndarray
        Operations [FLOP].

    References
    ----------
    .. [1] T. Dao, "FlashAttention-2," arXiv:2307.08691, section 4.1: 4 · length² · width · heads, halved under
       a causal mask.

    Examples
    --------
    Llama-3.1-8B, a prompt of 8,192 tokens:

    >>> pairs = causal_pairs(new_tokens=8192)
    >>> round(attention_flops(layers=32, heads=32, head_dim=128, pairs=pairs) / 1e12, 2)
    17.59
    """
    return 4.0 * layers * heads * head_dim * pairs


def causal_pairs(*, new_tokens: Numeric, window: Numeric = float("inf")) -> Numeric:
    """Query-key pairs of a prompt under a causal mask, at most ``window`` keys for each query [pairs].

    Parameters
    ----------
    new_tokens : float or ndarray
        Length of the prompt [tokens].
    window : float or ndarray
        Keys that a query sees at most [tokens].

    Returns
    -------
    float or ndarray
        Pairs [pairs].

    References
    ----------
    .. [1] The sum of ``min(i, window)`` for queries i = 1 … n.

    Examples
    --------
    >>> causal_pairs(new_tokens=4), causal_pairs(new_tokens=4, window=2)
    (10.0, 7.0)
    """
    inside = np.minimum(new_tokens, window)
    beyond = new_tokens - inside
    return _plain(inside * (inside + 1.0) / 2.0 + np.where(beyond > 0, beyond * inside, 0.0))


def all_reduce_s(
    *,
    layers: Numeric,
    tokens: Numeric,
    hidden: Numeric,
    tensor_parallel: Numeric,
    link_bytes_per_s: Numeric,
    latency_s: Numeric,
    element_bytes: Numeric = 2.0,
) -> Numeric:
    """Time of the two all-reduces per layer that tensor parallelism needs [s]; none with one rank.

    Parameters
    ----------
    layers : float or ndarray
        Layers of the model.
    tokens : float or ndarray
        Tokens in the step [tokens].
    hidden : float or ndarray
        Width of the stream [elements].
    tensor_parallel : float or ndarray
        Ranks that share a layer.
    link_bytes_per_s : float or ndarray
        What one rank sends in one direction, as reached [bytes/s].
    latency_s : float or ndarray
        Time of an all-reduce of nothing [s].
    element_bytes : float or ndarray
        Bytes per element of the stream [bytes].

    Returns
    -------
    float or ndarray
        Time [s].

    References
    ----------
    .. [1] M. Shoeybi et al., "Megatron-LM," arXiv:1909.08053, section 3: two all-reduces per layer forward.
    .. [2] R. Thakur et al., "Optimization of Collective Communication Operations in MPICH," 2005: each rank
       sends 2 (n-1)/n of the data.

    Examples
    --------
    Llama-3.1-70B on four ranks, a batch of 32, 25 microseconds each: the latency decides.

    >>> round(all_reduce_s(layers=80, tokens=32, hidden=8192, tensor_parallel=4, link_bytes_per_s=450e9,
    ...     latency_s=25e-6), 5)
    0.00428
    """
    sent = 2.0 * np.divide(np.subtract(tensor_parallel, 1.0), tensor_parallel)
    once = latency_s + sent * tokens * hidden * element_bytes / link_bytes_per_s
    return _plain(np.where(np.greater(tensor_parallel, 1), 2.0 * layers * once, 0.0))


def _plain(value: Numeric) -> Numeric:
    """Return a numpy scalar as a float, an array as it is."""
    return float(value) if np.ndim(value) == 0 else value
