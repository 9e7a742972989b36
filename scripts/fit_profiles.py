"""Fit the step-time coefficients from the measured tables and write planner/profiles/serving.json.

Run from the repository's root with the shared data folder beside the clone:

    python scripts/fit_profiles.py ../shared/data/measured

The same tables give the same file, byte for byte. ``--report`` prints the hold-out errors of docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from profile_tables import CLASSES, Points, batches, offline, points_of, silicon
from scipy.optimize import least_squares

from planner.specs.profile import COEFFICIENTS

# Centre and log-width of the prior: what the physics suggests before any point is seen. Slow-downs of the datasheet
# near 1 to 2, microseconds per kernel and all-reduce, a millisecond per step.
PRIOR = {
    "compute": (1.5, 0.5),
    "expert_compute": (2.0, 0.7),
    "read": (1.2, 0.2),
    "attention_compute": (2.0, 0.7),
    "link": (1.6, 0.7),
    "all_reduce_s": (6e-6, 1.0),
    "kernel_s": (3.5e-6, 0.4),
    "step_s": (1e-3, 1.0),
    "sequence_s": (1e-5, 1.5),
    "prefill_step_s": (5e-3, 1.5),
    "first_token_s": (2.5e-2, 1.0),
}
LLAMACPP = Path(__file__).resolve().parent.parent / "planner" / "profiles" / "llamacpp.json"
EAGER_KERNEL_S = 4e-5  # a launch from Python, before CUDA graphs
PRIOR_WEIGHT = 2.0  # points that one prior width counts for
LOSS_SCALE = 0.05  # relative error from which a point counts less than quadratically
WEIGHTS = {"tpot": 1.0, "ttft": 1.0, "throughput": 1.0}
# What a class without measurements of an engine takes over: how near a chip comes to its datasheet.
CARRIED = ("compute", "attention_compute", "expert_compute")
FITTED = "2026-11-23"  # to be moved with every fit that is shipped: `planner check` tells its age
DERIVED_WIDTH = 1.5  # interval of a derived profile in log space, against that of the fitted one

Errors = dict[str, np.ndarray]


def errors_of(points: Points, numbers: dict[str, float]) -> Errors:
    """Return the log errors of each metric on the rows that state it."""
    found = points.predict(numbers)
    errors = {}
    for name in WEIGHTS:
        known = points.rows[name].notna().to_numpy()
        errors[name] = np.log(found[name][known] / points.rows[name].to_numpy()[known])
    return errors


def fit(points: Points, centre: dict[str, float] | None = None) -> tuple[dict[str, float], np.ndarray]:
    """Return the coefficients and their standard errors in log space."""
    start = np.log([(centre or {}).get(name, PRIOR[name][0]) for name in COEFFICIENTS])
    width = np.array([PRIOR[name][1] for name in COEFFICIENTS])
    strength = PRIOR_WEIGHT * LOSS_SCALE * np.sqrt(len(points.rows)) / 3
    trusted = points.ttft_trusted()[points.rows["ttft"].notna().to_numpy()]

    def residuals(x: np.ndarray) -> np.ndarray:
        errors = errors_of(points, dict(zip(COEFFICIENTS, np.exp(x), strict=True)))
        errors["ttft"] = errors["ttft"][trusted]
        robust = [
            WEIGHTS[name] * np.sign(e) * np.sqrt(2 * LOSS_SCALE * (np.hypot(e, LOSS_SCALE) - LOSS_SCALE))
            for name, e in errors.items()
        ]
        return np.concatenate([*robust, strength * (x - start) / width])

    found = least_squares(residuals, start, method="trf", max_nfev=60)
    spread = np.sqrt(np.diag(np.linalg.pinv(found.jac.T @ found.jac)) * np.mean(found.fun**2))
    return dict(zip(COEFFICIENTS, np.exp(found.x), strict=True)), spread


def error_line(label: str, points: Points, numbers: dict[str, float]) -> tuple[str, Errors]:
    """Return a table row on TPOT, trusted TTFT and throughput, and the log errors of all rows.

    The spread counts late first tokens too: which servers deliver them late, a user's table does not say.
    """
    errors = errors_of(points, numbers)
    trusted = points.ttft_trusted()[points.rows["ttft"].notna().to_numpy()]
    cells = []
    for name in WEIGHTS:
        shown = errors[name][trusted] if name == "ttft" else errors[name]
        share = np.abs(np.expm1(shown))
        cells += (
            [
                str(len(shown)),
                f"{np.median(share):.1%}",
                f"{np.quantile(share, 0.9):.1%}",
                f"{np.expm1(np.median(shown)):+.1%}",
            ]
            if len(shown)
            else ["–"] * 4
        )
    return f"| {label} | {' | '.join(cells)} |", errors


def spread_of(errors: np.ndarray) -> dict[str, float]:
    """Return the factors that hold 80 % of the errors, and their median size."""
    if len(errors) < 5:
        return {"low": 0.6, "high": 1.7, "median_error_fraction": 0.3}
    low, high = np.quantile(errors, [0.1, 0.9])
    return {
        "low": round(float(np.exp(min(low, -0.01))), 4),
        "high": round(float(np.exp(max(high, 0.01))), 4),
        "median_error_fraction": round(float(np.median(np.abs(np.expm1(errors)))), 4),
    }


def centre_of(everything: Points, without: np.ndarray | None = None) -> dict[str, float]:
    """Return the coefficients of the engines that mix prefill and decoding: what a profile leans on."""
    chosen = everything.rows["profile"].isin(("vllm", "tensorrt-llm")).to_numpy()
    return fit(everything.of(chosen if without is None else chosen & ~without))[0]


def hold_out(points: Points, everything: Points, lines: list[str], label: str) -> Errors:
    """Return the errors on points predicted without their model, and without their GPU."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in WEIGHTS}
    for what, column in (("model", "family"), ("GPU", "device")):
        values = points.rows[column]
        if values.nunique() < 2:
            continue
        for value in sorted(values.unique()):
            inside = (values == value).to_numpy()
            centre = centre_of(everything, (everything.rows[column] == value).to_numpy())
            numbers, _ = fit(points.of(~inside), centre)
            line, errors = error_line(f"{label}, without {what} {value}", points.of(inside), numbers)
            lines.append(line)
            for name, values_of in errors.items():
                found[name].append(values_of)
    return {name: np.concatenate(parts) if parts else np.array([]) for name, parts in found.items()}


