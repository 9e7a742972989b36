"""Fit the step-time coefficients from the measured tables and write planner/profiles/serving.json.

Run from the repository's root with the shared data folder beside the clone:

    python scripts/fit_profiles.py ../shared/data/measured/aiconfigurator_silicon_long.csv

The same table gives the same file, byte for byte. ``--report`` prints the hold-out errors of docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.architecture import unpack
from planner.planning.closed_loop import MEAN_LENGTH_FRACTION, Limits, closed_loop
from planner.planning.step_model import Operands, operands
from planner.planning.vllm_memory import VllmSettings, vllm_memory
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
PRIOR_WEIGHT = 2.0  # points that one prior width counts for
LOSS_SCALE = 0.05  # relative error from which a point counts less than quadratically
TTFT_WEIGHT = 0.6
CLASSES = {"h100_sxm": "hopper", "h200_sxm": "hopper", "b200_sxm": "blackwell"}
NAMES = {"trtllm": "tensorrt-llm", "vllm": "vllm", "sglang": "sglang"}
FP8 = {"fp8": "fp8", "fp4": "nvfp4", "bf16": "bf16"}
# Experiments of 4,000 by 1,000 tokens with a handful of rows each: their throughput fits no single set of GPUs.
SMALL_EXPERIMENTS = (
    "qwen3_32b.csv",
    "openai_gpt-oss-120b.csv",
    "nvidia_DeepSeek-R1-NVFP4.csv",
    "nvidia_DeepSeek-V3.1-NVFP4.csv",
    "nvidia_Qwen3-32B-NVFP4.csv",
    "qwen3_235b_a22b.csv",
)


def read(table: Path) -> pd.DataFrame:
    """Return one row per measured configuration, with TTFT and TPOT [s]."""
    long = pd.read_csv(table)
    long = long[~long["notes"].str.contains("mode=disagg")]
    rows = long[long["metric"] == "ttft"].merge(
        long[long["metric"] == "tpot"][["source", "value"]].rename(columns={"value": "tpot"}), on="source"
    )
    rows = rows.rename(columns={"value": "ttft"})
    for name in ("ttft", "tpot"):
        rows[name] /= 1000.0
    for name in ("adp", "moe_tp", "moe_ep"):
        rows[name] = pd.to_numeric(
            rows["notes"].map(lambda text, key=name: _note(text, key)), errors="coerce"
        )
    rows["file"] = rows["notes"].str.extract(r"src=(?:source_file=)?([^;]+)$")[0]
    return rows.sort_values("source").reset_index(drop=True)


def _note(text: str, key: str) -> str | None:
    found = re.search(rf"\b{key}=([^;]*)", text)
    return found[1] if found else None


def clean(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop what the model does not describe; each line says why."""
    product = rows["moe_tp"] * rows["moe_ep"]
    doubled = (rows["moe_tp"] == rows["moe_ep"]) & (rows["moe_tp"] > 1) & (rows["n_gpu"] == product)
    # The conversion multiplied expert TP by EP: tp 8 with ep 8 is 8 GPUs, not 64. Such rows repeat others exactly.
    rows.loc[doubled, ["n_gpu", "tp"]] = rows.loc[doubled, ["moe_tp", "moe_tp"]].to_numpy()
    keep = (rows["adp"].fillna(1) == 1) & (
        rows["tp"] == rows["n_gpu"]
    )  # attention data parallel is not modelled
    # DeepSeek-R1 rows without a DeepSeek-V3 twin ran with speculative decoding: half the TPOT of the same settings.
    keep &= ~rows["model"].str.contains("DeepSeek-R1")
    # vLLM, 8B FP8: prompts processed at 88 to 95 % of the datasheet's peak, so part of them came from a cache.
    keep &= ~rows["model"].str.contains("nvidia/Llama-3.1-8B")
    # vLLM, Qwen3-235B: 52 to 58 ms at every load and length, the launch time of a run without CUDA graphs.
    keep &= ~((rows["engine"] == "vllm") & rows["model"].str.contains("235B"))
    keep &= ~rows["file"].isin(SMALL_EXPERIMENTS)
    # gpt-oss at concurrency 512: the TPOT of 8 sequences and minutes of TTFT, so the server ran few slots.
    keep &= ~(rows["model"].str.contains("gpt-oss") & (rows["load_value"] > 256))
    rows = rows[keep]
    key = ["engine", "gpu", "precision", "tp", "moe_ep", "isl", "osl", "load_value", "ttft", "tpot"]
    return rows.drop_duplicates(key).reset_index(drop=True)


