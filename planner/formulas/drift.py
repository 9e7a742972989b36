"""Did a quantity drift while it was measured again and again, and do its neighbours tell by how much?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from planner.units import FloatArray


def swing(times_s: FloatArray) -> float:
    """Return p90 over p10 of a series: 1 where nothing moved. [-]

    Parameters
    ----------
    times_s : the series, in any order. [s]

    Examples
    --------
    >>> swing(np.array([1.0, 1.0, 1.0])), round(swing(np.linspace(1.0, 2.0, 11)), 3)
    (1.0, 1.727)
    """
    low, high = np.quantile(times_s, (0.1, 0.9))
    return float(high / low)


def roughness(times_s: FloatArray) -> float:
    """Return the mean squared step between neighbours over the variance of a series (von Neumann's ratio). [-]

    About 2 where every value is drawn anew, near 0 for a slow drift; 2 for a series that does not vary.

    Parameters
    ----------
    times_s : the series, in order of time. [s]

    References
    ----------
    .. [1] J. von Neumann, "Distribution of the Ratio of the Mean Square Successive Difference to the Variance," Annals
       of Mathematical Statistics 12, 1941.

    Examples
    --------
    The line 1 to 11 steps by 1 and has the variance 10; a series that swings between two values steps twice its deviation:

    >>> round(roughness(np.arange(1.0, 12.0)), 6), round(roughness(np.array([1.0, 2.0, 1.0, 2.0])), 6)
    (0.1, 4.0)
    """
    if float(np.ptp(times_s)) == 0.0:
        return 2.0
    return float(np.mean(np.diff(times_s) ** 2) / np.var(times_s))
