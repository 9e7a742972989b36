"""Did a quantity drift while it was measured again and again, and do its neighbours tell by how much?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from planner.units import FloatArray

ONE_IN_A_HUNDRED = 2.3263  # of a normal distribution lie beyond so many deviations on one side
FENCE = 3.0  # interquartile ranges: Tukey's outer fence, beyond which values are far out


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


def roughness_limit(values: int) -> float:
    """Return the roughness below which one series in a hundred without any drift falls. [-]

    The ratio of independent normal values has the mean 2 n / (n - 1) with the steps averaged over n - 1, and the
    variance 4 (n - 2) / (n^2 - 1).

    Parameters
    ----------
    values : length of the series. [-]

    References
    ----------
    .. [1] J. von Neumann, "Distribution of the Ratio of the Mean Square Successive Difference to the Variance," Annals
       of Mathematical Statistics 12, 1941.

    Examples
    --------
    >>> round(roughness_limit(6), 2), round(roughness_limit(28), 2), round(roughness_limit(100), 2)
    (0.83, 1.23, 1.56)
    """
    deviation = 2.0 * float(np.sqrt((values - 2) / (values**2 - 1)))
    return 2.0 * values / (values - 1) - ONE_IN_A_HUNDRED * deviation


def upper_fence(values: FloatArray) -> float:
    """Return the size above which a value lies apart from all others: the upper quartile and three quartile ranges. [any]

    Of the sizes of normal values one in 3,700 lies there.

    Parameters
    ----------
    values : the values, in any order. [any]

    References
    ----------
    .. [1] J. W. Tukey, "Exploratory Data Analysis," 1977, 2C: the outer fence.

    Examples
    --------
    The quartiles of 1 to 5 are 2 and 4:

    >>> upper_fence(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    10.0
    """
    low, high = np.quantile(values, (0.25, 0.75))
    return float(high + FENCE * (high - low))
