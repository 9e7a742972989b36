"""The library genai-prices as a feed of prices: its bundled data, asked with exact names and an explicit date.

Rules that keep it honest: the provider is always named; a model must match one of our names as it stands, without the
library's guessing; the date is ours, at noon UTC, so that no result depends on the clock; a mode that the model has no
variant for is left out, because the library would price it at the standard rate without a word; and an offer that
costs nothing counts as not priced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from typing import Any

from planner.errors import DataError
from planner.specs.books.price_feed import Feed, Offer, Wanted

PROVIDERS = {"bedrock": "aws", "xai": "x-ai"}  # ours -> theirs, where they differ
# their price -> ours; the first one that a model has counts
FIELDS = {
    "input_usd_per_mtok": ("input_mtok",),
    "output_usd_per_mtok": ("output_mtok",),
    "cached_read_usd_per_mtok": ("cache_read_mtok",),
    "cache_write_5m_usd_per_mtok": ("cache_write_5m_mtok", "cache_write_mtok"),
    "cache_write_1h_usd_per_mtok": ("cache_write_1h_mtok",),
}
BATCH = {"processing": "batch"}


def read_feed(wanted: Sequence[Wanted], as_of: date) -> Feed:
    """Return what genai-prices says on a date about the offers that are wanted, and which others it has.

    Raises
    ------
    DataError
        When the library is not installed.
    """
    try:
        from genai_prices.data import providers  # noqa: PLC0415 - an optional library of a megabyte
    except ImportError:
        raise DataError(
            "comparing prices needs the library genai-prices",
            cure="pip install 'llm-capacity-planner[prices]'",
        ) from None
    theirs = {provider.id: provider.models for provider in providers}
    noon = datetime.combine(as_of, time(12), tzinfo=UTC)
    found: dict[str, Offer] = {}
    matched: set[int] = set()
    for each in wanted:
        models = theirs.get(PROVIDERS.get(each.provider, each.provider), ())
        model = _named(models, each.names)
        if model is not None:
            matched.add(id(model))
            offer = _offer(each.provider, model, noon)
            if offer is not None:
                found[each.row] = offer
    ours = dict.fromkeys(each.provider for each in wanted)
    return Feed(
        source=f"genai-prices {version('genai-prices')}",
        as_of=as_of,
        found=found,
        new=tuple(_others(theirs, ours, matched, noon)),
    )


def _named(models: Iterable[Any], names: Iterable[str]) -> Any:  # noqa: ANN401 - the library's own type
    """Return the model with one of our names; its own id goes before names that it also matches."""
    listed = list(models)
    for name in names:
        for model in listed:
            if model.id.lower() == name.lower():
                return model
    return next((model for name in names for model in listed if model.is_match(name)), None)


def _offer(provider: str, model: Any, noon: datetime) -> Offer | None:  # noqa: ANN401
    prices = _prices(model.get_prices(noon))
    if not prices.get("input_usd_per_mtok") and not prices.get("output_usd_per_mtok"):
        return None
    batch = _prices(model.get_prices(noon, BATCH)) if _has_variant(model, BATCH, noon) else {}
    return Offer(
        provider=provider,
        name=model.id,
        prices=prices,
        batch=batch,
        since=_since(model, noon),
        deprecated=bool(model.deprecated),
    )


def _prices(found: Any) -> dict[str, float]:  # noqa: ANN401
    prices = {}
    for ours, theirs in FIELDS.items():
        price = next((each for name in theirs if (each := getattr(found, name, None)) is not None), None)
        if price is not None:
            prices[ours] = float(getattr(price, "base", price))
    return prices


def _has_variant(model: Any, context: dict[str, str], noon: datetime) -> bool:  # noqa: ANN401
    return any(
        variant.when == context and (variant.constraint is None or variant.constraint.active(noon))
        for variant in model.price_variants or ()
    )


def _since(model: Any, noon: datetime) -> date | None:  # noqa: ANN401
    """Return the date of the price row in force, where the library has dated rows."""
    if not isinstance(model.prices, list):
        return None
    starts = [getattr(row.constraint, "start_date", None) for row in model.prices]
    begun = [start for start in starts if isinstance(start, date) and start <= noon.date()]
    return max(begun, default=None)


def _others(
    theirs: dict[str, Any], ours: Iterable[str], matched: set[int], noon: datetime
) -> Iterator[Offer]:
    """Yield the offers of our providers that the book has no row for and that are still sold."""
    for provider in ours:
        for model in theirs.get(PROVIDERS.get(provider, provider), ()):
            if id(model) not in matched and not model.deprecated:
                offer = _offer(provider, model, noon)
                if offer is not None:
                    yield offer
