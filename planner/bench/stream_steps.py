"""Steps of a server, found in the token streams of its requests.

Every request that decodes gets one token from each step, so the gap between two of its tokens is the time of a step. What
else was in that step is known from the other requests: those between their first and last token decoded, and one whose
first token came at the end of the gap had its prompt in it. A first token from an idle engine times a whole prefill and
the way there and back.

A token that the server's own threads hold up makes one gap longer and the next one shorter, and on few processors steps
take whole time slices of the scheduler. So some like steps one after the other are timed as one, by their mean.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean, median

from planner.bench.flags import client_bound, foreign_reasons
from planner.engines.steadiness import reasons_not_to_trust
from planner.planning.prediction.host_speed import CONTEXT_BAND_TOKENS
from planner.records import dataclass
from planner.specs.answers.simulation import VLLM_MAX_NUM_BATCHED_TOKENS, VLLM_MAX_NUM_SEQS
from planner.specs.measured.measurement import (
    ClientHealth,
    Outcome,
    PointFacts,
    RequestRecord,
    RunManifest,
    Setting,
)
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import Disturbance, HostSpeed, StepRun, StepSamples
from planner.units import NS_PER_S, Count, Nanoseconds

BLOCK_STEPS = 8  # one after the other that are timed as one; the context grows by one a step (chosen)
FEWEST_STEPS = 3  # of such a block
TOGETHER_FRACTION = 0.2  # of a stream's usual gap: tokens closer than this were held up on the way (chosen)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stream:
    """One request's tokens: when it was sent, when each token came."""

    sent_ns: Nanoseconds
    input_tokens: int
    token_ns: tuple[int, ...]

    def tokens_before(self, at_ns: float) -> int:
        return bisect_left(self.token_ns, at_ns)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step:
    """One step: its time, the decoding sequences with their mean context, and the prompt in it."""

    time_s: float
    sequences: Count = 0
    context_tokens: int = 0
    prompt_tokens: int = 0
    arrival: bool = False


def steps_of_records(
    records: Sequence[RequestRecord],
    manifest: RunManifest,
    *,
    held_out: Collection[int] = (),
    references: Collection[int] = (),
    facts: Sequence[PointFacts] = (),
) -> StepRun:
    """Return the steps of a run as points to be fitted; load points numbered in ``held_out`` prove the fit.

    Those in ``references`` are alike and tell the host's speed before and after the others; ``facts`` tell what else
    used the machine.
    """
    health = {each.point: each.health for each in facts}
    doubts: dict[int, tuple[str, ...]] = {}
    settings = scheduler_settings(manifest)
    batch = int(str(settings["batch_tokens"]))
    steps: dict[int, list[_Step]] = {}
    for point in sorted({record.point for record in records}):
        streams = _streams([record for record in records if record.point == point])
        steps[point] = [step for step in _steps(streams) if step.prompt_tokens <= batch]
        doubts[point] = _doubts(health.get(point, ClientHealth()), streams)
    speeds = {point: speed for point in references if (speed := _speed(steps.get(point, ())))}
    samples = [
        _sample(
            group,
            held_out=point in held_out,
            around=_around(speeds, point),
            doubts=doubts[point],
        )
        for point, own in steps.items()
        if point not in references
        for group in _groups(own)
    ]
    return StepRun(
        started_at=manifest.started_at,
        planner_version=manifest.planner_version,
        machine=manifest.machine,
        engine=manifest.engine,
        model_bytes=0,
        model_parameters=0,
        settings=settings,
        samples=tuple(samples),
    )


def _doubts(health: ClientHealth, streams: Sequence[_Stream]) -> tuple[str, ...]:
    """List the reasons not to trust any step of a load: what else used the machine, and a client near its limit."""
    if not streams:
        return ()
    lasted_s = (max(each.token_ns[-1] for each in streams) - min(each.sent_ns for each in streams)) / NS_PER_S
    bound = client_bound(
        health,
        ttft_s=median(each.token_ns[0] - each.sent_ns for each in streams) / NS_PER_S,
        tokens_per_s=sum(len(each.token_ns) for each in streams) / lasted_s if lasted_s > 0 else None,
    )
    return foreign_reasons(health) + (("the client ran near its own limit",) if bound else ())


def _speed(steps: Sequence[_Step]) -> HostSpeed | None:
    """Return the host's speed at a reference load; ``None`` where it failed."""
    decode = [step.time_s for step in _blocks(steps)]
    prefill = [step.time_s for step in steps if step.arrival]
    if not decode or not prefill:
        return None
    return HostSpeed(decode_s=median(decode), prefill_s=median(prefill))


def _around(speeds: Mapping[int, HostSpeed], point: int) -> tuple[HostSpeed | None, HostSpeed | None]:
    """Return the speeds at the references next to a load point; the nearest one twice where the other is missing."""
    before = max((number for number in speeds if number < point), default=None)
    after = min((number for number in speeds if number > point), default=before)
    first = after if before is None else before
    return (None, None) if first is None or after is None else (speeds[first], speeds[after])


def scheduler_settings(manifest: RunManifest) -> dict[str, Setting]:
    """Return what is known of the scheduler: its own flags, else vLLM's defaults."""
    words = str(manifest.engine.flags.get("command", "")).split()
    given = {name: int(value) for name, value in pairwise(words) if name.startswith("--max-num-")}
    return {
        "batch_tokens": given.get("--max-num-batched-tokens", VLLM_MAX_NUM_BATCHED_TOKENS),
        "sequences": given.get("--max-num-seqs", VLLM_MAX_NUM_SEQS),
        **{key: value for key, value in manifest.engine.flags.items() if key in _LLAMACPP},
    }


