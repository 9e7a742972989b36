"""Fit the step-time coefficients from the measured tables and write planner/profiles/serving.json.

Run from the repository's root with the shared data folder beside the clone:

    python scripts/fit_profiles.py ../shared/data/measured

The same tables give the same file, byte for byte. ``--report`` prints the hold-out errors of docs/accuracy.md. A model
that is held out is held out of every engine and every class of hardware, and so is a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads cost more than these small matrices gain

import numpy as np
import pandas as pd
from held_out import HeldOut, held_out, spread_for
from joint_fit import EAGER, METRICS, Joint, fit
from profile_tables import CLASSES, Points, batches, offline, points_of, silicon

from planner.specs.profiles.serving import COEFFICIENTS

LLAMACPP = Path(__file__).resolve().parent.parent / "planner" / "profiles" / "llamacpp.json"
FITTED = "2026-11-23"  # to be moved with every fit that is shipped: `planner check` tells its age
DERIVED_WIDTH = 1.25  # interval of an engine on a class that it was not measured on, in log space
PROVENANCE = (
    "scripts/fit_profiles.py on aiconfigurator silicon_sample.csv and TensorRT-LLM's performance overviews "
    "(Apache-2.0), splitwise-sim (MIT), all engines and classes in one fit; spread from points whose model or GPU "
    "was left out of it"
)


def profile_of(
    points: Points, joint: Joint, held: list[HeldOut], engine: str, group: str
) -> dict[str, object]:
    """Describe an engine on a class that measures it."""
    rows = points.rows
    return {
        "id": f"{engine}-{group}",
        "engine": engine,
        "fitted": FITTED,
        "engine_versions": ", ".join(sorted(rows["engine_version"].dropna().unique())) or "not stated",
        "hardware_class": group,
        "hardware": sorted(rows["device"].unique()),
        "grade": "fitted",
        "coefficients": coefficients_of(joint, engine, group),
        "separate_prefill": engine == "sglang",
        "points": len(rows),
        "models": sorted(rows["family"].unique()),
        **{name: spread_for(held, name, engine=engine, group=group) for name in METRICS},
        "concurrency_range": [
            float(rows["load_value"].min()),
            float(min(rows["load_value"].max(), 4096.0)),
        ],
        "input_range": [float(rows["isl"].min()), float(rows["isl"].max())],
        "provenance": PROVENANCE,
    }


def coefficients_of(joint: Joint, engine: str, group: str) -> dict[str, dict[str, float]]:
    """Return an engine's coefficients on a class with their 80 % intervals."""
    logs, deviations = joint.logs(engine, group), joint.deviations(engine, group)
    return {
        name: {
            "value": _round(np.exp(value)),
            "low": _round(np.exp(value - 1.2816 * error)),
            "high": _round(np.exp(value + 1.2816 * error)),
        }
        for name, value, error in zip(COEFFICIENTS, logs, deviations, strict=True)
    }


def derived(base: dict[str, object], joint: Joint, held: list[HeldOut], group: str) -> dict[str, object]:
    """Return an engine's profile for a class that only another engine was measured on."""
    engine = str(base["engine"])
    spreads = {
        name: spread_for(held, name, engine=engine, group=group, width=DERIVED_WIDTH) for name in METRICS
    }
    return {
        **base,
        **spreads,
        "id": f"{engine}-{group}",
        "hardware_class": group,
        "hardware": [],
        "grade": "datasheet",
        "coefficients": coefficients_of(joint, engine, group),
        "provenance": f"{base['id']}, with what other engines show of the class; measured by no table of its own",
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
SERVERS = ("vllm", "sglang", "tensorrt-llm")  # the last is measured on Ampere, too
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


def report(points: Points, joint: Joint, held: list[HeldOut]) -> list[str]:
    """Return the errors in the fit and of all that was held out, by profile, as a Markdown table."""
    lines = []
    engines, classes = points.rows["profile"].to_numpy(), points.rows["device"].map(CLASSES).to_numpy()
    seen = joint.errors(points)
    for engine, group in GROUPS:
        inside = (engines == engine) & (classes == group)
        if not inside.any():
            continue
        lines.append(error_line(f"{engine}, {group}, in the fit", points.of(inside), seen[:, inside]))
        for each in held:
            if (each.engine, each.group) == (engine, group):
                label = f"{engine}, {group}, without {each.what} {each.name}"
                lines.append(error_line(label, points.of(each.chosen), each.errors))
    return lines


def error_line(label: str, points: Points, errors: np.ndarray) -> str:
    """Return a table row on TPOT, TTFT where the row's protocol is followed, and throughput."""
    cells = []
    for name, values in zip(METRICS, errors, strict=True):
        known = ~np.isnan(values)
        shown = values[known & points.ttft_trusted()] if name == "ttft" else values[known]
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
    return f"| {label} | {' | '.join(cells)} |"


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
    alone = (points.rows["profile"] == EAGER).to_numpy()
    served = points.of(~alone)
    joint, eager = fit(served), fit(points.of(alone))
    held = held_out(served, joint)
    profiles = []
    for engine, group in GROUPS:
        chosen = (points.rows["profile"] == engine) & (points.rows["device"].map(CLASSES) == group)
        fitted = eager if engine == EAGER else joint
        profiles.append(profile_of(points.of(chosen.to_numpy()), fitted, held, engine, group))
    known = {str(each["id"]): each for each in profiles}
    olds = [derived(known[f"{engine}-hopper"], joint, held, "ampere") for engine in SERVERS]
    profiles += [*olds[:2], *(of_game_cards(each) for each in olds)]
    options.output.write_text(json.dumps({"profiles": profiles}, indent=1) + "\n", encoding="utf-8")
    if options.report:
        print("\n".join([*HEAD, *report(served, joint, held), *report(points.of(alone), eager, [])]))


if __name__ == "__main__":
    main()