def profile_of(
    points: Points, everything: Points, engine: str, group: str, lines: list[str]
) -> dict[str, object]:
    """Fit one profile and describe it."""
    label = f"{engine}, {group}"
    rows = points.rows
    centre = centre_of(everything)
    if engine == "vllm-eager":
        centre = centre | {"kernel_s": EAGER_KERNEL_S}
    numbers, spread = fit(points, centre)
    line, seen = error_line(f"{label}, in the fit", points, numbers)
    lines.append(line)
    held = hold_out(points, everything, lines, label)
    spreads = {
        name: spread_of(held[name] if len(held[name]) else 2 * seen[name])
        for name in WEIGHTS
        if len(seen[name]) or name != "throughput"
    }
    return {
        "id": f"{engine}-{group}",
        "engine": engine,
        "fitted": FITTED,
        "engine_versions": ", ".join(sorted(rows["engine_version"].dropna().unique())) or "not stated",
        "hardware_class": group,
        "hardware": sorted(rows["device"].unique()),
        "grade": "fitted",
        "coefficients": {
            name: {
                "value": _round(value),
                "low": _round(value * np.exp(-1.2816 * error)),
                "high": _round(value * np.exp(1.2816 * error)),
            }
            for (name, value), error in zip(numbers.items(), spread, strict=True)
        },
        "separate_prefill": engine == "sglang",
        "points": len(rows),
        "models": sorted(rows["family"].unique()),
        **spreads,
        "concurrency_range": [
            float(rows["load_value"].min()),
            float(min(rows["load_value"].max(), 4096.0)),
        ],
        "input_range": [float(rows["isl"].min()), float(rows["isl"].max())],
        "provenance": "scripts/fit_profiles.py on aiconfigurator silicon_sample.csv and TensorRT-LLM's performance "
        "overviews (Apache-2.0), splitwise-sim (MIT); spread from points whose model or GPU was left out",
    }


