"""One serving replica at the design peak, request by request."""

from __future__ import annotations

import numpy as np

from planner.planning.hosting.configurations import PLANS_AHEAD, Configuration
from planner.planning.hosting.load_steps import Demand
from planner.planning.prediction.simulate import step_costs
from planner.simulation.arrivals import gamma_arrivals, lognormal_tokens
from planner.simulation.engine import simulate
from planner.specs.answers.hosting_plan import SimulatedPeak
from planner.specs.answers.simulation import EngineLimits, RequestBatch, SimulatedRequests
from planner.specs.scenario.scenario import Slo
from planner.units import FloatArray

SEED = 0
WARM_UP = 5  #: a fifth of the requests find a replica that is still filling up, and are left out
LONGEST = 1_000_000  #: longer draws of a log-normal are cut; the pool refuses far shorter ones


def simulated_peak(
    configuration: Configuration, demand: Demand, requests_per_s: float, slo: Slo, *, requests: int
) -> SimulatedPeak:
    """Serve one replica's share of the peak, and say whether the 95th percentiles hold the limits.

    A refused request misses every limit; answers of one token have no time per token.
    """
    memory, numbers = configuration.memory, configuration.chosen.profile.numbers()
    ahead = configuration.chosen.profile.engine in PLANS_AHEAD
    costs = step_costs(
        configuration.operand,
        numbers,
        max_tokens=memory.batched_tokens,
        mean_context_tokens=demand.prompt.mean + demand.answer.mean / 2.0,
        separate_prefill=configuration.chosen.profile.separate_prefill,
    )
    limits = EngineLimits(
        max_num_seqs=min(memory.max_sequences, memory.batched_tokens),
        max_num_batched_tokens=memory.batched_tokens,
        pool_tokens=memory.pool_tokens,
        async_scheduling=ahead,
        prefix_caching=True,
    )
    drawn = peak_share(demand, requests_per_s, requests, np.random.default_rng(SEED))
    served = simulate(drawn, costs=costs, limits=limits)
    outside_s = numbers["first_token_s"]
    ttft, tpot, e2e = _late(served)
    found = (ttft + outside_s, tpot, e2e + outside_s)
    return SimulatedPeak(
        requests=requests,
        requests_per_s=requests_per_s,
        ttft_s=found[0],
        tpot_s=found[1],
        e2e_s=found[2],
        holds=most_used(slo, found) <= 1.0,
    )


def peak_share(
    demand: Demand, requests_per_s: float, requests: int, generator: np.random.Generator
) -> RequestBatch:
    """Return requests as a replica sees them at so many a second.

    Rate and mean lengths are met exactly, as far as lengths are whole: where a replica is nearly full, a draw that is a
    few per cent too busy would be tens of per cent too slow.
    """
    lengths = [
        lognormal_tokens(generator, mean=tokens.mean, p50=tokens.p50, requests=requests, most=LONGEST)
        for tokens in (demand.prompt, demand.answer)
    ]
    arrival_s = gamma_arrivals(
        generator, requests_per_s=requests_per_s, requests=requests, burstiness=demand.burstiness
    )
    prompts, answers = (
        np.maximum(np.rint(drawn * (tokens.mean / drawn.mean())), 1).astype(np.int64)
        for drawn, tokens in zip(lengths, (demand.prompt, demand.answer), strict=True)
    )
    return RequestBatch(
        arrival_s=arrival_s * (requests / requests_per_s / arrival_s[-1]),
        input_tokens=prompts,
        output_tokens=answers,
    )


def most_used(slo: Slo, late_s: tuple[float, float, float]) -> float:
    """Return the largest share of a limit that TTFT, TPOT and the whole answer take; 0 without limits."""
    late = dict(zip(("TTFT", "TPOT", "e2e"), late_s, strict=True))
    return max((late[name] / limit for name, limit in slo.limits_s.items()), default=0.0)


def _late(served: SimulatedRequests) -> tuple[float, float, float]:
    start = served.arrival_s.size // WARM_UP
    lost = np.isnan(served.last_token_s)[start:]

    def late(values: FloatArray) -> float:
        known = np.where(lost, np.inf, values[start:])
        known = known[~np.isnan(known)]
        return float(np.quantile(known, 0.95, method="higher")) if known.size else 0.0

    return late(served.ttft_s), late(served.tpot_s), late(served.e2e_s)
