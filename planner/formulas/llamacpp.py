"""llama.cpp's buffers: cells of the KV cache and the scratch memory of one step."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric

CELL_PADDING = 256  # llama.cpp pads the cache to 256 cells under flash attention


def cache_cells(
    *,
    context_tokens: Numeric,
    slots: Numeric = 1.0,
    window: Numeric | None = None,
    batch_tokens: Numeric = 512.0,
) -> Numeric:
    """Return the cells that a layer's cache is allocated with at start [tokens].

    Parameters
    ----------
    context_tokens : float or ndarray
        Context of one slot [tokens].
    slots : float or ndarray
        Sequences at once, ``--parallel``.
    window : float or ndarray, optional
        Sliding window; ``None`` for full attention and under ``--swa-full`` [tokens].
    batch_tokens : float or ndarray
        Tokens of one physical batch, ``--ubatch-size`` [tokens].

    Returns
    -------
    float or ndarray
        Cells [tokens].

    References
    ----------
    .. [1] llama.cpp, ``llama_kv_cache_iswa``: ``min(size, n_swa * n_seq + n_ubatch)``, padded to 256.

    Examples
    --------
    >>> cache_cells(context_tokens=8192, slots=4)
    32768.0
    >>> cache_cells(context_tokens=131_072, window=1024)
    1536.0
    """
    cells = np.asarray(context_tokens, dtype=float) * slots
    if window is not None:
        cells = np.minimum(cells, window * slots + batch_tokens)
    padded = np.ceil(cells / CELL_PADDING) * CELL_PADDING
    return float(padded) if padded.ndim == 0 else padded


def compute_buffer_bytes(*, vocab: Numeric, hidden: Numeric, batch_tokens: Numeric = 512.0) -> Numeric:
    """Return the scratch memory of one step under flash attention [bytes].

    Logits of a whole physical batch in 32 bits, and two copies of the residual stream.

    Parameters
    ----------
    vocab : float or ndarray
        Entries of the vocabulary [tokens].
    hidden : float or ndarray
        Width of the residual stream [elements].
    batch_tokens : float or ndarray
        Tokens of one physical batch, ``--ubatch-size`` [tokens].

    Returns
    -------
    float or ndarray
        Scratch memory [bytes].

    References
    ----------
    .. [1] ik_llama.cpp start-up lines: Qwen3-30B-A3B 304.75 MiB, Qwen3-32B with 1,024 tokens 633.50 MiB.

    Examples
    --------
    >>> compute_buffer_bytes(vocab=151_936, hidden=2048) / 2**20
    304.75
    >>> compute_buffer_bytes(vocab=151_936, hidden=5120, batch_tokens=1024) / 2**20
    633.5
    """
    return batch_tokens * (vocab + 2.0 * hidden) * 4.0


def pipelined_share(*, stages: Numeric, batches: Numeric) -> Numeric:
    """Return the time of a prompt on several devices over its time on one, handing over left out [1].

    Parameters
    ----------
    stages : float or ndarray
        Devices that hold a share of the layers each.
    batches : float or ndarray
        Physical batches of the prompt, each of which can be on another device.

    Returns
    -------
    float or ndarray
        ``(batches + stages - 1) / (stages * batches)``: filling and draining the pipeline cost a stage each.

    References
    ----------
    .. [1] Y. Huang et al., "GPipe", NeurIPS 2019, section 2.3: bubble of ``(K - 1) / (M + K - 1)``.

    Examples
    --------
    >>> float(pipelined_share(stages=2, batches=1)), float(pipelined_share(stages=2, batches=8))
    (1.0, 0.5625)
    """
    return (np.asarray(batches) + stages - 1.0) / (np.asarray(stages) * batches)
