"""How many request costs a second the billing calculator prices. Goal: 1,000,000 on 2 cores."""

from __future__ import annotations

from datetime import date
from time import perf_counter

import numpy as np

from planner.inputs.books import load_books
from planner.planning.bill.pricing import price_sheet
from planner.planning.bill.request_cost import cost_lines

REQUESTS = 1_000_000
GOAL_PER_S = 1_000_000


def main() -> None:
    rng = np.random.default_rng(7)
    model = load_books().api.find("claude-haiku-5-5")
    sheet = price_sheet(model, date(2026, 11, 23), mode="batch", region="us")
    input_tokens = rng.integers(1, 200_000, REQUESTS).astype(float)
    cached = np.floor(input_tokens * rng.random(REQUESTS) * 0.5)
    written = np.floor(input_tokens * rng.random(REQUESTS) * 0.5)
    output_tokens = rng.integers(1, 4_000, REQUESTS).astype(float)
    start = perf_counter()
    lines = cost_lines(
        sheet,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_read_tokens=cached,
        cache_write_tokens=written,
    )
    total = float(np.sum(lines.usd))
    per_s = REQUESTS / (perf_counter() - start)
    print(f"{per_s:,.0f} request costs/s (goal {GOAL_PER_S:,}); sum {total:,.2f} USD")
    assert per_s >= GOAL_PER_S


if __name__ == "__main__":
    main()
