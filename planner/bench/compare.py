"""Two runs against each other: refused where they are unlike, else differences with intervals. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from planner.bench.metrics import output_tokens, request_times
from planner.errors import UsageError
from planner.formulas.decisions import difference_interval, smallest_detectable_difference
from planner.formulas.statistics import FEWEST_FOR_BATCHES, batch_means
from planner.records import dataclass
from planner.specs.measured.compare import MetricChange, PointChange
from planner.specs.measured.load import LoadPoint
from planner.specs.measured.measurement import RequestRecord, RunManifest
from planner.units import Count, FloatArray

CONFIDENCE = 0.95
POWER = 0.8
RATE_BATCHES = 10
APART = 0.5  # of the mean time between two ends: requests that end closer to each other end together (chosen)
FEWEST_VALUES = 4
LATENCIES = ("ttft_s", "tpot_s", "e2e_s")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRun:
    """A run as it was read from its folder."""

    name: str
    manifest: RunManifest
    records: tuple[RequestRecord, ...]


def differences(before: RunManifest, after: RunManifest) -> dict[str, tuple[object, object]]:
    """Return what makes two runs unlike, by key. Seeds and times may differ."""
    mine, theirs = dict(_identity(before)), dict(_identity(after))
    keys = [*mine, *(key for key in theirs if key not in mine)]
    return {key: (mine.get(key), theirs.get(key)) for key in keys if mine.get(key) != theirs.get(key)}


def _identity(manifest: RunManifest) -> Iterator[tuple[str, object]]:
    engine = manifest.engine
    yield "model", engine.model
    yield "engine", engine.name
    yield "engine_version", engine.version
    yield "machine", manifest.machine.host_id
    yield "endpoint", manifest.settings.get("endpoint")
    for name, value in engine.flags.items():
        yield f"flag.{name}", value
    yield "points", len(manifest.points)
    for number, point in enumerate(manifest.points):
        yield f"load.{number}", _load_identity(point)


def _load_identity(point: LoadPoint) -> tuple[object, ...]:
    lengths = (point.input_tokens.values, point.output_tokens.values, point.shared_prefix_tokens)
    return (point.kind, point.concurrency, point.rate_requests_per_s, point.burstiness, *lengths)


def _words(key: str, value: object, manifest: RunManifest) -> str:
    """Say what one run has of a key: a load in words, and ``none`` where it has nothing."""
    if value is None:
        return "none"
    place = key.removeprefix("load.")
    return str(value) if place == key else _load_words(manifest.points[int(place)])


def _load_words(point: LoadPoint) -> str:
    rate = point.rate_requests_per_s
    how = f"{point.concurrency} in flight" if point.kind == "closed" else point.kind
    if rate is not None:
        how += f" at {rate:g}/s"
    if point.kind == "gamma":
        how += f" of burstiness {point.burstiness:g}"
    prompts, answers = (
        f"{min(values)}" if len(set(values)) == 1 else f"{min(values)}-{max(values)}"
        for values in (point.input_tokens.values, point.output_tokens.values)
    )
    shared = f", {point.shared_prefix_tokens} of them shared" if point.shared_prefix_tokens else ""
    return f"{how} ({prompts} tokens in{shared}, {answers} out)"


def require_alike(before: StoredRun, after: StoredRun, allowed: Sequence[str]) -> None:
    """Refuse runs that differ in what is not allowed to.

    Raises
    ------
    UsageError
        Naming every difference and how to allow it.
    """
    unlike = {
        key: pair for key, pair in differences(before.manifest, after.manifest).items() if key not in allowed
    }
    if unlike:
        named = "; ".join(
            f"{key}: {_words(key, mine, before.manifest)} against {_words(key, theirs, after.manifest)}"
            for key, (mine, theirs) in unlike.items()
        )
        flags = " ".join(f"--allow {key}" for key in unlike)
        raise UsageError(f"the runs are unlike: {named}", cure=f"measure again alike, or add {flags}")


def compare_runs(
    before: StoredRun, after: StoredRun, *, allowed: Sequence[str] = ()
) -> tuple[PointChange, ...]:
    """Return the change of every point that both runs have."""
    require_alike(before, after, allowed)
    count = min(len(before.manifest.points), len(after.manifest.points))
    changes = []
    for number in range(count):
        mine, theirs = (_steady(run.records, number) for run in (before, after))
        metrics = tuple(
            change
            for name in (*LATENCIES, "output_tokens_per_s")
            if (change := _change(name, _values(mine, name), _values(theirs, name))) is not None
        )
        changes.append(PointChange(load=before.manifest.points[number], metrics=metrics))
    return tuple(changes)


def compare_rounds(
    before: StoredRun, after: StoredRun, *, allowed: Sequence[str] = ()
) -> tuple[PointChange, ...]:
    """Return the change of every point of two runs that were measured by turns: one value a round.

    The rounds of the two are paired by time, and the means of rounds are nearly independent.
    """
    require_alike(before, after, allowed)
    changes = []
    for number, load in enumerate(before.manifest.points):
        metrics = tuple(
            change
            for name in (*LATENCIES, "output_tokens_per_s")
            if (change := _change(name, *(_round_values(run, number, name) for run in (before, after))))
            is not None
        )
        changes.append(PointChange(load=load, metrics=metrics))
    return tuple(changes)


def _round_values(run: StoredRun, number: int, name: str) -> FloatArray:
    """Return the mean of a metric in each round; rounds without a value are left out."""
    values = []
    for turn in sorted({record.session for record in run.records}):
        mine = [
            each for each in run.records if (each.point, each.session, each.phase) == (number, turn, "steady")
        ]
        mean = _round_rate(mine) if name == "output_tokens_per_s" else _round_mean(mine, name)
        values += [] if mean is None else [mean]
    return np.array(values, dtype=float)


def _round_mean(records: Sequence[RequestRecord], name: str) -> float | None:
    times = [getattr(request_times(record.reply), name) for record in records]
    known = [value for value in times if value is not None]
    return float(np.mean(known)) if known else None


def _round_rate(records: Sequence[RequestRecord]) -> float | None:
    """Return the tokens of a round over the time from its first sending to its last end. [tokens/s]"""
    starts = [record.reply.stamps.ready_ns for record in records]
    ends = [record.reply.stamps.done_ns for record in records]
    if not starts or max(ends) <= min(starts):
        return None
    return sum(output_tokens(record.reply) for record in records) / ((max(ends) - min(starts)) / 1e9)


def _steady(records: Sequence[RequestRecord], number: int) -> list[RequestRecord]:
    mine = [record for record in records if record.point == number]
    last = max((record.session for record in mine), default=0)
    mine = [record for record in mine if record.session == last and record.phase == "steady"]
    return sorted(mine, key=lambda record: record.reply.stamps.done_ns)


def _values(records: Sequence[RequestRecord], name: str) -> FloatArray:
    """Return nearly independent values of a metric: batch means where there are enough requests."""
    if name == "output_tokens_per_s":
        return _rates_per_s(records)
    times = (getattr(request_times(record.reply), name) for record in records)
    values = np.array([value for value in times if value is not None], dtype=float)
    return batch_means(values) if len(values) >= FEWEST_FOR_BATCHES else values


def _rates_per_s(records: Sequence[RequestRecord]) -> FloatArray:
    """Return the token rate of consecutive groups of requests, by the times at which they ended. [tokens/s]"""
    ends = [record.reply.stamps.done_ns / 1e9 for record in records]
    edges = _edges(ends, max(1, len(records) // RATE_BATCHES))
    made = np.cumsum([output_tokens(record.reply) for record in records])
    rates = [
        (made[after] - made[before]) / (ends[after] - ends[before])
        for before, after in pairwise(edges)
        if ends[after] > ends[before]
    ]
    return np.array(rates, dtype=float)


def _edges(ends_s: Sequence[float], size: Count) -> list[int]:
    """Return the last requests of groups of at least ``size``.

    Requests that end together stay together: a group between two of them would have no length, and its rate no bounds.
    """
    if not ends_s:
        return []
    apart_s = APART * (ends_s[-1] - ends_s[0]) / len(ends_s)
    edges: list[int] = []
    for number, (end, following) in enumerate(pairwise((*ends_s, float("inf")))):
        if following - end >= apart_s and (not edges or number - edges[-1] >= size):
            edges.append(number)
    return edges


def _change(name: str, before: FloatArray, after: FloatArray) -> MetricChange | None:
    if len(before) < FEWEST_VALUES or len(after) < FEWEST_VALUES:
        return None
    base = float(before.mean())
    low, best, high = difference_interval(before, after, CONFIDENCE)
    smallest = smallest_detectable_difference(
        before, after, confidence_fraction=CONFIDENCE, power_fraction=POWER
    )
    sign = -1.0 if name == "output_tokens_per_s" else 1.0
    worse = sorted((sign * low / base, sign * high / base))
    return MetricChange(
        metric=name,
        before=base,
        after=float(after.mean()),
        worse_fraction=sign * best / base,
        worse_low_fraction=worse[0],
        worse_high_fraction=worse[1],
        smallest_detectable_fraction=smallest / base,
    )


def is_regression(change: MetricChange, max_regression_fraction: float) -> bool:
    """Return whether a metric is surely worse, and by more than is allowed."""
    return change.worse_low_fraction > 0 and change.worse_fraction > max_regression_fraction
