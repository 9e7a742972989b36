"""Fit vLLM's activation, CUDA and graph memory from start-up logs; rerunning reproduces the profile.

    python scripts/fit_vllm_memory.py ../shared/data/logs/vllm_logs.csv --report

Fitted: sampler bytes per logit by version and GPU generation, copies of the residual stream, non-torch memory,
CUDA graphs. The hold-out refits without one model at a time and predicts that model's pool.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.errors import PlannerError
from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.memory.vllm_memory import VllmMemory, VllmSettings, version_key, vllm_memory
from planner.specs.books.hardware import HardwareSpec
from planner.specs.profiles.memory import EngineMemoryProfile
from planner.units import GIB

BOOKS = load_books()
OUT = Path(__file__).resolve().parent.parent / "planner" / "profiles" / "vllm_memory.json"
FITTED = "2026-11-23"
SEQUENCES, TOKENS = 1024, 8192  # defaults on the H100s of the logs
SMALL_SEQUENCES, SMALL_TOKENS = 256, 2048
NON_TORCH_OLD_GPU_GIB = 0.12  # median of 0.01 to 0.35 in the logs, and what the pools of 0.2x imply
VISION = "Mistral-Small"  # its encoder profiles differently; kept for judging, not for fitting
HYBRID_POOLS = (0, 10)  # vLLM's hybrid KV cache manager, on unless disabled
FREED_WHEN_DONE = (
    0,
    26,
)  # PR 47728 of July 2026: blocks outside a window are freed when the step is processed
LARGEST_GPU_TOKENS = 16384  # of a step on a B200 in vLLM 0.32; assumed to have come with the row above
FAMILIES = (
    ("0.1", "0.8"),
    ("0.8", "0.10"),
    ("0.10", "0.17"),
    ("0.17", "0.18"),
    ("0.18", "0.20"),
    ("0.20", "0.21"),
    ("0.21", "0.26"),
    ("0.26", "9"),
)


def gpu_of(row: Any) -> HardwareSpec | None:  # noqa: ANN401 - a pandas row
    """Return the GPU of a log line with the physical memory that the line states."""
    named = str(row.gpu).replace(" 24GB", "").split(" (")[0].split(" or ")[0]
    if "class" in named or "consumer" in named or named in {"nan", "not stated"}:
        named = {"16GB": "rtx-4080", "46": "l40s", "24GB": "rtx-3090"}.get(
            named.split()[0].replace(" GB", ""), ""
        )
    if not named:
        return None
    gpu = BOOKS.hardware.find(named)
    stated = pd.to_numeric(str(row.gpu_total_gib).lstrip("~"), errors="coerce")
    return gpu.model_copy(update={"memory_gib": float(stated)}) if stated > 0 and stated != 24 else gpu


def predict(row: Any, profile: EngineMemoryProfile) -> VllmMemory:  # noqa: ANN401 - a pandas row
    """Predict one log line."""
    gpu = gpu_of(row)
    if gpu is None:
        raise ValueError(f"no GPU for {row}")
    small = "max_num_batched_tokens 2048" in str(row.notes)
    settings = VllmSettings(
        quantization=str(row.dtype_quant).split(" (")[0],
        kv_dtype="auto" if row.kv_cache_dtype == "auto" else str(row.kv_cache_dtype),
        tensor_parallel=int(row.tp),
        pipeline_parallel=int(row.pp),
        utilization_fraction=float(str(row.gpu_memory_utilization).split()[0]),
        context_tokens=int(row.max_model_len),
        batched_tokens=SMALL_TOKENS if small else None,
        max_sequences=SMALL_SEQUENCES if small else None,
        version=str(row.vllm_version),
        speculative_tokens=3 if "MTP n=3" in str(row.notes) else 0,
    )
    return vllm_memory(unpack(BOOKS.models.find(model_name(row))), gpu, settings, profile)


def model_name(row: Any) -> str:  # noqa: ANN401 - a pandas row
    """Return the model of a log line as the book knows it."""
    return str(row.model).removesuffix(" bf16")


def usable(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the lines that state enough to be predicted, of models and GPUs in the books."""
    kept = []
    for row in rows.itertuples():
        known = pd.notna(row.max_model_len) and pd.notna(row.gpu_memory_utilization)
        try:
            BOOKS.models.find(model_name(row))
            known = known and gpu_of(row) is not None and str(row.gpu_memory_utilization)[0] == "0"
        except PlannerError:
            known = False
        kept.append(bool(known))
    return rows[kept]