def prepare(rows: pd.DataFrame) -> tuple[pd.DataFrame, Operands, np.ndarray]:
    """Return the rows, their datasheet times, and the tokens of their KV pools."""
    books, memory = load_books(), load_vllm_memory()
    columns: list[tuple[float, ...]] = []
    pools: list[float] = []
    known: dict[tuple[object, ...], tuple[tuple[float, ...], float]] = {}
    for row in rows.itertuples():
        precision = "bf16" if pd.isna(row.precision) else str(row.precision)
        key = (row.model, row.gpu, precision, row.tp)
        if key not in known:
            model = books.models.find(str(row.model).replace("-FP8", ""))
            hardware = books.hardware.find(str(row.gpu))
            scheme = "mxfp4" if "gpt-oss" in str(row.model) else FP8[precision]
            architecture = unpack(model)
            made = operands(architecture, hardware, quantization=scheme, tensor_parallel=int(row.tp))
            settings = VllmSettings(quantization=scheme, tensor_parallel=int(row.tp))
            pool = vllm_memory(architecture, hardware, settings, memory).pool_tokens
            known[key] = tuple(float(getattr(made, each.name)) for each in fields(made)), float(pool)
        columns.append(known[key][0])
        pools.append(known[key][1])
    stacked = np.array(columns).T
    names = [each.name for each in fields(Operands)]
    return rows, Operands(**dict(zip(names, stacked, strict=True))), np.array(pools)


def pick(made: Operands, chosen: np.ndarray) -> Operands:
    """Return the chosen rows' operands."""
    return Operands(**{each.name: getattr(made, each.name)[chosen] for each in fields(made)})


