"""The distribution functions that intervals and tests need: beta, binomial, Student's t. Scalars only.

They are here because scipy is no dependency of planner; tests compare them with it.
"""

from __future__ import annotations

from math import exp, lgamma, log

CONVERGED = 1e-15  # relative change at which the continued fraction has settled in double precision
MOST_TERMS = 10_000  #: it settles within some √(larger shape) terms (Numerical Recipes, sec. 6.4)
TINY = 1e-300  #: in place of a zero in Lentz's method: far below any term, far above the smallest float
BISECTIONS = 200  #: down to neighbouring floats from any bracket; 52 do for one as wide as its place


def incomplete_beta_fraction(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b). [fraction]

    Parameters
    ----------
    x : upper limit of the integral, 0 to 1. [fraction]
    a : first shape, above 0. [1]
    b : second shape, above 0. [1]

    Raises
    ------
    ValueError
        If the continued fraction does not settle, with shapes above about 1e9.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 8.17.22: continued fraction; 8.17.4: symmetry.

    Examples
    --------
    I_x(1, 1) = x and I_x(2, 2) = 3x² - 2x³:

    >>> incomplete_beta_fraction(0.25, 1, 1), incomplete_beta_fraction(0.5, 2, 2)
    (0.25, 0.5)
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta_fraction(1 - x, b, a)
    log_front = a * log(x) + b * log(1 - x) - log(a) - log_beta(a, b)
    return exp(log_front) * _beta_continued_fraction(x, a, b)


def log_beta(a: float, b: float) -> float:
    """Return the natural logarithm of the beta function. [1]

    Parameters
    ----------
    a : first shape, above 0. [1]
    b : second shape, above 0. [1]

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 5.12.1.

    Examples
    --------
    B(2, 3) = 1!·2!/4! = 1/12:

    >>> round(exp(-log_beta(2, 3)), 9)
    12.0
    """
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _beta_continued_fraction(x: float, a: float, b: float) -> float:
    """Evaluate the continued fraction by Lentz's method."""
    c, d = 1.0, 1.0 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, MOST_TERMS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _away_from_zero(1 + numerator * d)
            c = _away_from_zero(1 + numerator / c)
            value *= c * d
        if abs(c * d - 1) < CONVERGED:
            return value
    raise ValueError(f"the beta function does not settle for shapes as large as {a:g} and {b:g}")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY


def binomial_cdf_fraction(successes: int, trials: int, success_fraction: float) -> float:
    """Return the probability of at most ``successes`` in ``trials``. [fraction]

    Parameters
    ----------
    successes : most successes counted. [events]
    trials : independent trials. [events]
    success_fraction : chance of a success in one trial. [fraction]

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 8.17.5.

    Examples
    --------
    No head in 5 throws of a coin: 1/32:

    >>> round(binomial_cdf_fraction(0, 5, 0.5), 12)
    0.03125
    """
    if successes < 0:
        return 0.0
    if successes >= trials:
        return 1.0
    return incomplete_beta_fraction(1 - success_fraction, trials - successes, successes + 1)


def student_t_cdf_fraction(t: float, degrees: float) -> float:
    """Return the probability that Student's t with ``degrees`` of freedom stays at or under ``t``. [fraction]

    Parameters
    ----------
    t : value of the statistic. [1]
    degrees : degrees of freedom, above 0. [1]

    References
    ----------
    .. [1] M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions," 26.7.1.

    Examples
    --------
    One degree of freedom is the Cauchy distribution, whose upper quartile is 1:

    >>> round(student_t_cdf_fraction(1.0, 1), 12)
    0.75
    """
    tail = incomplete_beta_fraction(degrees / (degrees + t * t), degrees / 2, 0.5) / 2
    return 1 - tail if t >= 0 else tail


def student_t_quantile(fraction: float, degrees: float) -> float:
    """Return the value that Student's t stays under with probability ``fraction``. [1]

    Parameters
    ----------
    fraction : probability, inside 0 to 1. [fraction]
    degrees : degrees of freedom, above 0. [1]

    Raises
    ------
    ValueError
        If ``fraction`` is not inside 0 to 1.

    References
    ----------
    .. [1] Student, "The probable error of a mean," Biometrika 6, 1908; tables in any textbook.

    Examples
    --------
    The textbook value for a 95 % interval with 9 degrees of freedom is 2.262:

    >>> round(student_t_quantile(0.975, 9), 3)
    2.262
    """
    if not 0 < fraction < 1:
        raise ValueError(f"a probability inside 0 to 1 is needed, not {fraction}")
    if fraction < 0.5:
        return -student_t_quantile(1 - fraction, degrees)
    low, high = 0.0, 1.0
    while student_t_cdf_fraction(high, degrees) < fraction:
        low, high = high, high * 2
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if student_t_cdf_fraction(middle, degrees) < fraction else (low, middle)
    return (low + high) / 2
