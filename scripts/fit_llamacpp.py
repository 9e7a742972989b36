"""Fit llama.cpp's slow-downs of the datasheet and write planner/profiles/llamacpp.json.

    python scripts/fit_llamacpp.py ../shared/data/measured

XiongjieDai's table has no licence: it is fitted on, and no row of it is shipped. The errors printed, and the spread in
the profile, are those of every GPU predicted without itself.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from planner.errors import PlannerError
from planner.inputs.books import load_books
from planner.inputs.measured_table import read_measured
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.judge.judging import Bench, Tools, Unpredictable, bench_of
from planner.planning.judge.model_names import quantization_of
from planner.planning.judge.single import build_of
from planner.planning.judge.table_words import engine_of
from planner.planning.prediction.predict_llamacpp import (
    LAYER_SPLIT_BUILD,
    StreamWork,
    decode_s,
    device_class,
    prefill_s,
    stream_work,
)
from planner.specs.validation import TableRow

OUT = Path(__file__).resolve().parent.parent / "planner" / "profiles" / "llamacpp.json"
TABLES = ("llamacpp_gpu_benchmarks_xiongjiedai", "llmfit_community", "geerling_edge_desktop")
# Centre and log-width of the prior.
PRIOR = {
    "read": (1.1, 0.15),
    "cache_read": (2.0, 0.5),
    "kernel_s": (1e-4, 0.7),
    "expert_kernels": (1.3, 0.3),
    "decode_compute": (0.02, 2.0),
    "compute": (1.3, 0.7),
    "quantised_compute": (1.6, 0.7),
    "attention_compute": (6.0, 0.7),
    "first_token_s": (0.03, 1.0),
}
SEVERAL = {"step_s": (1.2, 0.5), "all_reduce_s": (3e-4, 1.0), "link": (4e-9, 2.0)}
# Classes whose stated matrix rate tells the speed of a single token: their products unpack weights on the same units.
COMPUTES = frozenset({"amd", "apple-m1", "intel", "nvidia-pascal"})
LOSS_SCALE = 0.1
SAME_DEVICE = 4.0  # rows of one device from which more count less: 80 rows of one card are not 80 cards
# Hosts that feed the card over one PCIe lane from a slow core.
SLOW_HOST = re.compile(r"^(?:Pi |HiFive|System76|Radxa|Minisforum).*\((?:Nvidia|AMD|Intel)")
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
NARROWEST = 0.05  # half an interval in log space at least, whatever the few devices of a class say
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
    old: bool
    time_s: float

    def predicted_s(self, numbers: dict[str, float]) -> float:
        """Return the time of a token [s]."""
        if self.prefill:
            return prefill_s(
                self.work, numbers, input_tokens=self.input_tokens, devices=self.devices, old_build=self.old
            )
        return decode_s(self.work, numbers, devices=self.devices, old_build=self.old)


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
            devices=row.gpus,
        )
    except (Unpredictable, PlannerError):
        return None
    if work.spilled_s or (prefill and not np.isfinite(work.compute_s)):
        return None
    build = build_of(row.engine_version)
    old = build is not None and build < LAYER_SPLIT_BUILD
    return Point(
        device=hardware.id,
        group=device_class(hardware),
        model=model,
        work=work,
        prefill=prefill,
        input_tokens=prompt,
        devices=row.gpus,
        old=old,
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


def spread(errors: np.ndarray) -> dict[str, float]:
    """Return the factors that hold 80 % of the errors."""
    if len(errors) < 5:
        return FEW
    low, high = np.quantile(errors, [0.1, 0.9])
    return {
        "low": round(float(np.exp(min(low, -NARROWEST))), 4),
        "high": round(float(np.exp(max(high, NARROWEST))), 4),
        "median_error_fraction": round(float(np.median(np.abs(np.expm1(-errors)))), 4),
    }


def profile_of(group: str, points: list[Point], several: dict[str, float]) -> dict[str, object]:
    """Fit one class of devices, and say how every device is predicted without itself."""
    prior = dict(PRIOR)
    if group not in COMPUTES:
        prior.pop("decode_compute")
        several = several | {"decode_compute": 0.0}
    own = [each for each in points if each.group == group]
    single = [each for each in own if each.devices == 1]
    held: list[tuple[Point, float]] = []
    devices = sorted({each.device for each in own})
    for device in devices if len(devices) > 1 else ():
        numbers = fit([each for each in single if each.device != device], prior, several)
        inside = [each for each in own if each.device == device]
        held += list(zip(inside, errors_of(inside, numbers), strict=True))
    numbers = fit(single, prior, several)
    spreads = {}
    for name, prefill in (("decode", False), ("prefill", True)):
        for label, many in (("one device", False), ("several", True)):
            sizes = np.array(
                [e for each, e in held if each.prefill == prefill and (each.devices > 1) == many]
            )
            if len(sizes):
                share = np.abs(np.expm1(-sizes))
                print(
                    f"| llama.cpp, {group}, {name}, {label} | {len(sizes)} | {np.median(share):.1%} | "
                    f"{np.quantile(share, 0.9):.1%} | {np.expm1(-np.median(sizes)):+.1%} |"
                )
        spreads[name] = spread(
            np.array([e for each, e in held if each.prefill == prefill and each.devices == 1])
        )
    return {
        "id": f"llamacpp-{group}",
        "engine": "llamacpp",
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


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of measured tables")
    parser.add_argument("--output", type=Path, default=OUT)
    options = parser.parse_args()
    points = points_of(options.folder)
    nothing = {name: centre for name, (centre, _) in SEVERAL.items()} | {"decode_compute": 0.0}
    prior = {name: each for name, each in PRIOR.items() if name != "decode_compute"}
    alone = {
        group: fit([each for each in points if each.group == group and each.devices == 1], prior, nothing)
        for group in CLASSES
    }
    several = [each for each in points if each.devices > 1 and each.group in alone]

    def residuals(x: np.ndarray) -> np.ndarray:
        shared = dict(zip(SEVERAL, np.exp(x), strict=True))
        e = np.concatenate([errors_of([each], alone[each.group] | shared) for each in several])
        return np.sign(e) * np.sqrt(2 * LOSS_SCALE * (np.hypot(e, LOSS_SCALE) - LOSS_SCALE))

    start = np.log([centre for centre, _ in SEVERAL.values()])
    shared = dict(
        zip(SEVERAL, (float(each) for each in np.exp(least_squares(residuals, start).x)), strict=True)
    )
    profiles = [profile_of(group, points, shared) for group in CLASSES]
    options.output.write_text(json.dumps({"profiles": profiles}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
