"""Fit llama.cpp's slow-downs of the datasheet and write planner/profiles/llamacpp.json.

    python scripts/fit_llamacpp.py ../shared/data/measured

XiongjieDai's table has no licence: it is fitted on, and no row of it is shipped. The errors printed, and the spread in
the profile, are those of every GPU predicted without itself.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from planner.errors import PlannerError
from planner.inputs.books import load_books
from planner.inputs.measured_table import read_measured
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.judge.hosts import SLOW_HOST
from planner.planning.judge.judging import Bench, Tools, Unpredictable, bench_of
from planner.planning.judge.model_names import quantization_of
from planner.planning.judge.single import build_of, is_fused, reserved_tokens
from planner.planning.judge.table_words import engine_of
from planner.planning.prediction.predict_llamacpp import (
    LAUNCH_SPREAD,
    SPLIT_DECODE,
    SPLIT_PREFILL,
    decode_s,
    device_class,
    launch_s,
    prefill_s,
    splits_rows,
)
from planner.planning.prediction.stream_work import StreamWork, impossible, stream_work
from planner.specs.answers.validation import TableRow
from planner.specs.profiles.serving import Spread

OUT = Path(__file__).resolve().parent.parent / "planner" / "profiles" / "llamacpp.json"
FITTED = "2026-11-23"  # to be moved with every fit that is shipped: `planner check` tells its age
TABLES = ("llamacpp_gpu_benchmarks_xiongjiedai", "llmfit_community", "geerling_edge_desktop")
# Centre and log-width of the prior.
PRIOR = {
    "read": (1.1, 0.15),
    "cache_read": (1.5, 0.5),
    "query_read": (0.6, 0.5),
    "kernel_s": (1e-4, 0.7),
    "expert_kernels": (1.3, 0.3),
    "linear_kernels": (2.5, 0.5),
    "early_kernels": (1.2, 0.3),
    "early_unpack": (2.0, 1.0),
    "decode_compute": (0.05, 1.2),
    "compute": (1.3, 0.7),
    "quantised_slowdown": (1.1, 0.2),
    "attention_compute": (1.5, 0.5),
    "score_bytes": (33.0, 0.4),
    "unpack_bytes": (2.5, 0.5),
    "first_token_s": (0.03, 1.0),
}
SEVERAL = {"step_s": (1.05, 0.2), "overlap": (0.8, 0.1), "all_reduce_s": (3e-4, 1.0), "link": (8e-9, 1.5)}
# Where the rule of all is wrong: chips without units for small integers unpack weights on those of their matrix rate,
# so that it tells the speed of a single token, too; Intel's GPUs reach a fourth of their bandwidth; processors multiply
# a prompt's tokens with the kernels of a single one, and their threads wait for each other after every kernel: 192
# cores spend 1.1 ms a layer on it.
UNPACKING = {"decode_compute": (1.0, 1.2)}
OWN_PRIOR = {
    "amd": UNPACKING,
    "apple-m1": UNPACKING,
    "cpu": UNPACKING | {"compute": (2.0, 0.7), "thread_s": (3e-6, 1.0)},
    "intel": UNPACKING | {"read": (2.0, 0.5)},
    "nvidia-hbm": UNPACKING,
    "nvidia-pascal": UNPACKING,
}
# What several devices cost is one for all classes but for the hand-over within a step: workstation cards reach each
# other's memory, game cards go through the host. How fast prompts pass over PCIe is the host's, and tells nothing.
ABOUT = {"step_s": 0.02, "overlap": 0.02, "all_reduce_s": 0.15, "link": 0.05}
# A class of few devices starts from another's coefficients, held this much tighter than the prior.
PARENT = {"apple-m1": "apple"}
CHILD_WIDTH = 0.7
LOSS_SCALE = 0.1
SAME_DEVICE = 8.0  # rows of one device from which more count less: 80 rows of one card are not 80 cards
CLASSES = (
    "nvidia-consumer",
    "nvidia-workstation",
    "nvidia-hbm",
    "nvidia-soc",
    "nvidia-pascal",
    "apple",
    "apple-m1",
    "amd",
    "intel",
    "cpu",
)
NARROWEST = 0.03  # half an interval in log space at least, whatever the few devices of a class say
FEW = {"low": 0.5, "high": 1.6, "median_error_fraction": 0.3}  # a class of one device, or none


@dataclass(frozen=True, kw_only=True)
class Point:
    """One measured speed with its work at datasheet speed."""

    device: str
    group: str
    model: str
    work: StreamWork
    prefill: bool
    input_tokens: float
    devices: int
    build: int | None
    time_s: float

    def predicted_s(self, numbers: dict[str, float]) -> float:
        """Return the time of a token [s]."""
        if self.prefill:
            return prefill_s(
                self.work, numbers, input_tokens=self.input_tokens, devices=self.devices, build=self.build
            )
        return decode_s(self.work, numbers, devices=self.devices, build=self.build)

    def launch_fraction(self, numbers: dict[str, float]) -> float:
        """Return the share of a token's time that launches take; 0 for prompts."""
        if self.prefill:
            return 0.0
        return launch_s(self.work, numbers, build=self.build) * self.work.layers / self.predicted_s(numbers)


