"""A configuration ready to be asked for any concurrency: its steady state, what a step is made of, and what binds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.errors import UsageError
from planner.planning.prediction.closed_loop import Limits, LoopResult, Savings, closed_loop
from planner.planning.prediction.step_model import Load, Operands, step_parts
from planner.records import dataclass
from planner.specs.answers.prediction import Bound, OperatorTime, PredictRequest
from planner.specs.profiles.serving import COEFFICIENTS

SPEED_OF_LIGHT: dict[str, float] = {
    name: 1.0 if name in {"compute", "expert_compute", "read", "attention_compute", "link"} else 0.0
    for name in COEFFICIENTS
}
BISECTIONS = 60  #: halvings of the concurrency that answers an arrival rate


@dataclass(frozen=True, kw_only=True, slots=True)
class SteadyLoop:
    """A configuration ready to be asked for any concurrency."""

    operand: Operands
    coefficients: Mapping[str, float]
    limits: Limits
    request: PredictRequest
    savings: Savings

    def at(self, concurrency: float) -> LoopResult:
        """Return the steady state with so many requests in flight."""
        return closed_loop(
            self.operand,
            self.coefficients,
            self.limits,
            concurrency=concurrency,
            input_tokens=self.request.input_tokens,
            output_tokens=self.request.output_tokens,
            savings=self.savings,
            lockstep=float(self.request.lockstep),
        )

    def capacity(self) -> float:
        """Return the most sequences that run at once."""
        longest = self.request.input_tokens + self.request.output_tokens
        room = max(float(self.limits.pool_tokens) / longest, 1.0)
        return min(float(self.limits.max_sequences), room)

    def concurrency_of(self, requests_per_s: float) -> float:
        """Return the requests in flight at an arrival rate, by Little's law.

        Raises
        ------
        UsageError
            When the rate exceeds what the configuration sustains.
        """
        low, high = 1e-3, self.capacity()
        most = float(self.at(high).requests_per_s)
        if requests_per_s >= most:
            raise UsageError(
                f"{requests_per_s:g} requests/s exceed the saturation of {most:.3g} requests/s",
                cure="lower --rate, or use more GPUs or replicas",
            )
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            if float(self.at(middle).requests_per_s) < requests_per_s:
                low = middle
            else:
                high = middle
        return high


def breakdown_of(loop: SteadyLoop, running: float) -> tuple[OperatorTime, ...]:
    """Return a decoding step of so many sequences by operator class, beside the speed of light."""
    context = loop.request.input_tokens + loop.request.output_tokens / 2
    each = running / float(loop.limits.stages)
    load = Load(sequences=each, context_tokens=context, verified_tokens=loop.savings.verified_tokens)
    fitted = step_parts(loop.operand, loop.coefficients, load, prefill=False)
    slow_downs = {"dense_slowness": 1.0, "expert_slowness": 1.0, "block_slowness": 1.0}
    datasheet = replace(loop.operand, direct_token_s=0.0, activation_token_s=0.0, **slow_downs)
    light = step_parts(datasheet, SPEED_OF_LIGHT, load, prefill=False)
    total = sum(float(value) for value in fitted.values())
    return tuple(
        OperatorTime(
            name=name,
            time_s=float(value),
            speed_of_light_s=float(light[name]),
            share_fraction=float(value) / total,
        )
        for name, value in fitted.items()
        if float(value) > 0
    )


def bound_of(loop: SteadyLoop, concurrency: float, parts: tuple[OperatorTime, ...]) -> Bound:
    """Name the limit: what keeps requests out, else the largest share of the step."""
    if concurrency > loop.capacity():
        pool_first = loop.capacity() < float(loop.limits.max_sequences)
        return "kv_pool" if pool_first else "max_num_seqs"
    times = {part.name: part.time_s for part in parts}
    overhead = times.get("kernels", 0.0) + times.get("overhead", 0.0)
    link = times.get("communication", 0.0)
    state = loop.at(concurrency)
    work = sum(times.values()) - overhead - link
    if float(state.prefill_fraction) > 0.5 or _computes(loop, float(state.running)):
        return "compute"
    return max((("bandwidth", work), ("overhead", overhead), ("link", link)), key=lambda each: each[1])[0]  # type: ignore[return-value]


def _computes(loop: SteadyLoop, running: float) -> bool:
    operand = loop.operand
    arithmetic = running * (float(operand.linear_token_s) + float(operand.expert_token_s))
    return arithmetic * loop.coefficients["compute"] > loop.coefficients["read"] * float(
        operand.linear_read_s
    )
