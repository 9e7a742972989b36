"""Configurations predicted per second, vectorised, and the time of one prediction.

python benchmarks/predictions.py
"""

from __future__ import annotations

import time

import numpy as np

from planner.inputs.books import load_books
from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.serving_profiles import load_serving_profiles
from planner.planning.memory.architecture import unpack
from planner.planning.prediction.closed_loop import Limits, closed_loop
from planner.planning.prediction.predict import predict
from planner.planning.prediction.step_model import operands
from planner.specs.answers.prediction import PredictRequest

CONFIGURATIONS = 200_000
SINGLE = 200


def main() -> None:
    books = load_books()
    architecture, hardware = unpack(books.models.find("llama-3.1-70b")), books.hardware.find("h100-sxm")
    profiles, memory = load_serving_profiles(), load_vllm_memory()
    operand = operands(architecture, hardware, quantization="fp8", tensor_parallel=4)
    concurrency = np.linspace(1, 512, CONFIGURATIONS)
    chunks = np.array_split(concurrency, CONFIGURATIONS // 4_000)  # arrays that stay in the cache
    began = time.perf_counter()
    for chunk in chunks:
        closed_loop(
            operand,
            profiles[0].numbers(),
            Limits(),
            concurrency=chunk,
            input_tokens=1024.0,
            output_tokens=512.0,
        )
    print(f"{CONFIGURATIONS / (time.perf_counter() - began):,.0f} configurations/s")
    request = PredictRequest(quantization="fp8", tensor_parallel=4, concurrency=64.0)
    began = time.perf_counter()
    for _ in range(SINGLE):
        predict(architecture, hardware, request, profiles=profiles, memory_profile=memory)
    print(f"{(time.perf_counter() - began) / SINGLE * 1000:.2f} ms per prediction")


if __name__ == "__main__":
    main()
