"""Time of collective calls between ranks."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric


def all_reduce_s(*, payload_bytes: Numeric, ranks: Numeric, link_bytes_per_s: Numeric) -> Numeric:
    """Time on the wire of a ring all-reduce, latency left out [s].

    Parameters
    ----------
    payload_bytes : float or ndarray
        Size of the reduced tensor [bytes].
    ranks : float or ndarray
        Devices that take part.
    link_bytes_per_s : float or ndarray
        One direction of a device's link [bytes/s].

    Returns
    -------
    float or ndarray
        Transfer time [s]; 0 for one rank.

    References
    ----------
    .. [1] P. Patarasuk, X. Yuan, "Bandwidth optimal all-reduce algorithms", JPDC 69(2), 2009: ``2(n−1)/n`` of the payload.

    Examples
    --------
    >>> float(all_reduce_s(payload_bytes=450e9, ranks=2, link_bytes_per_s=450e9))
    1.0
    """
    return 2.0 * (ranks - 1.0) / ranks * payload_bytes / link_bytes_per_s


def direct_all_reduce_s(*, payload_bytes: Numeric, ranks: Numeric, link_bytes_per_s: Numeric) -> Numeric:
    """Time on the wire of an all-reduce in which every rank reads all others' tensors at once [s].

    One round whatever the ranks, but each reads the whole payload of each other.

    Parameters
    ----------
    payload_bytes : float or ndarray
        Size of the reduced tensor [bytes].
    ranks : float or ndarray
        Devices that take part.
    link_bytes_per_s : float or ndarray
        One direction of a device's link [bytes/s].

    Returns
    -------
    float or ndarray
        Transfer time [s]; 0 for one rank.

    References
    ----------
    .. [1] The one-shot kernels of vLLM (``csrc/custom_all_reduce.cuh``) and TensorRT-LLM (``AllReduceStrategy.ONESHOT``).

    Examples
    --------
    >>> float(direct_all_reduce_s(payload_bytes=450e9, ranks=8, link_bytes_per_s=450e9))
    7.0
    """
    return (ranks - 1.0) * payload_bytes / link_bytes_per_s


def quickest_all_reduce_s(
    *, latency_s: Numeric, direct_s: Numeric, rounds_s: Numeric, ring_s: Numeric
) -> Numeric:
    """Time of all-reduces that engines do directly while they are small and in a ring when they are large [s].

    Parameters
    ----------
    latency_s : float or ndarray
        Fixed time of the direct calls [s].
    direct_s : float or ndarray
        Their time on the wire [s]; 0 where ranks do not read each other's memory: then a ring with that latency.
    rounds_s : float or ndarray
        Fixed time of the rounds of a ring [s].
    ring_s : float or ndarray
        Time of a ring on the wire [s].

    Returns
    -------
    float or ndarray
        Time of the quicker of the two [s].

    References
    ----------
    .. [1] vLLM and TensorRT-LLM choose by size and ranks: direct to some 256 kB on 8 ranks.

    Examples
    --------
    >>> float(quickest_all_reduce_s(latency_s=3.0, direct_s=2.0, rounds_s=27.0, ring_s=1.0))
    5.0
    >>> float(quickest_all_reduce_s(latency_s=3.0, direct_s=70.0, rounds_s=27.0, ring_s=10.0))
    37.0
    >>> float(quickest_all_reduce_s(latency_s=3.0, direct_s=0.0, rounds_s=27.0, ring_s=10.0))
    13.0
    """
    quicker = np.minimum(latency_s + direct_s, rounds_s + ring_s)
    return np.where(np.asarray(direct_s) > 0.0, quicker, latency_s + ring_s)
