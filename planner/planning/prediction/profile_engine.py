"""A measured step profile as an engine that can be simulated, and what it predicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.errors import UsageError
from planner.planning.prediction.simulate import latency_points, refusals
from planner.planning.prediction.step_profiles import support_notices, support_of
from planner.planning.prediction.step_work import KERNEL_ROWS, tile_passes
from planner.simulation.engine import simulate
from planner.simulation.step import StepCosts
from planner.specs.answers.simulated import ReplicaSimulation
from planner.specs.answers.simulation import VLLM_MAX_NUM_SEQS, EngineLimits, RequestBatch, SimulatedRequests
from planner.specs.measured.agreement import Slowness
from planner.specs.profiles.step import ChosenStepProfile, StepProfile, StepShape
from planner.units import FloatArray

LLAMA_SERVER_SLOTS = 4  # llama-server's --parallel when the user gives none


AS_MEASURED = Slowness()


def profile_limits(
    profile: StepProfile,
    *,
    max_sequences: int | None = None,
    batched_tokens: int | None = None,
    slot_tokens: int | None = None,
) -> EngineLimits:
    """Return the scheduler's settings of the profiled engine, some of them changed."""
    slots = LLAMA_SERVER_SLOTS if profile.kind == "llamacpp" else VLLM_MAX_NUM_SEQS
    return EngineLimits(
        max_num_seqs=max_sequences or slots,
        max_num_batched_tokens=batched_tokens or profile.shape.batch_tokens,
        pool_tokens=profile.shape.pool_tokens,
        slot_tokens=slot_tokens,
        reserve_full_input=profile.kind != "llamacpp",
    )


def profile_costs(profile: StepProfile, limits: EngineLimits, slowness: Slowness = AS_MEASURED) -> StepCosts:
    """Return the profile's prices as the simulator takes them: passes, rows and prompt passes by tokens of the step.

    A step of more tokens than there are sequences holds a prompt; its pass reads the cache of the prompt, from its
    start. Smaller steps are taken for decoding. ``slowness`` is that of the host on which the steps run; which steps wait
    for memory is told as ``host_speed.reference_kind`` tells it.
    """
    price = {name: term.value_s for name, term in profile.terms.items()}
    tokens = np.arange(limits.max_num_batched_tokens + 1, dtype=np.float64)
    passes, groups, lone, cached, tiles = _work_of_tokens(tokens, profile.shape)
    cached = np.where(tokens > limits.max_num_seqs, cached, 0.0)
    few, more = slowness.few_rows, slowness.more_rows
    waits = tokens < KERNEL_ROWS
    serial_s = (
        passes * price["pass_s"]
        + groups * price["row_group_s"]
        + lone * price["lone_row_s"]
        + tiles * price.get("tile_pass_s", 0.0)
        + cached * price["prompt_context_s"]
    )
    # the simulator adds one price for every output, so what few rows pay more or less for theirs is in the table
    outputs = np.where(waits, tokens, 0.0) * price["output_s"] * (few - more)
    return StepCosts(
        serial_s=np.maximum(serial_s * np.where(waits, few, more) + outputs, 0.0),
        sequence_s=price["output_s"] * more,
        kv_token_s=price["context_token_s"] * more,
        pair_s=price["pair_s"] * more,
        apart=profile.shape.apart,
    )


def simulate_profile(
    chosen: ChosenStepProfile,
    batch: RequestBatch,
    limits: EngineLimits,
    slowness: Slowness = AS_MEASURED,
) -> ReplicaSimulation:
    """Serve ``batch`` on the profiled engine, on a host of the profile's speed or of another.

    Raises
    ------
    UsageError
        When no request of the batch can be served.
    """
    profile = chosen.profile
    served = serve(profile, batch, limits, slowness)
    if served.refused == batch.size:
        raise UsageError(
            "no request fits into a slot or the KV cache",
            cure="raise --slot-tokens, or shorten the requests",
        )
    known = ~np.isnan(served.last_token_s)
    support = support_of(
        profile,
        prompt_tokens=float(batch.input_tokens[known].max()),
        sequences=float(min(_most_running(served), limits.max_num_seqs)),
        context_tokens=float((batch.input_tokens + batch.output_tokens)[known].max()),
    )
    return ReplicaSimulation(
        model=profile.model,
        hardware=profile.hardware or profile.machine,
        gpus=1,
        quantization=profile.quantization or "",
        profile=chosen.name,
        grade=support.grade,
        limits=limits,
        requests=served,
        ttft_s=latency_points(served.ttft_s),
        tpot_s=latency_points(served.tpot_s),
        e2e_s=latency_points(served.e2e_s),
        queue_s=latency_points(served.queue_s),
        notices=(*support_notices(chosen, support), *refusals(served.refused, batch.size)),
    )


def serve(
    profile: StepProfile, batch: RequestBatch, limits: EngineLimits, slowness: Slowness = AS_MEASURED
) -> SimulatedRequests:
    """Simulate requests on the profiled engine, the way there and back included."""
    served = simulate(batch, costs=profile_costs(profile, limits, slowness), limits=limits)
    way_s = profile.terms["request_s"].value_s
    return replace(
        served, first_token_s=served.first_token_s + way_s, last_token_s=served.last_token_s + way_s
    )


def _work_of_tokens(tokens: FloatArray, shape: StepShape) -> tuple[FloatArray, ...]:
    """Return passes, row groups, lone rows, tokens in the cache after each pass, and passes of tiles."""
    ubatch, rows = shape.ubatch_tokens, shape.kernel_rows
    full, rest = np.divmod(tokens, ubatch)
    passes = full + (rest > 0)
    groups = full * (ubatch // rows) + rest // rows
    lone = full * (ubatch % rows) + rest % rows
    cached = ubatch * full * (full + 1) / 2 + np.where(rest > 0, tokens, 0)
    many = (rest > 1) & (rows > 1)
    tiles = full * tile_passes(ubatch, rows) + many * (1.0 * (rest >= rows) + (rest % rows > 0))
    return passes, groups, lone, cached, tiles


def _most_running(served: SimulatedRequests) -> int:
    """Return how many requests ran at once at most."""
    known = ~np.isnan(served.last_token_s)
    starts, ends = np.sort(served.scheduled_s[known]), np.sort(served.last_token_s[known])
    return int((np.arange(1, starts.size + 1) - np.searchsorted(ends, starts, side="right")).max())
