"""Fit llama.cpp's slow-downs of the datasheet and write planner/profiles/llamacpp.json.

    python scripts/fit_llamacpp.py ../shared/data/measured/llamacpp_gpu_benchmarks_xiongjiedai.csv

The table has no licence: it is fitted on, and no row of it is shipped. The errors printed, and the spread in the
profile, are those of every GPU predicted without itself.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from planner.errors import PlannerError
from planner.inputs.books import load_books
from planner.planning.architecture import unpack
from planner.planning.model_names import model_names, quantization_of
from planner.planning.predict_llamacpp import datasheet_s, device_class

OUT = Path(__file__).resolve().parent.parent / "planner" / "profiles" / "llamacpp.json"
START = np.log([1.4, 2e-5, 2.0, 6.0])  # read, kernel_s per layer, compute, attention_compute
PRIOR_WIDTH = np.array([0.5, 1.0, 1.0, 1.0])
LOSS_SCALE = 0.1


def rows_of(table: Path) -> pd.DataFrame:
    """Return measured speeds beside the datasheet's times; the median of repeated runs."""
    books = load_books()
    names = model_names(books.models)
    measured = pd.read_csv(table)
    # Builds of 2023 lack today's matrix kernels, and several GPUs are another question.
    measured = measured[(measured["n_gpu"] == 1) & measured["model"].str.contains("Llama-3")]
    keys = ["model", "precision", "gpu", "n_gpu", "isl", "osl", "metric"]
    measured = measured.groupby(keys, dropna=False, as_index=False)["value"].median()
    found = []
    for row in measured.itertuples():
        model = names.find(str(row.model))
        quantization = quantization_of(str(row.model)) or quantization_of(str(row.precision))
        ids = books.hardware.ids_of(str(row.gpu))
        if model is None or quantization is None or len(ids) != 1:
            continue
        hardware = books.hardware.rows[ids[0]]
        context = float(row.isl) + float(row.osl) / 2
        spec = books.models.rows[model]
        try:
            times = datasheet_s(unpack(spec), hardware, quantization=quantization, context_tokens=context)
        except PlannerError:
            continue
        prefill = row.metric == "prefill_throughput"
        found.append(
            (
                device_class(hardware),
                ids[0],
                prefill,
                times[int(prefill)],
                times[2] * row.isl / 2,
                spec.layers,
                1 / row.value,
                model,
            )
        )
    return pd.DataFrame(
        found, columns=["vendor", "gpu", "prefill", "light", "pairs", "layers", "time", "model"]
    )


def predict(rows: pd.DataFrame, x: np.ndarray) -> np.ndarray:
    """Return times [s]."""
    read, kernel, compute, attend = np.exp(x)
    decode = read * rows["light"] + kernel * rows["layers"]
    return np.where(rows["prefill"], compute * rows["light"] + attend * rows["pairs"], decode)


def fit(rows: pd.DataFrame) -> np.ndarray:
    """Return the logarithms of the coefficients."""

    def residuals(x: np.ndarray) -> np.ndarray:
        errors = np.log(predict(rows, x) / rows["time"].to_numpy())
        robust = np.sign(errors) * np.sqrt(2 * LOSS_SCALE * (np.hypot(errors, LOSS_SCALE) - LOSS_SCALE))
        return np.concatenate([robust, LOSS_SCALE * (x - START) / PRIOR_WIDTH])

    return np.asarray(least_squares(residuals, START).x)


def spread(errors: np.ndarray) -> dict[str, float]:
    """Return the factors that hold 80 % of the errors."""
    low, high = np.quantile(errors, [0.1, 0.9])
    return {
        "low": round(float(np.exp(min(low, -0.01))), 4),
        "high": round(float(np.exp(max(high, 0.01))), 4),
        "median_error_fraction": round(float(np.median(np.abs(np.expm1(errors)))), 4),
    }


def main() -> None:
    """Fit and write."""
    rows = rows_of(Path(sys.argv[1]))
    profiles = []
    for vendor in ("nvidia-consumer", "nvidia", "apple"):
        own = rows[rows["vendor"] == vendor].reset_index(drop=True)
        errors = np.zeros(len(own))
        for gpu in own["gpu"].unique():
            inside = (own["gpu"] == gpu).to_numpy()
            errors[inside] = np.log(predict(own[inside], fit(own[~inside])) / own["time"][inside])
        prefill = own["prefill"].to_numpy()
        numbers = np.exp(fit(own))
        for name, chosen in (("decode", ~prefill), ("prefill", prefill)):
            sizes = np.abs(np.expm1(errors[chosen]))
            print(
                f"| llama.cpp, {vendor}, {name}, unseen GPU | {chosen.sum()} | {np.median(sizes):.1%} | {np.quantile(sizes, 0.9):.1%} | {np.expm1(np.median(errors[chosen])):+.1%} |"
            )
        profiles.append(
            {
                "id": f"llamacpp-{vendor}",
                "engine": "llamacpp",
                "engine_versions": "b1691 to b2755",
                "hardware_class": vendor,
                "hardware": sorted(own["gpu"].unique()),
                "grade": "fitted",
                "coefficients": {
                    name: {
                        "value": float(f"{value:.4g}"),
                        "low": float(f"{value / 1.15:.4g}"),
                        "high": float(f"{value * 1.15:.4g}"),
                    }
                    for name, value in zip(
                        ("read", "kernel_s", "compute", "attention_compute"), numbers, strict=True
                    )
                },
                "points": len(own),
                "models": sorted(own["model"].unique()),
                "tpot": spread(errors[~prefill]),
                "ttft": spread(errors[prefill]),
                "concurrency_range": [1.0, 1.0],
                "input_range": [1.0, 8192.0],
                "provenance": "scripts/fit_llamacpp.py on XiongjieDai's GPU benchmarks (fitted on, not shipped); spread by GPUs left out",
            }
        )
    OUT.write_text(json.dumps({"profiles": profiles}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