class Points:
    """Measured rows with everything that predicting them takes."""

    def __init__(self, rows: pd.DataFrame, made: Operands, pools: np.ndarray) -> None:
        self.rows, self.made, self.pools = rows, made, pools
        self.length = np.where(rows["file"].str.startswith("2026"), MEAN_LENGTH_FRACTION, 1.0)

    def of(self, chosen: np.ndarray) -> Points:
        """Return the chosen points."""
        return Points(self.rows[chosen].reset_index(drop=True), pick(self.made, chosen), self.pools[chosen])

    def predict(self, numbers: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Return TPOT and the published mean TTFT [s]."""
        separate = bool((self.rows["engine"] == "sglang").all())
        result = closed_loop(
            self.made,
            numbers,
            Limits(pool_tokens=self.pools, separate_prefill=separate),
            concurrency=self.rows["load_value"].to_numpy(float),
            input_tokens=self.rows["isl"].to_numpy(float) * self.length,
            output_tokens=self.rows["osl"].to_numpy(float) * self.length,
        )
        # Lengths all alike keep the requests in step: every wave is a burst.
        waves = (self.length == 1.0) & separate
        ttft = np.where(waves, result.ttft_burst_s, result.ttft_published_s)
        return np.asarray(result.tpot_s), np.asarray(ttft)

    def roomy(self) -> np.ndarray:
        """Tell which rows stay clear of the KV pool."""
        tokens = self.rows["load_value"] * (self.rows["isl"] + self.rows["osl"]) * self.length
        return (tokens < 0.9 * self.pools).to_numpy()

    def ttft_trusted(self) -> np.ndarray:
        """Tell which rows' TTFT follows the protocol."""
        rows = self.rows
        own = ~rows["file"].str.startswith("2026")
        # TensorRT-LLM, 70B, 1,024 by 1,024, up to 4 GPUs: the first token comes with the twentieth (stream interval).
        streamed = (
            rows["model"].str.contains("70B")
            & (rows["isl"] == 1024)
            & (rows["osl"] == 1024)
            & (rows["tp"] <= 4)
        )
        odd = (rows["engine"] == "trtllm") & (own | streamed)
        # DeepSeek: about ten steps late on TensorRT-LLM (stream interval), and by a number of steps that jumps with
        # the load on SGLang (interval at which it receives requests).
        odd |= (
            rows["model"].str.contains("DeepSeek") & (rows["engine"] != "vllm") & (rows["gpu"] == "b200_sxm")
        )
        odd |= rows["model"].str.contains("DeepSeek") & (rows["engine"] == "trtllm")
        # SGLang, 8B on 8 GPUs: seconds that do not shrink with more GPUs; the client or tokenizer is the limit.
        odd |= (rows["engine"] == "sglang") & rows["model"].str.contains("8B")
        return ~odd.to_numpy()


def fit(points: Points, centre: dict[str, float] | None = None) -> tuple[dict[str, float], np.ndarray]:
    """Return the coefficients and their standard errors in log space."""
    start = np.log([(centre or {}).get(name, PRIOR[name][0]) for name in COEFFICIENTS])
    width = np.array([PRIOR[name][1] for name in COEFFICIENTS])
    tpot, ttft = points.rows["tpot"].to_numpy(), points.rows["ttft"].to_numpy()
    weight = TTFT_WEIGHT * points.ttft_trusted()
    strength = PRIOR_WEIGHT * LOSS_SCALE * np.sqrt(len(tpot)) / 3

    def residuals(x: np.ndarray) -> np.ndarray:
        guess_tpot, guess_ttft = points.predict(dict(zip(COEFFICIENTS, np.exp(x), strict=True)))
        errors = [np.log(guess_tpot / tpot), weight * np.log(guess_ttft / ttft)]
        robust = [
            np.sign(e) * np.sqrt(2 * LOSS_SCALE * (np.hypot(e, LOSS_SCALE) - LOSS_SCALE)) for e in errors
        ]
        return np.concatenate([*robust, strength * (x - start) / width])

    found = least_squares(residuals, start, method="trf", max_nfev=60)
    spread = np.sqrt(np.diag(np.linalg.pinv(found.jac.T @ found.jac)) * np.mean(found.fun**2))
    return dict(zip(COEFFICIENTS, np.exp(found.x), strict=True)), spread


def family(name: str) -> str:
    """Return the model without vendor and precision."""
    return re.sub(r"-(FP8|NVFP4|Instruct)", "", name.rsplit("/", maxsplit=1)[-1])


def error_line(label: str, points: Points, numbers: dict[str, float]) -> tuple[str, np.ndarray, np.ndarray]:
    """Return a table row on TPOT and trusted TTFT, and the log errors of both on all rows.

    The spread counts late first tokens too: which servers deliver them late, a user's table does not say.
    """
    tpot, ttft = points.predict(numbers)
    first = np.log(tpot / points.rows["tpot"].to_numpy())
    late = np.log(ttft / points.rows["ttft"].to_numpy())
    second = late[points.ttft_trusted()]
    cells = []
    for errors in (first, second):
        share = np.abs(np.expm1(errors))
        cells += (
            [
                f"{np.median(share):.1%}",
                f"{np.quantile(share, 0.9):.1%}",
                f"{np.expm1(np.median(errors)):+.1%}",
            ]
            if len(share)
            else ["–"] * 3
        )
    return f"| {label} | {len(first)} | {' | '.join(cells)} |", first, late


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
    """Return the coefficients of all engines that mix prefill and decoding: what a profile leans on."""
    chosen = (everything.rows["engine"] != "sglang").to_numpy()
    return fit(everything.of(chosen if without is None else chosen & ~without))[0]


def hold_out(
    points: Points, everything: Points, lines: list[str], label: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors on points predicted without their model, and without their GPU."""
    first: list[np.ndarray] = []
    second: list[np.ndarray] = []
    columns = (("model", lambda rows: rows["model"].map(family)), ("GPU", lambda rows: rows["gpu"]))
    for what, column in columns:
        values = column(points.rows)
        if values.nunique() < 2:
            continue
        for value in sorted(values.unique()):
            inside = (values == value).to_numpy()
            centre = centre_of(everything, (column(everything.rows) == value).to_numpy())
            numbers, _ = fit(points.of(~inside), centre)
            line, tpot, ttft = error_line(f"{label}, without {what} {value}", points.of(inside), numbers)
            lines.append(line)
            first.append(tpot)
            second.append(ttft)
    empty = np.array([])
    return (np.concatenate(first) if first else empty), (np.concatenate(second) if second else empty)


def profile_of(
    points: Points, everything: Points, engine: str, group: str, lines: list[str]
) -> dict[str, object]:
    """Fit one profile and describe it."""
    label = f"{NAMES[engine]}, {group}"
    numbers, spread = fit(points, centre_of(everything))
    line, seen_tpot, seen_ttft = error_line(f"{label}, in the fit", points, numbers)
    lines.append(line)
    tpot, ttft = hold_out(points, everything, lines, label)
    rows = points.rows
    return {
        "id": f"{NAMES[engine]}-{group}",
        "engine": NAMES[engine],
        "engine_versions": ", ".join(sorted(rows["engine_version"].dropna().unique())) or "not stated",
        "hardware_class": group,
        "hardware": sorted(rows["gpu"].str.replace("_", "-").unique()),
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
        "models": sorted(rows["model"].map(family).unique()),
        "tpot": spread_of(tpot if len(tpot) else 2 * seen_tpot),
        "ttft": spread_of(ttft if len(ttft) else 2 * seen_ttft),
        "concurrency_range": [float(rows["load_value"].min()), float(rows["load_value"].max())],
        "input_range": [float(rows["isl"].min()), float(rows["isl"].max())],
        "provenance": "scripts/fit_profiles.py on aiconfigurator silicon_sample.csv (Apache-2.0), aggregated rows; "
        "spread from points whose model or GPU was left out",
    }


def _round(value: float) -> float:
    return float(f"{value:.4g}")


HEAD = (
    "| group | n | TPOT median | P90 | bias | TTFT median | P90 | bias |",
    "|---|---:|---:|---:|---:|---:|---:|---:|",
)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--output", type=Path, default=Path("planner/profiles/serving.json"))
    parser.add_argument("--report", action="store_true", help="print the errors as a Markdown table")
    options = parser.parse_args()
    points = Points(*prepare(clean(read(options.table))))
    points = points.of(points.roomy())
    lines = list(HEAD)
    profiles = []
    for engine in ("vllm", "tensorrt-llm", "sglang"):
        for group in ("hopper", "blackwell"):
            key = {name: short for short, name in NAMES.items()}[engine]
            chosen = (points.rows["engine"] == key) & (points.rows["gpu"].map(CLASSES) == group)
            profiles.append(profile_of(points.of(chosen.to_numpy()), points, key, group, lines))
    options.output.write_text(json.dumps({"profiles": profiles}, indent=1) + "\n", encoding="utf-8")
    if options.report:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
