"""Time of one engine step by operator class, and what a closed loop of requests makes of it."""

from __future__ import annotations

import numpy as np

from planner.units import Numeric, plain_number


def operator_s(*, compute_s: Numeric, memory_s: Numeric) -> Numeric:
    """Time of an operator that computes and reads memory at once [s].

    Far from the ridge the longer of the two decides; near it neither overlaps the other fully. The root of the sum
    of squares is at most 41 % above the longer one, exactly there.

    Parameters
    ----------
    compute_s : float or ndarray
        Time of the arithmetic alone [s].
    memory_s : float or ndarray
        Time of the memory traffic alone [s].

    Returns
    -------
    float or ndarray
        Time of both together [s].

    References
    ----------
    .. [1] S. Williams, A. Waterman, D. Patterson, "Roofline", CACM 52(4), 2009: the bound that this smooths.

    Examples
    --------
    >>> float(operator_s(compute_s=3.0, memory_s=4.0))
    5.0
    """
    return np.hypot(compute_s, memory_s)


def experts_touched(*, experts: Numeric, experts_per_token: Numeric, tokens: Numeric) -> Numeric:
    """Distinct experts that a step reads when every token draws its own at random [experts].

    Parameters
    ----------
    experts : float or ndarray
        Routed experts of a layer [experts]; 0 for a dense model.
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
    .. [1] Expected occupancy, ``E·(1 − (1 − k/E)^T)``; W. Feller, "An Introduction to Probability Theory", vol. 1, IV.2.

    Examples
    --------
    >>> round(float(experts_touched(experts=128, experts_per_token=4, tokens=4)), 1)
    15.3
    """
    held = np.maximum(experts, 1.0)
    return np.asarray(experts * (1.0 - (1.0 - np.minimum(experts_per_token / held, 1.0)) ** tokens))


def busiest_rank(*, touched: Numeric, experts: Numeric, ranks: Numeric) -> Numeric:
    """Return how many more experts the busiest rank reads than the mean one, when each holds whole experts [1].

    Parameters
    ----------
    touched : float or ndarray
        Distinct experts that the step reads on all ranks together [experts].
    experts : float or ndarray
        Routed experts of a layer [experts].
    ranks : float or ndarray
        Ranks that the experts are spread over.

    Returns
    -------
    float or ndarray
        Busiest over mean; 1 for one rank, and when every expert is touched.

    References
    ----------
    .. [1] Largest of ``n`` normal deviates, ``sqrt(2 ln n)`` deviations above the mean; H. A. David, H. N. Nagaraja,
       "Order Statistics", 3rd ed., 10.5. The touched experts of a rank are a draw without replacement.

    Examples
    --------
    >>> busiest_rank(touched=256, experts=256, ranks=8), round(float(busiest_rank(touched=64, experts=256, ranks=8)), 2)
    (1.0, 1.62)
    """
    mean = np.maximum(touched / ranks, 1e-12)
    left = 1.0 - touched / np.maximum(experts, 1.0)
    factor = 1.0 + np.sqrt(np.maximum(2.0 * np.log(ranks) * left / mean, 0.0))
    return plain_number(factor)


def tokens_per_step(*, draft_tokens: Numeric, acceptance_fraction: Numeric) -> Numeric:
    """Return the tokens that a verifying step of speculative decoding yields on average [tokens].

    Parameters
    ----------
    draft_tokens : float or ndarray
        Tokens drafted for each step [tokens].
    acceptance_fraction : float or ndarray
        Chance that a drafted token is accepted when those before it were, below 1.

    Returns
    -------
    float or ndarray
        Accepted tokens and the one that the model adds itself [tokens].

    References
    ----------
    .. [1] Y. Leviathan, M. Kalman, Y. Matias, "Fast inference from transformers via speculative decoding", ICML 2023,
       eq. 1.

    Examples
    --------
    >>> float(tokens_per_step(draft_tokens=3, acceptance_fraction=0.5))
    1.875
    """
    return np.asarray((1.0 - acceptance_fraction ** (draft_tokens + 1.0)) / (1.0 - acceptance_fraction))