def points_of(folder: Path) -> list[Point]:
    """Return what the tables measure of single streams that fit their devices."""
    bench = bench_of(Tools(books=load_books(), profiles=(), memory_profile=load_vllm_memory()))
    found = []
    for table in TABLES:
        for row in read_measured(folder / f"{table}.csv"):
            point = _point(row, bench)
            if point is not None:
                found.append(point)
    return found


def _point(row: TableRow, bench: Bench) -> Point | None:
    prefill = row.metric == "prefill_throughput"
    if not prefill and row.metric != "decode_throughput":
        return None
    if engine_of(row.engine) not in {"llamacpp", "mlx"} or SLOW_HOST.match(row.gpu) or not row.value > 1.0:
        return None
    kind = quantization_of(row.model) or quantization_of(row.precision)
    prompt = row.input_tokens if row.input_tokens is not None else 64.0
    try:
        model, hardware = bench.model(row.model), bench.device(row.gpu)
        work = stream_work(
            bench.architecture(model),
            hardware,
            quantization=str(kind),
            context_tokens=prompt + (row.output_tokens or 256.0) / 2,
            reserved_tokens=reserved_tokens(row),
            devices=row.gpus,
            fused=is_fused(row),
        )
    except (Unpredictable, PlannerError):
        return None
    if work.spilled_s or (prefill and not np.isfinite(work.compute_s)):
        return None
    if impossible(work, time_s=1.0 / row.value, prefill=prefill, devices=row.gpus):
        return None
    return Point(
        device=hardware.id,
        group=device_class(hardware),
        model=model,
        work=work,
        prefill=prefill,
        input_tokens=prompt,
        devices=row.gpus,
        build=build_of(row.engine_version),
        time_s=1.0 / row.value,
    )


def errors_of(points: list[Point], numbers: dict[str, float]) -> np.ndarray:
    """Return the log errors of the times."""
    return np.log([each.predicted_s(numbers) / each.time_s for each in points])


def fit(
    points: list[Point], prior: dict[str, tuple[float, float]], fixed: dict[str, float]
) -> dict[str, float]:
    """Return the coefficients of ``prior`` beside the fixed ones."""
    names = list(prior)
    start = np.log([prior[name][0] for name in names])
    width = np.array([prior[name][1] for name in names])
    counts = {each.device: 0 for each in points}
    for each in points:
        counts[each.device] += 1
    weight = np.array([min(1.0, np.sqrt(SAME_DEVICE / counts[each.device])) for each in points])

    def residuals(x: np.ndarray) -> np.ndarray:
        numbers = fixed | dict(zip(names, np.exp(x), strict=True))
        e = errors_of(points, numbers) if points else np.zeros(0)
        robust = np.sign(e) * np.sqrt(2 * LOSS_SCALE * (np.hypot(e, LOSS_SCALE) - LOSS_SCALE))
        return np.concatenate([weight * robust, LOSS_SCALE * (x - start) / width])

    found = least_squares(residuals, start, max_nfev=60).x
    return fixed | dict(zip(names, (float(each) for each in np.exp(found)), strict=True))


