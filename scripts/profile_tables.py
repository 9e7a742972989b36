"""Measured tables as the points that serving profiles are fitted to: rows, datasheet times, limits, protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.judge.device_names import device_names
from planner.planning.judge.model_names import model_names
from planner.planning.judge.recipes import DEFAULTS, PublishedRun, Recipe, recipe_of
from planner.planning.judge.table_words import SCALED_BY_BLOCK
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.closed_loop import MEAN_LENGTH_FRACTION, Limits, closed_loop
from planner.planning.prediction.engine_defaults import limits_of, memory_of, pool_tokens
from planner.planning.prediction.predict import hardware_class, operands_of
from planner.planning.prediction.step_model import Operands
from planner.specs.answers.prediction import PredictRequest

NAMES = {
    "trtllm": "tensorrt-llm",
    "tensorrt-llm": "tensorrt-llm",
    "tensorrt-llm (pytorch)": "tensorrt-llm",
    "vllm": "vllm",
    "sglang": "sglang",
    "splitwise (vLLM-based)": "vllm-eager",
}
CLASSES = {"h100-sxm": "hopper", "h200-sxm": "hopper", "b200-sxm": "blackwell", "a100-80-sxm": "ampere"}
SCHEMES = {"fp8": "fp8", "fp4": "nvfp4", "bf16": "bf16", "fp16": "fp16"}
# Experiments of 4,000 by 1,000 tokens with a handful of rows each: their throughput fits no single set of GPUs.
SMALL_EXPERIMENTS = (
    "qwen3_32b.csv",
    "openai_gpt-oss-120b.csv",
    "nvidia_DeepSeek-R1-NVFP4.csv",
    "nvidia_DeepSeek-V3.1-NVFP4.csv",
    "nvidia_Qwen3-32B-NVFP4.csv",
    "qwen3_235b_a22b.csv",
)
FULL_LOAD = 1e9
LONGEST = 131_072
LIMITS = ("batched_tokens", "max_sequences", "pool_tokens", "inbox_steps", "batch_wait_steps")


def silicon(table: Path) -> pd.DataFrame:
    """Return aiconfigurator's closed loops, one row a run with TTFT and TPOT [s]."""
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
    rows["throughput"] = np.nan
    return clean(rows.sort_values("source").reset_index(drop=True))


def offline(table: Path) -> pd.DataFrame:
    """Return runs at maximum load: output tokens per second of all GPUs."""
    rows = pd.read_csv(table)
    per_gpu = rows["unit"].str.contains("gpu")
    rows["throughput"] = rows["value"] * np.where(per_gpu, rows["n_gpu"], 1.0)
    rows["ttft"] = rows["tpot"] = np.nan
    # From version 1.0 on, the published runs of a mixture of experts use attention data parallel with expert parallel.
    told = rows["notes"].str.contains("attention DP") & rows["model"].str.contains(r"A\d+B")
    rows["adp"] = np.where(told, rows["n_gpu"], 1)
    rows["file"], rows["engine_version"] = "2026", rows["engine_version"].astype(str)
    rows["load_value"] = pd.to_numeric(rows["load_value"], errors="coerce").replace(np.inf, FULL_LOAD)
    rows["precision"] = rows["precision"].str.lower()
    return rows.sort_values(["source", "model", "gpu", "isl", "osl"]).reset_index(drop=True)


def batches(table: Path) -> pd.DataFrame:
    """Return static batches: all start together."""
    long = pd.read_csv(table)
    key = ["gpu", "model", "precision", "n_gpu", "tp", "isl", "osl", "load_value"]
    rows = long.pivot_table(index=key, columns="metric", values="value").reset_index()
    rows["engine"] = long["engine"].iloc[0]
    rows[["ttft", "tpot"]] /= 1000.0
    rows["throughput"], rows["adp"], rows["file"], rows["engine_version"] = np.nan, 1, "batch", "2023"
    # From some batch size on the first prompts are measured alone (the pool is full): TTFT falls by ten.
    rows.loc[(rows["tp"] == 2) & (rows["load_value"] >= 64), "ttft"] = np.nan
    return rows


def _note(text: str, key: str) -> str | None:
    found = re.search(rf"\b{key}=([^;]*)", text)
    return found[1] if found else None