def between(rows: pd.DataFrame, since: str, until: str) -> pd.DataFrame:
    """Return the lines of versions from ``since`` up to, not with, ``until``."""
    low, high = version_key(since), version_key(until)
    return rows[np.array([low <= version_key(v) < high for v in rows.vllm_version], dtype=bool)]


def fit(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the profile fitted on these lines."""
    new = rows[rows.gpu_total_gib.astype(str).str.startswith("79.") & ~rows.model.str.contains(VISION)]
    recent = between(new, "0.17", "9")
    older = between(new, "0.1", "0.17")
    logit, base = _logit_and_base(recent)
    early = _logit(older, base, SEQUENCES, TOKENS)
    small = rows[rows.peak_activation_gib.notna() & ~rows.gpu_total_gib.astype(str).str.startswith("79.")]
    late_small = between(small, "0.17", "9")
    older_gpu = _logit(late_small, base, SMALL_SEQUENCES, SMALL_TOKENS)
    older_gpu = early if math.isnan(older_gpu) else older_gpu
    graphs = recent[recent.cudagraph_gib.notna()]
    layers = [BOOKS.models.find(model_name(r)).layers / r.pp for r in graphs.itertuples()]
    slope, start = np.polyfit(layers, graphs.cudagraph_gib.astype(float), 1)

    def tp(n: int, low: str, high: str, default: float) -> float:
        held = new[(new.tp == n) & (new.pp == 1) & new.non_torch_gib.notna()]
        inside = between(held, low, high)
        return float(inside.non_torch_gib.median()) if len(inside) else default

    def version(since: str, until: str) -> dict[str, Any]:
        inside = between(rows, since, until)
        late = version_key(since) >= (0, 17)
        one = tp(1, since, until, tp(1, "0.18", "9", 0.25) if late else 0.13)
        two = tp(2, since, until, tp(2, "0.18", "9", 2.07) if late else 0.55)
        four = tp(4, since, until, tp(4, "0.18", "9", 2.13) if late else two)
        return {
            "since": since,
            "logit_bytes": round(logit if late else early, 2),
            "logit_bytes_older_gpu": round(older_gpu if late else early, 2),
            "non_torch_gib": [round(x, 3) for x in (one, two, four)],
            "non_torch_older_gpu_gib": NON_TORCH_OLD_GPU_GIB,
            "non_torch_pipeline_gib": 0.2 if late else 0.13,
            "graphs_in_budget": version_key(since) >= (0, 21),
            "chunked_prefill": version_key(since) >= (0, 8),
            "exact_concurrency": version_key(since) >= (0, 20),
            "hybrid_pools": version_key(since) >= HYBRID_POOLS,
            "largest_gpu_tokens": LARGEST_GPU_TOKENS if version_key(since) >= FREED_WHEN_DONE else 0,
            "batches_in_flight": 2 if version_key(since) >= FREED_WHEN_DONE else 1,
            "rows": len(inside),
            "grade": "fitted" if since in {"0.10", "0.17", "0.18"} else "assumed",
        }

    return {
        "engine": "vllm",
        "fitted": FITTED,
        "script": "scripts/fit_vllm_memory.py",
        "source": "vLLM start-up lines quoted by llm-d-incubation/llm-d-planner PR 205 and public issue threads",
        "licence": "Apache-2.0",
        "base_activation_bytes": round(base),
        "hidden_copies": round(_copies(new[new.model.str.contains("CodeLlama")]), 2),
        "pipeline_hidden_copies": round(_copies(new[new.pp > 1]), 2),
        "graph_base_gib": round(float(start), 3),
        "graph_gib_per_layer": round(float(slope), 4),
        "logged": [pick(map(str, rows.vllm_version), key=version_key) for pick in (min, max)],
        "versions": [version(*family) for family in FAMILIES],
        "residuals": {},
    }


def _stream(rows: pd.DataFrame, sequences: int, tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Return activation less the stream and the logits themselves, and the number of logits."""
    left, logits = [], []
    for row in rows.itertuples():
        model = BOOKS.models.find(model_name(row))
        element = 4 if row.dtype_quant == "fp32" else 2
        count = sequences * model.vocab
        left.append(
            row.peak_activation_gib * GIB - (tokens + sequences) * model.hidden * element - count * element
        )
        logits.append(count)
    return np.array(left), np.array(logits)


def _sampler_bound(rows: pd.DataFrame) -> pd.DataFrame:
    vocab = [BOOKS.models.find(model_name(row)).vocab for row in rows.itertuples()]
    return rows[
        (np.array(vocab) > 100_000) & (rows.pp == 1).to_numpy() & rows.peak_activation_gib.notna().to_numpy()
    ]


def _logit_and_base(rows: pd.DataFrame) -> tuple[float, float]:
    one_each = _sampler_bound(rows).drop_duplicates(["model", "tp", "dtype_quant"])
    left, logits = _stream(one_each, SEQUENCES, TOKENS)
    slope, base = np.polyfit(logits, left, 1)
    return float(slope), float(max(0.0, base))


def _logit(rows: pd.DataFrame, base: float, sequences: int, tokens: int) -> float:
    left, logits = _stream(_sampler_bound(rows), sequences, tokens)
    return float(np.median((left - base) / logits)) if len(logits) else math.nan


def _copies(rows: pd.DataFrame) -> float:
    """Return the copies of the residual stream that explain a layer-bound activation."""
    found = []
    for row in rows.itertuples():
        model = BOOKS.models.find(model_name(row))
        widest = 3 * model.mlp[0].intermediate
        found.append((row.peak_activation_gib * GIB / TOKENS / 2 - widest) / model.hidden)
    return float(np.median(found)) if found else 4.26


def pool_errors(rows: pd.DataFrame, profile: EngineMemoryProfile) -> list[float]:
    """Return the relative errors of the pool in tokens."""
    found = []
    for row in rows[rows.kv_tokens > 0].itertuples():
        found.append(predict(row, profile).pool_tokens / row.kv_tokens - 1)
        if abs(found[-1]) > 0.02 and "-v" in sys.argv:
            print(f"{found[-1]:+.3f} {row.vllm_version} {row.model} {row.gpu} {row.max_model_len}")
    return found


def summary(name: str, errors: Iterable[float]) -> dict[str, float]:
    """Return median, mean and 90th percentile of absolute errors."""
    ape = np.abs(list(errors))
    figures: dict[str, Callable[[Any], Any]] = {
        "median": np.median,
        "mean": np.mean,
        "p90": lambda values: np.quantile(values, 0.9),
    }
    return {f"{name}_{key}_fraction": round(float(f(ape)), 4) for key, f in figures.items()} | {
        f"{name}_n": ape.size
    }


def shape_of(row: Any) -> tuple[int, int, int]:  # noqa: ANN401 - a pandas row
    """Return what tells architectures apart: fine-tunes and editions of one are one model to a hold-out."""
    model = BOOKS.models.find(model_name(row))
    return model.layers, model.hidden, model.vocab


def report(held: dict[str, list[float]]) -> None:
    """Print the errors of the pool of every model that its fit has not seen."""
    print("| without model | n | pool tokens median | P90 | worst |\n|---|---:|---:|---:|---:|")
    everything = [error for errors in held.values() for error in errors]
    for name, errors in [*sorted(held.items()), ("all", everything)]:
        ape = np.abs(errors)
        if ape.size:
            worst = max(errors, key=abs)
            print(
                f"| {name} | {ape.size} | {np.median(ape):.2%} | {np.quantile(ape, 0.9):.2%} | {worst:+.2%} |".replace(
                    "%", " %"
                )
            )


def main() -> None:
    """Fit, judge, write."""
    rows = usable(pd.read_csv(sys.argv[1]))
    document = fit(rows)
    profile = EngineMemoryProfile.model_validate_json(json.dumps(document))
    held: dict[str, list[float]] = {}
    shapes = [shape_of(row) for row in rows.itertuples()]
    for shape in dict.fromkeys(shapes):
        mine = np.array([each == shape for each in shapes])
        name = ", ".join(
            dict.fromkeys(BOOKS.models.find(model_name(row)).id for row in rows[mine].itertuples())
        )
        try:
            other = EngineMemoryProfile.model_validate_json(json.dumps(fit(rows[~mine])))
        except (TypeError, ValueError, np.linalg.LinAlgError) as error:
            print("hold-out of", name, "not possible:", error)
            continue
        held[name] = pool_errors(rows[mine], other)
    document["residuals"] = summary("pool_tokens", pool_errors(rows, profile)) | summary(
        "holdout_pool_tokens", itertools.chain.from_iterable(held.values())
    )
    if "--report" in sys.argv:
        report(held)
    OUT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
