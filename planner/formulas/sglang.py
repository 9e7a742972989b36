"""SGLang's share of a device for weights and cache, where the user gives none, and what it makes of that share."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric

# All in MiB, server_args.py [1].
CONSTANT_MIB = 512.0
MIB_PER_CHUNK_TOKEN = 1.5
LEAST_CHUNK_TOKENS = 2048.0
MIB_PER_GRAPH_SEQUENCE = 2.0
MIB_PER_RANK = 128.0
LARGE_DEVICE_MIB = 60.0 * 1024
LEAST_RESERVED_MIB = 10.0 * 1024
WINDOW_SHARE = 0.8  # swa_full_tokens_ratio
STATE_SHARE = 0.9  # mamba_full_memory_ratio, of the states over the cache


def static_fraction(
    *, physical_mib: Numeric, chunk_tokens: Numeric, graph_sequences: Numeric, ranks: Numeric
) -> Numeric:
    """Return the share of a device that SGLang gives to weights and cache by default [fraction].

    Parameters
    ----------
    physical_mib : float or ndarray
        Memory of the device [MiB].
    chunk_tokens : float or ndarray
        Tokens of a chunk of prefill, ``--chunked-prefill-size`` [tokens].
    graph_sequences : float or ndarray
        Largest batch with a CUDA graph, ``--cuda-graph-max-bs`` [sequences].
    ranks : float or ndarray
        Tensor times pipeline parallel ranks.

    Returns
    -------
    float or ndarray
        ``mem_fraction_static`` [fraction].

    References
    ----------
    .. [1] SGLang 0.5.9, ``ServerArgs._handle_gpu_memory_settings``.

    Examples
    --------
    An H100: 8,192 tokens a chunk and graphs up to 256 sequences would need 13.1 GB.

    >>> round(static_fraction(physical_mib=81_079, chunk_tokens=8192, graph_sequences=256, ranks=1), 3)
    0.834
    """
    reserved = CONSTANT_MIB + MIB_PER_CHUNK_TOKEN * np.maximum(chunk_tokens, LEAST_CHUNK_TOKENS)
    reserved = reserved + MIB_PER_GRAPH_SEQUENCE * graph_sequences + MIB_PER_RANK * np.asarray(ranks)
    least = np.where(np.asarray(physical_mib) > LARGE_DEVICE_MIB, LEAST_RESERVED_MIB, 0.0)
    share = np.round((physical_mib - np.maximum(reserved, least)) / physical_mib, 3)
    return float(share) if share.ndim == 0 else share


def static_pool_bytes(
    *, free_bytes: Numeric, static_fraction: Numeric, weights_bytes: Numeric, has_states: Numeric = 0.0
) -> Numeric:
    """Return what the share leaves for the cache of tokens [bytes]; negative when the weights exceed it.

    Parameters
    ----------
    free_bytes : float or ndarray
        Memory that is free before the weights are loaded [bytes].
    static_fraction : float or ndarray
        ``--mem-fraction-static`` [fraction].
    weights_bytes : float or ndarray
        Weights of a rank [bytes].
    has_states : float or ndarray
        1 for models with recurrent states, which take 0.9 of what the cache takes; else 0.

    Returns
    -------
    float or ndarray
        Cache [bytes].

    References
    ----------
    .. [1] SGLang, ``ModelRunner.profile_max_num_token``: what is free after loading less the other share of what was
       free before.

    Examples
    --------
    >>> static_pool_bytes(free_bytes=100.0, static_fraction=0.9, weights_bytes=52.0)
    38.0
    >>> static_pool_bytes(free_bytes=100.0, static_fraction=0.9, weights_bytes=52.0, has_states=1.0)
    20.0
    """
    return (free_bytes * static_fraction - weights_bytes) / (1.0 + STATE_SHARE * has_states)