def clean(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop what the model does not describe; each line says why."""
    product = rows["moe_tp"] * rows["moe_ep"]
    doubled = (rows["moe_tp"] == rows["moe_ep"]) & (rows["moe_tp"] > 1) & (rows["n_gpu"] == product)
    # The conversion multiplied expert TP by EP: tp 8 with ep 8 is 8 GPUs, not 64. Such rows repeat others exactly.
    rows.loc[doubled, ["n_gpu", "tp"]] = rows.loc[doubled, ["moe_tp", "moe_tp"]].to_numpy()
    keep = (rows["adp"].fillna(1) == 1) & (rows["tp"] == rows["n_gpu"])
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


class Points:
    """Measured rows with everything that predicting them takes."""

    def __init__(self, rows: pd.DataFrame, made: Operands, limits: dict[str, np.ndarray]) -> None:
        self.rows, self.made, self.limits = rows, made, limits
        self.length = np.where(
            rows["file"].str.startswith("2026") & rows["throughput"].isna(), MEAN_LENGTH_FRACTION, 1.0
        )

    def of(self, chosen: np.ndarray) -> Points:
        """Return the chosen points."""
        made = Operands(**{each.name: getattr(self.made, each.name)[chosen] for each in fields(self.made)})
        limits = {name: values[chosen] for name, values in self.limits.items()}
        return Points(self.rows[chosen].reset_index(drop=True), made, limits)

    @cached_property
    def loops(self) -> tuple[tuple[np.ndarray, Loop], ...]:
        """The rows as closed loops, with prefill beside decoding and in steps of its own, and which rows they are."""
        apart = (self.rows["engine"] == "sglang").to_numpy()
        chosen = [(apart == separate, separate) for separate in (False, True)]
        return tuple(
            (inside, Loop(self.of(inside), separate=separate)) for inside, separate in chosen if inside.any()
        )

    def predict(self, numbers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return TPOT, the published mean TTFT [s] and the throughput [tokens/s]; one coefficient a row."""
        found = {name: np.full(len(self.rows), np.nan) for name in ("tpot", "ttft", "throughput")}
        for inside, loop in self.loops:
            own = {name: values[inside] for name, values in numbers.items()}
            for name, values in loop.predict(own).items():
                found[name][inside] = values
        return found

    def roomy(self) -> np.ndarray:
        """Tell which rows stay clear of the KV pool; those at maximum load are meant to fill it."""
        tokens = self.rows["load_value"] * (self.rows["isl"] + self.rows["osl"]) * self.length
        return np.asarray((tokens < 0.9 * self.limits["pool_tokens"]) | self.rows["throughput"].notna())

    def ttft_trusted(self) -> np.ndarray:
        """Tell which rows' TTFT follows the protocol."""
        rows = self.rows
        own = ~rows["file"].str.startswith("2026")
        odd = (rows["engine"] == "trtllm") & own
        # DeepSeek on SGLang in 2025: the first prompts were measured while kernels were compiled, seconds long.
        odd |= (
            rows["model"].str.contains("DeepSeek")
            & (rows["engine"] == "sglang")
            & (rows["date"].astype(str) < "2025-12")
        )
        # SGLang, 8B on 8 GPUs: seconds that do not shrink with more GPUs; the client or tokenizer is the limit.
        odd |= (rows["engine"] == "sglang") & rows["model"].str.contains("8B")
        return (~odd).to_numpy() & rows["ttft"].notna().to_numpy()


class Loop:
    """Measured rows as the arguments of the closed loop, worked out once for all coefficients that are tried."""

    def __init__(self, points: Points, *, separate: bool) -> None:
        rows, alike = points.rows, points.length == 1.0
        self.made, self.limits = points.made, Limits(**points.limits, separate_prefill=separate)
        self.concurrency = rows["load_value"].to_numpy(float)
        self.prompt = rows["isl"].to_numpy(float) * points.length
        self.nominal = rows["osl"].to_numpy(float)
        self.answer = self.nominal * points.length
        self.lockstep = alike & (rows["engine"] != "vllm").to_numpy()
        self.static = (rows["file"] == "batch").to_numpy()
        # Lengths all alike keep the requests in step: every wave is a burst.
        self.waves = (alike & separate) | self.static

    def predict(self, numbers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return TPOT, TTFT and throughput of each row."""
        result = closed_loop(
            self.made,
            numbers,
            self.limits,
            concurrency=self.concurrency,
            input_tokens=self.prompt,
            output_tokens=self.answer,
            lockstep=self.lockstep,
        )
        return {
            "tpot": np.where(self.static, result.tpot_alone_s, result.tpot_s),
            "ttft": np.where(self.waves, result.ttft_burst_s, result.ttft_published_s),
            "throughput": np.asarray(result.requests_per_s) * self.nominal,
        }


def scheme_of(model: str, precision: str) -> str:
    """Return how weights are stored; the 8-bit checkpoints of Qwen3 and DeepSeek have scales by block."""
    if "gpt-oss" in model:
        return "mxfp4"
    blocks = precision == "fp8" and model.startswith(SCALED_BY_BLOCK)
    return "fp8-block" if blocks else SCHEMES.get(precision, "bf16")


def points_of(rows: pd.DataFrame) -> Points:
    """Return the rows with their datasheet times and limits."""
    books, memory_profile = load_books(), load_vllm_memory()
    models, devices = model_names(books.models), device_names(books.hardware)
    known: dict[tuple[object, ...], tuple[tuple[float, ...], Limits]] = {}
    found = []
    for row in rows.itertuples():
        whole = not pd.isna(row.moe_ep) and row.moe_ep > 1 and row.moe_ep == row.tp
        model = books.models.rows[str(models.find(str(row.model).replace("-FP8", "")))]
        hardware = books.hardware.rows[str(devices.find(str(row.gpu)))]
        scheme = scheme_of(str(row.model), str(row.precision))
        groups = 1 if pd.isna(row.adp) else int(row.adp)
        recipe = _recipe(row, model.id, hardware_class(hardware), scheme, groups)
        key = (
            row.engine,
            row.model,
            row.gpu,
            row.precision,
            row.tp,
            row.adp,
            whole,
            recipe,
            row.throughput > 0,
        )
        if key not in known:
            architecture = unpack(model.model_copy(update={"max_context": LONGEST}))
            request = PredictRequest(
                engine=NAMES[str(row.engine)],
                quantization=scheme,
                tensor_parallel=int(row.tp) * groups if groups > 1 and int(row.tp) == 1 else int(row.tp),
                attention_data_parallel=groups,
                expert_parallel=whole,
                kv_dtype=recipe.kv_dtype,
                batched_tokens=recipe.batched_tokens,
                inbox_steps=recipe.inbox_steps,
                batch_wait_steps=recipe.batch_wait_steps,
            )
            made = operands_of(architecture, hardware, request)
            memory = memory_of(architecture, hardware, request, memory_profile)
            pool = pool_tokens(architecture, request, memory)
            limits = limits_of(request, memory, max(pool, 1), separate_prefill=False)
            known[key] = tuple(float(getattr(made, each.name)) for each in fields(made)), limits
        found.append(known[key])
    names = [each.name for each in fields(Operands)]
    stacked = np.array([made for made, _ in found]).T
    limits = {name: np.array([float(getattr(each, name)) for _, each in found]) for name in LIMITS}
    rows = rows.assign(
        device=[devices.find(str(gpu)) for gpu in rows["gpu"]],
        family=[re.sub(r"-2507$", "", str(models.find(str(m).replace("-FP8", "")))) for m in rows["model"]],
        profile=[NAMES[str(engine)] for engine in rows["engine"]],
    )
    return Points(rows, Operands(**dict(zip(names, stacked, strict=True))), limits)


def _recipe(row: pd.Series, model: str, group: str, scheme: str, groups: int) -> Recipe:
    """Return the settings of a run of InferenceMAX; the engine's own for all others."""
    if not str(row.file).startswith("2026") or row.throughput > 0:
        return DEFAULTS
    return recipe_of(
        PublishedRun(
            engine=NAMES[str(row.engine)],
            model=model,
            hardware_class=group,
            weights=scheme,
            tensor_parallel=int(row.tp),
            attention_groups=groups,
            input_tokens=row.isl,
            output_tokens=row.osl,
            concurrency=row.load_value,
        )
    )
