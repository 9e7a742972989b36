"""What weights take in memory: quantised matrices, tables made at load time, and the allocator's rounding."""

from __future__ import annotations

import numpy as np

from planner.units import BITS_PER_BYTE, MIB, Numeric, plain_number

# PyTorch's CUDA allocator [1]: requests from 10 MiB on are rounded up to 2 MiB, and what is left of a block is
# only given to others when it exceeds 1 MiB.
LARGE_REQUEST_BYTES = 10 * MIB
LARGE_ROUNDING_BYTES = 2 * MIB
SMALLEST_SPLIT_BYTES = 1 * MIB
VOCABULARY_PADDING = 64  # vLLM pads the vocabulary to a multiple of 64, vocab_parallel_embedding.py


def quantized_matrix_bytes(
    *,
    rows: Numeric,
    columns: Numeric,
    weight_bits: Numeric = 16.0,
    scale_bits: Numeric = 0.0,
    scale_rows: Numeric = 1.0,
    scale_columns: Numeric = 1.0,
) -> Numeric:
    """Size of one weight matrix with its block scales [bytes].

    Parameters
    ----------
    rows, columns : float or ndarray
        Output and input features [elements].
    weight_bits : float or ndarray
        Bits of one weight [bits].
    scale_bits : float or ndarray
        Bits of scale and zero point of one block [bits]; 0 for none.
    scale_rows, scale_columns : float or ndarray
        Extent of one block [elements].

    Returns
    -------
    float or ndarray
        Size [bytes].

    References
    ----------
    .. [1] Open Compute Project, "OCP Microscaling Formats (MX) v1.0": 32 elements share one 8-bit scale.

    Examples
    --------
    MXFP4 is 4.25 bits a weight, and a 4096 x 4096 matrix in BF16 is 32 MiB.

    >>> quantized_matrix_bytes(rows=1, columns=32, weight_bits=4, scale_bits=8, scale_columns=32) * 8 / 32
    4.25
    >>> quantized_matrix_bytes(rows=4096, columns=4096) / 2**20
    32.0
    """
    blocks = np.ceil(rows / scale_rows) * np.ceil(columns / scale_columns)
    size = (rows * columns * weight_bits + blocks * scale_bits) / BITS_PER_BYTE
    return plain_number(size)


def allocator_slack_bytes(*, tensor_bytes: Numeric) -> Numeric:
    """Memory that PyTorch's CUDA allocator takes beyond a tensor's size [bytes].

    The reason why Qwen2.5-7B takes 57 MiB more than its tensors and Llama-3.1-8B nothing.

    Parameters
    ----------
    tensor_bytes : float or ndarray
        Size of the tensor [bytes].

    Returns
    -------
    float or ndarray
        Slack [bytes], at most 1 MiB.

    References
    ----------
    .. [1] PyTorch, ``c10/cuda/CUDACachingAllocator.cpp``: ``kMinLargeAlloc``, ``kRoundLarge``, ``should_split``.

    Examples
    --------
    Qwen2.5-7B's fused gate and up projection: 259 MiB take 260.

    >>> allocator_slack_bytes(tensor_bytes=2 * 18944 * 3584 * 2) / 2**20
    1.0
    """
    rounded = np.ceil(np.asarray(tensor_bytes) / LARGE_ROUNDING_BYTES) * LARGE_ROUNDING_BYTES - tensor_bytes
    kept = (np.asarray(tensor_bytes) >= LARGE_REQUEST_BYTES) & (rounded <= SMALLEST_SPLIT_BYTES)
    slack = np.where(kept, rounded, 0.0)
    return float(slack) if slack.ndim == 0 else slack


def rotary_table_bytes(*, positions: Numeric, rotary_dim: Numeric, element_bytes: Numeric = 2.0) -> Numeric:
    """Cosines and sines that an engine tabulates for every position [bytes].

    Parameters
    ----------
    positions : float or ndarray
        Positions of the table, the model's own context length [tokens].
    rotary_dim : float or ndarray
        Rotated width of a head [elements].
    element_bytes : float or ndarray
        Bytes per element [bytes].

    Returns
    -------
    float or ndarray
        Size of the table [bytes].

    References
    ----------
    .. [1] vLLM, ``rotary_embedding.py``: one ``cos_sin_cache`` of ``[max_position, rotary_dim]``.

    Examples
    --------
    The 32 MiB between Llama-3.1-8B's tensors (14.958 GiB) and what vLLM logs (14.99 GiB).

    >>> rotary_table_bytes(positions=131_072, rotary_dim=128) / 2**20
    32.0
    """
    return positions * rotary_dim * element_bytes


def padded_vocabulary(*, vocab: Numeric, multiple: Numeric = VOCABULARY_PADDING) -> Numeric:
    """Rows of an embedding after padding [rows].

    Parameters
    ----------
    vocab : float or ndarray
        Entries of the vocabulary [rows].
    multiple : float or ndarray
        What the rows are padded to [rows].

    Returns
    -------
    float or ndarray
        Padded rows [rows].

    References
    ----------
    .. [1] vLLM, ``vocab_parallel_embedding.py``: ``DEFAULT_VOCAB_PADDING_SIZE = 64``.

    Examples
    --------
    >>> padded_vocabulary(vocab=49_155)
    49216.0
    """
    padded = np.ceil(np.asarray(vocab) / multiple) * multiple
    return float(padded) if padded.ndim == 0 else padded


def has_more_bits(layer: int, layers: int) -> bool:
    """Tell whether a mixed GGUF type stores a layer's values and down-projection in more bits.

    Those are the first and the last eighth of the layers, and every third between.

    Parameters
    ----------
    layer : its place, from 0. [layers]
    layers : how many there are. [layers]

    References
    ----------
    .. [1] llama.cpp, src/llama-quant.cpp, ``use_more_bits``.

    Examples
    --------
    >>> [layer for layer in range(16) if has_more_bits(layer, 16)]
    [0, 1, 4, 7, 10, 13, 14, 15]
    """
    first = layers // 8
    return layer < first or layer >= 7 * layers // 8 or (layer - first) % 3 == 2
