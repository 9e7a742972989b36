"""What one sequence keeps in layers that carry a state instead of a cache: of one size however long it gets."""

from __future__ import annotations

from planner.units import Numeric


def delta_rule_state_bytes(
    *,
    key_heads: Numeric,
    value_heads: Numeric,
    key_dim: Numeric,
    value_dim: Numeric,
    conv: Numeric,
    state_bytes: Numeric = 4.0,
    conv_bytes: Numeric = 2.0,
    speculative_tokens: Numeric = 0.0,
) -> Numeric:
    """State of one sequence in one gated delta-rule layer [bytes]; the same for any length.

    Parameters
    ----------
    key_heads, value_heads : float or ndarray
        Heads kept [heads]; per rank for a rank's share.
    key_dim, value_dim : float or ndarray
        Width of a head [elements].
    conv : float or ndarray
        Width of the short convolution [tokens].
    state_bytes, conv_bytes : float or ndarray
        Bytes per element of the recurrent and of the convolution state [bytes].
    speculative_tokens : float or ndarray
        Draft tokens per step, which the convolution keeps as well [tokens].

    Returns
    -------
    float or ndarray
        State per sequence and layer [bytes].

    References
    ----------
    .. [1] Yang et al., "Gated Delta Networks", arXiv:2412.06464.
    .. [2] vLLM, ``MambaStateShapeCalculator.gated_delta_net_state_shape``.

    Examples
    --------
    Qwen3.6-35B-A3B: 2 MiB of state and 48 KiB of convolution.

    >>> delta_rule_state_bytes(key_heads=16, value_heads=32, key_dim=128, value_dim=128, conv=4)
    2146304.0
    """
    recurrent = value_heads * key_dim * value_dim * state_bytes
    channels = 2.0 * key_heads * key_dim + value_heads * value_dim
    return recurrent + channels * (conv - 1.0 + speculative_tokens) * conv_bytes


def mamba_state_bytes(
    *,
    heads: Numeric,
    head_dim: Numeric,
    groups: Numeric,
    state: Numeric,
    conv: Numeric,
    state_bytes: Numeric = 4.0,
    conv_bytes: Numeric = 2.0,
) -> Numeric:
    """State of one sequence in one Mamba-2 layer [bytes]; the same for any length.

    Parameters
    ----------
    heads, head_dim, groups, state : float or ndarray
        Dimensions of the mixer; heads and groups per rank for a rank's share.
    conv : float or ndarray
        Width of the short convolution [tokens].
    state_bytes, conv_bytes : float or ndarray
        Bytes per element of the recurrent and of the convolution state [bytes].

    Returns
    -------
    float or ndarray
        State per sequence and layer [bytes].

    References
    ----------
    .. [1] Dao and Gu, "Transformers are SSMs", arXiv:2405.21060.

    Examples
    --------
    Nemotron-3-Nano: 64 heads of 64, 8 groups, state 128.

    >>> mamba_state_bytes(heads=64, head_dim=64, groups=8, state=128, conv=4)
    2134016.0
    """
    channels = heads * head_dim + 2.0 * groups * state
    return heads * head_dim * state * state_bytes + channels * (conv - 1.0) * conv_bytes