def burst_ttft_s(
    *, concurrency: Numeric, input_tokens: Numeric, batched_tokens: Numeric, full_step_s: Numeric
) -> Numeric:
    """Mean time to first token of prompts that all arrive at time zero [s].

    They are prefilled first come, first served, ``batched_tokens`` a step, so a prompt waits for half of the work on
    average and for the rest of its own step.

    Parameters
    ----------
    concurrency : float or ndarray
        Prompts [requests].
    input_tokens : float or ndarray
        Tokens of one prompt [tokens].
    batched_tokens : float or ndarray
        Tokens that one step takes [tokens].
    full_step_s : float or ndarray
        Time of a step of ``min(batched_tokens, concurrency · input_tokens)`` prefill tokens [s].

    Returns
    -------
    float or ndarray
        Mean wait until the first token [s].

    References
    ----------
    .. [1] vLLM benchmark client with an unlimited request rate: the first ``max_concurrency`` requests start together.

    Examples
    --------
    Eight prompts of 2,048 tokens are two steps of 8,192; half of them finish in each:

    >>> float(burst_ttft_s(concurrency=8, input_tokens=2048, batched_tokens=8192, full_step_s=0.5))
    0.75
    """
    steps = np.maximum(concurrency * input_tokens / batched_tokens, 1.0)
    own = np.maximum(input_tokens / batched_tokens, np.minimum(steps, 1.0))
    return (steps + own) / 2.0 * full_step_s


def rest_of_step_s(*, step_s: Numeric, prompt_s: Numeric, prompts_per_step: Numeric) -> Numeric:
    """Mean rest of the step during which a prompt arrives [s].

    Steps with more prompts are longer, and more prompts arrive during longer steps.

    Parameters
    ----------
    step_s : float or ndarray
        Mean step [s].
    prompt_s : float or ndarray
        What one prompt adds to its step [s].
    prompts_per_step : float or ndarray
        Prompts that a step takes on average [requests]; their number is Poisson's.

    Returns
    -------
    float or ndarray
        Mean wait for the end of the running step [s].

    References
    ----------
    .. [1] W. Feller, "An Introduction to Probability Theory", vol. 2, I.4: ``E(T^2)/(2·E(T))``; the variance of a sum of
       a Poisson number of equal times ``s`` is ``n·s^2``.

    Examples
    --------
    Steps of 10 ms with a prompt of 20 ms in every tenth:

    >>> round(rest_of_step_s(step_s=0.010, prompt_s=0.020, prompts_per_step=0.1), 4)
    0.007
    """
    return (step_s + prompts_per_step * prompt_s**2 / step_s) / 2.0


def companions(*, step_s: Numeric, prompt_s: Numeric, prompts_per_step: Numeric) -> Numeric:
    """Mean number of other prompts that a prompt shares its step with, as long as a step takes all [requests].

    Parameters
    ----------
    step_s : float or ndarray
        Mean step [s].
    prompt_s : float or ndarray
        What one prompt adds to its step [s].
    prompts_per_step : float or ndarray
        Prompts that a step takes on average [requests].

    Returns
    -------
    float or ndarray
        Prompts that arrive during the same step [requests].

    References
    ----------
    .. [1] As for the rest of the step: the one that a prompt arrives in lasts ``E(T^2)/E(T)``.

    Examples
    --------
    >>> round(companions(step_s=0.010, prompt_s=0.020, prompts_per_step=0.1), 2)
    0.14
    """
    rest_s = rest_of_step_s(step_s=step_s, prompt_s=prompt_s, prompts_per_step=prompts_per_step)
    return prompts_per_step * 2.0 * rest_s / step_s


def collision_s(
    *, utilization_fraction: Numeric, service_s: Numeric, others: Numeric, batch: Numeric = 1.0
) -> Numeric:
    """Mean wait of a prompt until a step has room for it, beyond the step that is running [s].

    Parameters
    ----------
    utilization_fraction : float or ndarray
        Prompts that come over prompts that steps can take.
    service_s : float or ndarray
        Time of the steps of one prompt, or of one full batch of them [s].
    others : float or ndarray
        Other requests in the loop [requests]: at most all of them wait in front.
    batch : float or ndarray
        Prompts that one step takes [requests].

    Returns
    -------
    float or ndarray
        Mean wait [s].

    References
    ----------
    .. [1] H. Sakasegawa, "An approximation formula Lq = α·ρ^β/(1−ρ)", Ann. Inst. Stat. Math. 29 (1977): for ``c``
       servers of constant service, ``ρ^(sqrt(2(c+1))−1)/(2·c·(1−ρ))·s``; the share ``ρ`` of it that is the rest of a
       running service is not counted here. For one server it is Pollaczek's and Khinchine's formula.

    Examples
    --------
    >>> float(collision_s(utilization_fraction=0.5, service_s=0.1, others=100))
    0.025
    >>> round(float(collision_s(utilization_fraction=0.5, service_s=0.1, others=100, batch=8)), 5)
    0.00066
    """
    busy = np.clip(utilization_fraction, 0.0, 0.99)
    waits = busy ** np.sqrt(2.0 * (batch + 1.0)) / (2.0 * (1.0 - busy))
    return np.minimum(waits, np.maximum(others, 0.0) / 2.0) * service_s / batch
