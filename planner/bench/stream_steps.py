"""Steps of a server, found in the token streams of its requests.

Every request that decodes gets one token from each step, so the gap between two of its tokens is the time of a step. What
else was in that step is known from the other requests: those between their first and last token decoded, and one whose
first token came at the end of the gap had its prompt in it. A first token from an idle engine times a whole prefill and
the way there and back.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from planner.engines.steadiness import reasons_not_to_trust
from planner.records import dataclass
from planner.specs.answers.simulation import VLLM_MAX_NUM_BATCHED_TOKENS, VLLM_MAX_NUM_SEQS
from planner.specs.measured.measurement import Outcome, RequestRecord, RunManifest, Setting
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import Disturbance, StepRun, StepSamples
from planner.units import Count, Nanoseconds

LONGEST_RUN = 16  # steps of one point: the context grows by one a step and must stay near its middle
FEWEST_TIMES = 3  # prompts of one length that make a point
TOGETHER_FRACTION = 0.2  # of a stream's usual gap: tokens closer than this were held up on the way (chosen)
NS_PER_S = 1e9


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
    records: Sequence[RequestRecord], manifest: RunManifest, *, held_out: Sequence[int] = ()
) -> StepRun:
    """Return the steps of a run as points to be fitted; load points numbered in ``held_out`` prove the fit."""
    settings = scheduler_settings(manifest)
    batch = int(str(settings["batch_tokens"]))
    samples: list[StepSamples] = []
    for point in sorted({record.point for record in records}):
        streams = _streams([record for record in records if record.point == point])
        steps = [step for step in _steps(streams) if step.prompt_tokens <= batch]
        samples += [_sample(group, held_out=point in held_out) for group in _groups(steps)]
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
    """Return runs of equal decode steps, and all steps with equal prompts, of at least ``FEWEST_TIMES`` each."""
    prompts: dict[tuple[int, int, bool], list[_Step]] = defaultdict(list)
    runs: list[list[_Step]] = []
    for step in steps:
        if step.prompt_tokens:
            prompts[step.sequences, step.prompt_tokens, step.arrival].append(step)
        elif runs and len(runs[-1]) < LONGEST_RUN and _follows(runs[-1][-1], step):
            runs[-1].append(step)
        else:
            runs.append([step])
    return [group for group in (*runs, *prompts.values()) if len(group) >= FEWEST_TIMES]


def _follows(before: _Step, after: _Step) -> bool:
    return before.sequences == after.sequences and 0 <= after.context_tokens - before.context_tokens <= 2


def _sample(group: Sequence[_Step], *, held_out: bool) -> StepSamples:
    first, times = group[0], tuple(step.time_s for step in group)
    context = (
        round(median(step.context_tokens for step in group)) if first.prompt_tokens else first.context_tokens
    )
    point = StepPoint(
        sequences=first.sequences,
        context_tokens=context,
        prompt_tokens=first.prompt_tokens,
        repetitions=len(group),
        arrival=first.arrival,
    )
    return StepSamples(
        point=point,
        times_s=times,
        unsteady=reasons_not_to_trust(times, Disturbance()),
        held_out=held_out,
    )