_LLAMACPP = {"batch_tokens", "ubatch_tokens", "sequences", "context_tokens", "unified_kv"}


def _streams(records: Sequence[RequestRecord]) -> list[_Stream]:
    last = max(record.session for record in records)
    streams = []
    for record in records:
        stamps, usage = record.reply.stamps, record.reply.usage
        whole = record.reply.outcome is Outcome.OK and set(stamps.chunk_tokens) <= {0, 1}
        if record.session == last and whole and stamps.sent_ns is not None:
            tokens = zip(stamps.chunk_ns, stamps.chunk_tokens, strict=True)
            streams.append(
                _Stream(
                    sent_ns=stamps.sent_ns,
                    input_tokens=usage.input_tokens or record.input_tokens,
                    token_ns=tuple(at for at, count in tokens if count),
                )
            )
    return [each for each in streams if each.token_ns]


def _steps(streams: Sequence[_Stream]) -> Iterator[_Step]:
    """Yield the steps in order of time: each seen once, through the request that decodes longest around it."""
    covered_ns = 0
    for leader in sorted(streams, key=lambda each: each.token_ns[0]):
        if _alone(leader, streams):
            yield _Step(
                time_s=(leader.token_ns[0] - leader.sent_ns) / NS_PER_S,
                prompt_tokens=leader.input_tokens,
                arrival=True,
            )
        for start, end in _whole_gaps(leader):
            if start >= covered_ns - (end - start) / 2:
                covered_ns = end
                step = _step(streams, start, end)
                if step is not None:
                    yield step


def _whole_gaps(stream: _Stream) -> Iterator[tuple[int, int]]:
    """Yield the gaps of a stream that are one step each: not those around tokens that arrived together."""
    gaps = list(pairwise(stream.token_ns))
    if not gaps:
        return
    least_ns = TOGETHER_FRACTION * median(end - start for start, end in gaps)
    together = {number for number, (start, end) in enumerate(gaps) if end - start <= least_ns}
    yield from (gap for number, gap in enumerate(gaps) if not together & {number, number + 1})


def _alone(stream: _Stream, streams: Sequence[_Stream]) -> bool:
    """Tell whether no other request was in the engine between a request's sending and its first token."""
    return not any(
        each is not stream and each.sent_ns <= stream.token_ns[0] and each.token_ns[-1] >= stream.sent_ns
        for each in streams
    )


def _step(streams: Sequence[_Stream], start_ns: int, end_ns: int) -> _Step | None:
    """Describe the step that ended at ``end_ns``; ``None`` when several prompts were in it."""
    half_ns = (end_ns - start_ns) / 2
    low, high = end_ns - half_ns, end_ns + half_ns
    prompts = [each for each in streams if low < each.token_ns[0] <= high]
    decoding = [each for each in streams if each.token_ns[0] <= low < each.token_ns[-1]]
    if len(prompts) > 1 or not decoding:
        return None
    context = sum(each.input_tokens + each.tokens_before(low) - 1 for each in decoding) / len(decoding)
    prompt = prompts[0].input_tokens if prompts else 0
    return _Step(
        time_s=(end_ns - start_ns) / NS_PER_S,
        sequences=len(decoding),
        context_tokens=round(context),
        prompt_tokens=prompt,
    )


def _groups(steps: Sequence[_Step]) -> list[list[_Step]]:
    """Return the steps of one kind together: blocks of decoding steps of near contexts, steps with equal prompts."""
    groups: dict[tuple[int, int, bool, int], list[_Step]] = defaultdict(list)
    for step in (*_blocks(steps), *(step for step in steps if step.prompt_tokens)):
        band = 0 if step.prompt_tokens else step.context_tokens // CONTEXT_BAND_TOKENS
        groups[step.sequences, step.prompt_tokens, step.arrival, band].append(step)
    return list(groups.values())


def _blocks(steps: Sequence[_Step]) -> list[_Step]:
    """Return like decoding steps one after the other as one, with their mean time and context."""
    runs: list[list[_Step]] = []
    for step in steps:
        if step.prompt_tokens:
            continue
        if runs and len(runs[-1]) < BLOCK_STEPS and _follows(runs[-1][-1], step):
            runs[-1].append(step)
        else:
            runs.append([step])
    return [
        replace(
            run[0],
            time_s=fmean(step.time_s for step in run),
            context_tokens=round(fmean(step.context_tokens for step in run)),
        )
        for run in runs
        if len(run) >= FEWEST_STEPS
    ]


def _follows(before: _Step, after: _Step) -> bool:
    return before.sequences == after.sequences and 0 <= after.context_tokens - before.context_tokens <= 2


def _sample(
    group: Sequence[_Step],
    *,
    held_out: bool,
    around: tuple[HostSpeed | None, HostSpeed | None],
    doubts: tuple[str, ...],
) -> StepSamples:
    first, times = group[0], tuple(step.time_s for step in group)
    point = StepPoint(
        sequences=first.sequences,
        context_tokens=round(fmean(step.context_tokens for step in group)),
        prompt_tokens=first.prompt_tokens,
        repetitions=1,
        arrival=first.arrival,
    )
    return StepSamples(
        point=point,
        times_s=times,
        unsteady=reasons_not_to_trust(times, Disturbance()) + doubts,
        held_out=held_out,
        before=around[0],
        after=around[1],
        from_streams=True,
    )
