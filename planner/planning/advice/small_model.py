"""The cheaper model that advice names: what the same provider sells for less on that date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from planner.errors import DataError
from planner.planning.bill.pricing import price_in_force
from planner.specs.books.price import ApiModel, ApiPrice
from planner.specs.case import Case
from planner.specs.scenario.workload import Workload
from planner.units import DAYS_PER_MONTH


def cheapest_sibling(case: Case, workload: Workload, model_id: str, as_of: date) -> str | None:
    """Return the model of the same provider whose list price is lowest for this prompt and answer.

    It must take the longest prompts of the scenario and charge for its tools. Models that stay on sale for the whole
    horizon are preferred. ``None`` where none is cheaper.
    """
    provider = model_id.split("/", 1)[0]
    longest = workload.input_tokens.p99 + workload.output_tokens.p99 + workload.reasoning_tokens.p99
    tools = set(case.scenario.prompt.paid_calls)
    end = as_of + timedelta(days=workload.horizon_months * DAYS_PER_MONTH)
    found = [
        (not _sold_until(model, end), _list_usd(price, workload), model.id)
        for model, price in _sold(case, provider, as_of)
        if (model.context_window_tokens or 0) >= longest
        and price.output_usd_per_mtok > 0
        and tools <= {fee.name for fee in price.fees}
    ]
    now = next((usd for _, usd, name in found if name == model_id), float("inf"))
    cheaper = [each for each in found if each[1] < now]
    return min(cheaper)[2] if cheaper else None


def cheapest_embedding(case: Case, as_of: date) -> str | None:
    """Return the embedding model with the lowest price; ``None`` where none is sold."""
    providers = {row_id.split("/", 1)[0] for row_id in case.books.api.rows if "embedding" in row_id}
    found = [
        (price.input_usd_per_mtok, model.id)
        for provider in providers
        for model, price in _sold(case, provider, as_of, of="embedding")
    ]
    return min(found)[1] if found else None


def _sold(case: Case, provider: str, as_of: date, of: str = "") -> Iterator[tuple[ApiModel, ApiPrice]]:
    for row_id in case.books.api.rows:
        if row_id.startswith(f"{provider}/") and of in row_id:
            model = case.books.api.rows[row_id]
            try:
                yield model, price_in_force(model, as_of)
            except DataError:
                continue  # not sold yet, or no longer


def _sold_until(model: ApiModel, end: date) -> bool:
    retired = model.lifecycle.retired_on
    return retired is None or retired > end


def _list_usd(price: ApiPrice, workload: Workload) -> float:
    tokens_out = workload.output_tokens.mean + workload.reasoning_tokens.mean
    return price.input_usd_per_mtok * workload.input_tokens.mean + price.output_usd_per_mtok * tokens_out
