"""How many configurations a second the fitted model sizes side by side, and how long a thousand scenarios take.

python benchmarks/sizing.py
"""

from __future__ import annotations

import random
import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from planner.inputs.books import load_books
from planner.inputs.estimating import read_all
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.estimate import estimate_scenario, workbench_for
from planner.planning.hosting.configurations import Configuration, Workbench, stacked, steady_states

MODELS = ("llama-3.1-8b", "llama-3.1-70b", "qwen3-30b-a3b", "qwen3-32b")
GPUS = ("h100-sxm", "h200-sxm", "b200-sxm", "a100-80-sxm")
LOADS = 64  # concurrencies a configuration
ROUNDS = 200
GOAL_PER_S = 1_000_000
SCENARIOS = 1000


def configurations() -> tuple[Configuration, ...]:
    books = load_books()
    bench = Workbench(profiles=load_serving_profiles(), memory_profile=load_vllm_memory())
    found = (
        bench.configuration(
            books.models.find(model),
            books.hardware.find(gpu),
            engine="vllm",
            quantization="bf16",
            kv_dtype="auto",
            gpus=gpus,
        )
        for model in MODELS
        for gpu in GPUS
        for gpus in (1, 2, 4, 8)
    )
    return tuple(each for each in found if isinstance(each, Configuration))


def side_by_side() -> None:
    rows = configurations()
    stack, loads = stacked(rows, tokens=1536.0), np.linspace(1.0, 256.0, LOADS)
    began = perf_counter()
    for _ in range(ROUNDS):
        steady_states(stack, concurrency=loads, input_tokens=1024.0, output_tokens=512.0)
    per_s = ROUNDS * len(rows) * LOADS / (perf_counter() - began)
    print(
        f"{per_s:,.0f} configurations and loads a second, {len(rows)} × {LOADS} at once (goal {GOAL_PER_S:,})"
    )


def thousand_scenarios() -> None:
    text, draw = Path("scenarios/support-chatbot.yaml").read_text(), random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(SCENARIOS):
            changed = text.replace("name: support-chatbot", f"name: s{index:04}")
            changed = changed.replace(
                "requests_per_day: 10_000", f"requests_per_day: {draw.randint(100, 500_000)}"
            )
            changed = changed.replace("input_tokens: 2000", f"input_tokens: {draw.randint(1300, 6000)}")
            (Path(folder) / f"s{index:04}.yaml").write_text(changed)
        began, spent = perf_counter(), process_time()
        cases = read_all((Path(folder),))
        bench = workbench_for(cases)
        for case in cases:
            estimate_scenario(case, date(2025, 6, 15), advised=False, workbench=bench)
    print(
        f"{SCENARIOS:,} different scenarios in {perf_counter() - began:.2f} s, {process_time() - spent:.2f} CPU-seconds"
    )


def main() -> None:
    side_by_side()
    thousand_scenarios()


if __name__ == "__main__":
    main()
