"""What a measured request would have cost: the book's price of an API model, for the records."""

from __future__ import annotations

from functools import lru_cache

from planner.bench.log_lines import RequestPrice
from planner.cli.bench_options import Given
from planner.cli.options import today
from planner.inputs.books import load_books
from planner.planning.bill.pricing import price_sheet
from planner.planning.bill.request_cost import request_cost

SELF_HOSTED = "self_hosted"


def price_of(given: Given) -> RequestPrice | None:
    """Return the price of a request by its tokens; ``None`` where no API price applies.

    ``--priced-as`` names the model; without it the measured model's own price counts, where a provider is named.

    Raises
    ------
    DataError
        If the named model is not in the book, or has no price today.
    """
    named = given["priced_as"]
    shelf = load_books().api
    if named is None and (given["provider"] == SELF_HOSTED or len(shelf.ids_of(given["model"] or "")) != 1):
        return None
    sheet = price_sheet(shelf.find(named or given["model"]), today())

    @lru_cache(maxsize=4096)
    def price(input_tokens: int, cached_tokens: int, output_tokens: int) -> float | None:
        return request_cost(
            sheet,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_read_tokens=cached_tokens,
            any_length=True,
        ).usd

    return price