def spread(held: list[tuple[Point, float, float]]) -> dict[str, float]:
    """Return the factors that hold 80 % of the errors beyond what launches may differ by, each device counted alike."""
    if len(held) < 5:
        return FEW
    errors = np.array([error for _, error, _ in held])
    known = np.array([share * LAUNCH_SPREAD for _, _, share in held])
    wider = 1.0 + 0.5 / len({each.device for each, _, _ in held})  # few devices know little of the next
    beyond = wider * np.sign(errors) * np.sqrt(np.maximum(errors**2 - known**2, 0.0))
    counts = Counter(each.device for each, _, _ in held)
    weights = np.array([min(1.0, SAME_DEVICE / counts[each.device]) for each, _, _ in held])
    low, high = (quantile(beyond, weights, share) for share in (0.1, 0.9))
    return {
        "low": round(float(np.exp(min(low, -NARROWEST))), 4),
        "high": round(float(np.exp(max(high, NARROWEST))), 4),
        "median_error_fraction": round(float(np.median(np.abs(np.expm1(-errors)))), 4),
    }


def quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """Return a weighted quantile."""
    order = np.argsort(values)
    middle = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(share * weights.sum(), middle, values[order]))


def both(
    points: list[Point], prior: dict[str, tuple[float, float]], several: dict[str, float]
) -> dict[str, float]:
    """Return the coefficients of one device, and about those of all classes what several cost."""
    numbers = fit([each for each in points if each.devices == 1], prior, several)
    about = {name: (value, ABOUT[name]) for name, value in several.items()}
    alone = {name: value for name, value in numbers.items() if name not in several}
    return fit([each for each in points if each.devices > 1], about, alone)