def derived(base: dict[str, object], near: dict[str, object], far: dict[str, object]) -> dict[str, object]:
    """Return an engine's profile for a class that only another engine was measured on.

    How near a chip comes to its datasheet is carried over as the ratio of the other engine's two classes.
    """
    own, close, distant = (each["coefficients"] for each in (base, near, far))
    coefficients = json.loads(json.dumps(own))
    for name in CARRIED:
        ratio = close[name]["value"] / distant[name]["value"]  # type: ignore[index]
        for bound in ("value", "low", "high"):
            coefficients[name][bound] = _round(coefficients[name][bound] * ratio)
    wider = {
        name: {
            **base[name],  # type: ignore[dict-item]
            "low": _round(base[name]["low"] ** DERIVED_WIDTH),  # type: ignore[index]
            "high": _round(base[name]["high"] ** DERIVED_WIDTH),  # type: ignore[index]
        }
        for name in ("tpot", "ttft")
    }
    return {
        **base,
        **wider,
        "id": f"{base['engine']}-{near['hardware_class']}",
        "hardware_class": near["hardware_class"],
        "hardware": [],
        "grade": "datasheet",
        "coefficients": coefficients,
        "provenance": f"{base['id']}, with the slow-downs of {near['id']} over {far['id']}; measured by no table",
    }


def of_game_cards(base: dict[str, object]) -> dict[str, object]:
    """Return a profile for GeForce cards: their datasheets state the matrix rate with 32-bit sums, which they hold.

    How nearly, llama.cpp's prompts tell, which are measured on a dozen of them.
    """
    shipped = json.loads(LLAMACPP.read_text(encoding="utf-8"))["profiles"]
    source = next(each for each in shipped if each["id"] == "llamacpp-nvidia-consumer")
    coefficients = json.loads(json.dumps(base["coefficients"]))
    ratio = source["coefficients"]["compute"]["value"] / coefficients["compute"]["value"]
    for name in ("compute", "attention_compute"):
        for bound in ("value", "low", "high"):
            coefficients[name][bound] = _round(coefficients[name][bound] * ratio)
    return {
        **base,
        "id": f"{base['engine']}-consumer",
        "hardware_class": "consumer",
        "coefficients": coefficients,
        "provenance": f"{base['id']}, with the matrix rate of {source['id']}; measured by no table",
    }


def _round(value: float) -> float:
    return float(f"{value:.4g}")


HEAD = (
    "| group | n | TPOT median | P90 | bias | n | TTFT median | P90 | bias | n | throughput median | P90 | bias |",
    f"|---|{'---:|' * 12}",
)
GROUPS = (
    ("vllm", "hopper"),
    ("vllm", "blackwell"),
    ("tensorrt-llm", "hopper"),
    ("tensorrt-llm", "blackwell"),
    ("tensorrt-llm", "ampere"),
    ("sglang", "hopper"),
    ("sglang", "blackwell"),
    ("vllm-eager", "ampere"),
)


def points_from(folder: Path) -> Points:
    """Return all points that are fitted; TensorRT-LLM 0.9 stands for the A100 alone, which nothing newer measures."""
    old = offline(folder / "trtllm_perf_overview_v0.9.0.csv")
    frames = [
        silicon(folder / "aiconfigurator_silicon_long.csv"),
        offline(folder / "trtllm_perf_overview_v1.0.csv"),
        old[old["gpu"] == "A100"],
        batches(folder / "splitwise_perf_model.csv"),
    ]
    points = points_of(pd.concat(frames, ignore_index=True))
    return points.of(points.roomy())


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of measured tables")
    parser.add_argument("--output", type=Path, default=Path("planner/profiles/serving.json"))
    parser.add_argument("--report", action="store_true", help="print the errors as a Markdown table")
    options = parser.parse_args()
    points = points_from(options.folder)
    lines = list(HEAD)
    profiles = []
    for engine, group in GROUPS:
        chosen = (points.rows["profile"] == engine) & (points.rows["device"].map(CLASSES) == group)
        profiles.append(profile_of(points.of(chosen.to_numpy()), points, engine, group, lines))
    known = {str(each["id"]): each for each in profiles}
    near, far = known["tensorrt-llm-ampere"], known["tensorrt-llm-hopper"]
    profiles += [derived(known[f"{engine}-hopper"], near, far) for engine in ("vllm", "sglang")]
    profiles += [of_game_cards(each) for each in profiles[-2:]]
    options.output.write_text(json.dumps({"profiles": profiles}, indent=1) + "\n", encoding="utf-8")
    if options.report:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
