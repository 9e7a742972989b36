"""One table of what benchmarks/calibration_goals.sh has measured: held-out steps, and loads against their simulation."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from planner.bench.reference import speed_now
from planner.cli.calibrate import folder_steps
from planner.cli.synthetic_model import synthetic_model
from planner.engines.host import usable_cpus
from planner.engines.llamacpp_session import LlamaCppSettings
from planner.errors import PlannerError
from planner.planning.prediction.calibrate import check_points, fit_profile, held_out_of
from planner.planning.prediction.host_speed import at_one_speed, drift_of, pooled
from planner.report.numbers import percent
from planner.specs.measured.steps import StepRun

STEPS = ("steps-1b", "steps-vllm", "steps-3b")
LOADS = ("load-1b", "load-vllm")


def errors(run: StepRun) -> dict[str, tuple[float, float, int]]:
    """Return median and worst error and number of the held-out points, by kind of step."""
    held_out = held_out_of(run)
    checks = check_points(fit_profile(run, held_out=held_out), run, held_out=held_out)
    found = {}
    for kind in ("prefill", "decode", "mixed"):
        own = [abs(each.error_fraction) for each in checks if each.kind == kind and not each.used_in_fit]
        if own:
            found[kind] = median(own), max(own), len(own)
    return found


def step_rows(folder: Path) -> Iterator[str]:
    """Yield one row for each run of steps: errors with and without the drift, and how the host moved."""
    for name in STEPS:
        if not (folder / name).is_dir():
            yield f"| {name} | not measured | | | | | |"
            continue
        try:
            raw = folder_steps(folder / name)
            run = at_one_speed(raw)
            corrected, as_measured = errors(run), errors(pooled(raw))
        except PlannerError as error:
            yield f"| {name} | {error.message.splitlines()[0]} | | | | | |"
            continue
        drift = drift_of(raw)
        steady = [item for item in run.samples if not item.unsteady]
        cells = [
            " / ".join(f"{percent(each.get(kind, (None,))[0])}" for each in (corrected, as_measured))
            + (
                f" (worst {percent(corrected[kind][1])}, {corrected[kind][2]} points)"
                if kind in corrected
                else ""
            )
            for kind in ("prefill", "decode", "mixed")
        ]
        moved = (
            "not measured"
            if drift is None
            else f"{drift.decode.swing:.2f} decoding, {drift.prefill.swing:.2f} prompts, "
            f"{'corrected' if drift.corrected else 'not corrected'}"
        )
        yield f"| {name} | {' | '.join(cells)} | {len(steady)} of {len(run.samples)} | {len(raw.samples)} | {moved} |"


def load_rows(folder: Path) -> Iterator[str]:
    """Yield one row for each load: predicted over measured less one."""
    for name in LOADS:
        path = folder / f"{name}-agreement.json"
        if not path.is_file():
            yield f"| {name} | not measured | | | | |"
            continue
        for load in json.loads(path.read_text())["loads"]:
            for key, at in (("error_fraction", ""), ("error_here_fraction", " at its host's speed")):
                rows = {(row["metric"], row["statistic"]): row.get(key) for row in load["rows"]}
                if None in rows.values():
                    continue
                cells = (
                    " / ".join(f"{100 * rows[metric, each]:+.1f} %" for each in ("mean", "p50", "p95"))
                    for metric in ("ttft_s", "tpot_s", "e2e_s")
                )
                host = host_words(folder, name, load)
                yield f"| {name}{at} | {load['requests']} | {' | '.join(cells)} | {host} |"


def host_words(folder: Path, name: str, load: dict[str, Any]) -> str:
    """Say how slow the host was around a load, over the time when its profile was measured."""
    host = load["host"]
    if host is not None:
        return (
            f"decoding {host['decode_before']:.2f}, {host['decode_after']:.2f}; "
            f"prompts {host['prefill_before']:.2f}, {host['prefill_after']:.2f}"
        )
    around = [folder / f"{each}-host.jsonl" for each in (name.replace("load", "steps"), name)]
    if not all(path.is_file() for path in around):
        return "not measured"
    profile, loaded = ([json.loads(line) for line in path.read_text().splitlines()] for path in around)
    kinds = (("decode_s", "decoding"), ("prefill_s", "prompts"))
    return "; ".join(
        f"{word} {', '.join(f'{each[key] / median(one[key] for one in profile):.2f}' for each in loaded)}"
        for key, word in kinds
    )


def summary(folder: Path) -> str:
    """Return both tables as Markdown."""
    return "\n".join(
        (
            "Median error of held-out steps, with the host's drift taken out / as measured:",
            "",
            "| run | prefill | decode | mixed | steady points | visits | reference p90 over p10 |",
            "|---|---|---|---|---|---|---|",
            *step_rows(folder),
            "",
            "Predicted over measured of a Poisson load (mean / median / p95); the host's step times over the profile's before, after:",
            "",
            "| run | requests | TTFT | TPOT | end to end | host |",
            "|---|---|---|---|---|---|",
            *load_rows(folder),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument(
        "--host-speed", metavar="MODEL", help="print the reference steps of this model in q4_0 now"
    )
    given = parser.parse_args()
    if given.host_speed:
        file = synthetic_model(given.host_speed, "q4_0")
        print(json.dumps(asdict(speed_now(LlamaCppSettings(model=str(file), threads=usable_cpus())))))
    else:
        print(summary(given.folder))


if __name__ == "__main__":
    main()