def prior_of(group: str, fitted: dict[str, dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Return the prior of a class: of all, or about its parent."""
    parent = fitted.get(PARENT.get(group, ""), {})
    about = {name: (value, PRIOR[name][1] * CHILD_WIDTH) for name, value in parent.items() if name in PRIOR}
    return PRIOR | about | OWN_PRIOR.get(group, {})


def profile_of(
    group: str, points: list[Point], prior: dict[str, tuple[float, float]], several: dict[str, float]
) -> dict[str, object]:
    """Fit one class of devices, and say how every device is predicted without itself."""
    own = [each for each in points if each.group == group]
    single = [each for each in own if each.devices == 1]
    held: list[tuple[Point, float, float]] = []
    devices = sorted({each.device for each in own})
    for device in devices if len(devices) > 1 else ():
        numbers = both([each for each in own if each.device != device], prior, several)
        inside = [each for each in own if each.device == device]
        shares = [each.launch_fraction(numbers) for each in inside]
        held += list(zip(inside, errors_of(inside, numbers), shares, strict=True))
    numbers = both(own, prior, several)
    spreads = {
        name: spread([one for one in held if one[0].prefill == prefill and one[0].devices == 1])
        for name, prefill in (("decode", False), ("prefill", True))
    }
    print_errors(group, held, spreads)
    return {
        "id": f"llamacpp-{group}",
        "engine": "llamacpp",
        "fitted": FITTED,
        "engine_versions": "b1619 to b2837, and builds of 2025 and 2026 that state none",
        "hardware_class": group,
        "hardware": devices,
        "grade": "fitted" if len(single) >= 5 else "datasheet",
        "coefficients": {
            name: {
                "value": float(f"{value:.4g}"),
                "low": float(f"{value / 1.15:.4g}"),
                "high": float(f"{value * 1.15:.4g}"),
            }
            for name, value in numbers.items()
        },
        "points": max(len(single), 1),
        "models": sorted({each.model for each in own}),
        "tpot": spreads["decode"],
        "ttft": spreads["prefill"],
        "concurrency_range": [1.0, 1.0],
        "input_range": [1.0, 8192.0],
        "provenance": "scripts/fit_llamacpp.py on XiongjieDai's GPU benchmarks (fitted on, not shipped), llmfit and "
        "ai-benchmarks (MIT); spread by GPUs left out",
    }


def print_errors(group: str, held: list[tuple[Point, float, float]], spreads: dict[str, Any]) -> None:
    """Print how wrong devices are predicted without themselves, and how many lie in the shipped interval."""
    kinds = {"one device": 1, "several, layers split": 2, "several, matrices split": 3}
    for prefill, (label, kind) in itertools.product((False, True), kinds.items()):
        chosen = [each for each in held if each[0].prefill == prefill and split_of(each[0]) == kind]
        if not chosen:
            continue
        shown = Spread(**spreads["prefill" if prefill else "decode"])
        if kind == kinds["several, matrices split"]:
            shown = SPLIT_PREFILL if prefill else SPLIT_DECODE
        errors = np.array([error for _, error, _ in chosen])
        extra = LAUNCH_SPREAD * np.array([share for _, _, share in chosen])
        inside = (-np.hypot(np.log(shown.low), extra) <= errors) & (
            errors <= np.hypot(np.log(shown.high), extra)
        )
        size = np.abs(np.expm1(-errors))
        cells = (np.median(size), np.quantile(size, 0.9), np.mean(inside))
        shares = " | ".join(f"{cell:.1%}".replace("%", " %") for cell in cells)
        bias = f"{np.expm1(-np.median(errors)):+.1%}".replace("%", " %")
        print(
            f"| {group}, {'prefill' if prefill else 'decode'}, {label} | {errors.size} | {shares} | {bias} |"
        )


def split_of(point: Point) -> int:
    """Return 1 for one device, 2 where several hold layers each, 3 where they share every matrix."""
    return 1 if point.devices == 1 else 3 if splits_rows(point.build) else 2


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of measured tables")
    parser.add_argument("--output", type=Path, default=OUT)
    options = parser.parse_args()
    points = points_of(options.folder)
    nothing = {name: centre for name, (centre, _) in SEVERAL.items()}
    alone: dict[str, dict[str, float]] = {}
    priors = {}
    for group in CLASSES:
        priors[group] = prior_of(group, alone)
        own = [each for each in points if each.group == group and each.devices == 1]
        alone[group] = fit(own, priors[group], nothing)
    shared = shared_of([each for each in points if each.devices > 1 and each.group in alone], alone)
    profiles = [profile_of(group, points, priors[group], shared) for group in CLASSES]
    options.output.write_text(json.dumps({"profiles": profiles}, indent=1) + "\n", encoding="utf-8")


def shared_of(points: list[Point], alone: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return what several devices cost, for all classes together."""
    names = list(SEVERAL)
    start = np.log([SEVERAL[name][0] for name in names])
    width = np.array([SEVERAL[name][1] for name in names])

    def residuals(x: np.ndarray) -> np.ndarray:
        numbers = dict(zip(names, np.exp(x), strict=True))
        e = np.concatenate([errors_of([each], alone[each.group] | numbers) for each in points])
        robust = np.sign(e) * np.sqrt(2 * LOSS_SCALE * (np.hypot(e, LOSS_SCALE) - LOSS_SCALE))
        return np.concatenate([robust, LOSS_SCALE * (x - start) / width])

    found = np.exp(least_squares(residuals, start).x)
    return dict(zip(names, (float(each) for each in found), strict=True))


if __name__ == "__main__":
    main()
