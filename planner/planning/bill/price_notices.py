"""What a reader should know about a price before trusting it."""

from __future__ import annotations

from datetime import date

from planner.specs.base import Notice
from planner.specs.books.price import STANDARD, Alternate, ApiModel, ApiPrice, ModeOrStandard, TokenPrices

# Chosen: vendors changed prices of current models several times a year in 2025 and 2026.
PRICE_AGE_LIMIT_DAYS = 90


def price_notices(
    model: ApiModel, price: ApiPrice, as_of: date, mode: ModeOrStandard = STANDARD
) -> tuple[Notice, ...]:
    """Return the warnings that belong to a price row on a date: retiring, unlisted, disputed, weak, old."""
    found = (
        _retiring(model, as_of),
        _unlisted(model, as_of),
        _disputed(model, price, mode),
        _weak(model, price),
        _old(model, price, as_of),
    )
    return tuple(notice for notice in found if notice is not None)


def _retiring(model: ApiModel, as_of: date) -> Notice | None:
    life = model.lifecycle
    announced = life.deprecated_on is None or life.deprecated_on <= as_of
    if life.status != "deprecated" or life.retired_on is None or not announced:
        return None
    cure = f"plan for its successor {life.successor}" if life.successor else None
    return Notice(code="PRICE-RETIRES", message=f"{model.id} retires on {life.retired_on}", cure=cure)


def _unlisted(model: ApiModel, as_of: date) -> Notice | None:
    seen = model.lifecycle.last_seen
    if model.lifecycle.status != "unlisted" or (seen is not None and as_of <= seen):
        return None
    return Notice(
        code="PRICE-UNLISTED",
        message=f"{model.id} left the price lists after {seen}",
        cure="ask the provider whether it is still sold",
    )


def _disputed(model: ApiModel, price: ApiPrice, mode: ModeOrStandard) -> Notice | None:
    """Warn where another source has other prices of the mode that is bought."""
    found = [each for each in price.alternates if each.mode == mode]
    ours = price if mode == STANDARD else getattr(price.modes, mode)
    if not found or ours is None:
        return None
    others = "; ".join(f"{each.source} has {_prices(each)}" for each in found)
    name = model.id if mode == STANDARD else f"{model.id} in {mode} mode"
    shown = _prices(ours, read=any(each.cached_read_usd_per_mtok is not None for each in found))
    return Notice(
        code="PRICE-DISPUTED",
        message=f"sources disagree on {name}: the book has {shown} USD/Mtok, {others}",
        cure="; ".join(each.note for each in found if each.note) or None,
    )


def _prices(prices: TokenPrices | Alternate, *, read: bool = True) -> str:
    """Write input and output price, and that of cached input where there is one to compare."""
    cached = prices.cached_read_usd_per_mtok if read else None
    words = f"{prices.input_usd_per_mtok:g}/{prices.output_usd_per_mtok:g}"
    return words if cached is None else f"{words}, cached {cached:g}"


def _weak(model: ApiModel, price: ApiPrice) -> Notice | None:
    if price.confidence != "low":
        return None
    return Notice(
        code="PRICE-WEAK",
        message=f"the price of {model.id} rests on one second-hand source",
        cure="compare it with the provider's page",
    )


def _old(model: ApiModel, price: ApiPrice, as_of: date) -> Notice | None:
    age_days = (as_of - price.checked).days
    if age_days <= PRICE_AGE_LIMIT_DAYS:
        return None
    return Notice(
        code="PRICE-OLD",
        message=f"the price of {model.id} was last checked on {price.checked}, {age_days} days before {as_of}",
        cure="compare it with the provider's page",
    )
