"""From the pricing book to a price sheet: the row in force on a date, unpacked for one way of buying."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from planner.errors import DataError
from planner.formulas.bill import discounted_usd, regional_usd
from planner.planning.bill.price_notices import price_notices
from planner.specs.answers.request_cost import PriceSheet, PriceUsed, TierPrices
from planner.specs.books.price import (
    STANDARD,
    ApiModel,
    ApiPrice,
    CacheRules,
    Contract,
    ModeOrStandard,
    ModePrices,
    ServicePrices,
    TokenPrices,
    Ttl,
)
from planner.units import MTOK

CALLS_PER_QUOTE = 1000.0  # vendors quote fees per 1,000 calls


class Way(NamedTuple):
    """One way of buying: what is recorded beside the price."""

    mode: ModeOrStandard
    ttl: Ttl | None
    region: str | None
    off_peak: bool
    contract: str | None


def price_in_force(model: ApiModel, as_of: date) -> ApiPrice:
    """Return the price row of a model that holds on a date.

    Raises
    ------
    DataError
        When the model was not sold yet, or is retired.
    """
    first = model.prices[0].effective_from
    if as_of < first:
        raise DataError(
            f"{model.id} has no price on {as_of}: the first is of {first}",
            cure=f"ask with --as-of {first} or later, or for another model",
        )
    retired = model.lifecycle.retired_on
    if retired is not None and as_of >= retired:
        successor = model.lifecycle.successor
        other = f", or take its successor {successor}" if successor else ""
        raise DataError(
            f"{model.id} cannot be bought on {as_of}: it was retired on {retired}",
            cure=f"ask with --as-of before {retired}{other}",
        )
    return next(price for price in reversed(model.prices) if price.effective_from <= as_of)


def modes_of(price: ApiPrice, as_of: date) -> dict[ModeOrStandard, ServicePrices]:
    """Return the processing modes that can be bought under a price row on a date."""
    named: dict[ModeOrStandard, ModePrices | None] = {
        "batch": price.modes.batch,
        "flex": price.modes.flex,
        "priority": price.modes.priority,
    }
    sold: dict[ModeOrStandard, ServicePrices] = {
        name: prices
        for name, prices in named.items()
        if prices is not None and (prices.effective_from or as_of) <= as_of
    }
    return {STANDARD: price} | sold


def price_sheet(
    model: ApiModel,
    as_of: date,
    *,
    mode: ModeOrStandard = STANDARD,
    ttl: Ttl | None = None,
    region: str | None = None,
    off_peak: bool = False,
    contract: Contract | None = None,
) -> PriceSheet:
    """Unpack the prices of one model for one date and one way of buying.

    ``ttl`` is the lifetime of what is written to the prompt cache; ``None`` takes the model's default.

    Raises
    ------
    DataError
        When the model has no price on that date, lacks the mode, the region, off-peak hours or the lifetime,
        or the contract does not hold then or for this model; the valid choices are named.
    """
    price = price_in_force(model, as_of)
    prices = _service(model, price, as_of, mode, off_peak=off_peak)
    lifetime = _lifetime(model, ttl)
    way = Way(mode, lifetime, region, off_peak, contract.id if contract is not None else None)
    discount = _contract_factor(model, contract, as_of)
    in_region = _region_factor(model, price, region)
    tiers: tuple[TokenPrices, ...] = (prices, *prices.long_context)
    return PriceSheet(
        used=_used(model, price, prices, way),
        tiers=tuple(_tier(tier, model.cache, lifetime, discount * in_region) for tier in tiers),
        above_input_tokens=tuple(float(tier.above_input_tokens) for tier in prices.long_context),
        context_window_tokens=price.context_window_tokens or model.context_window_tokens,
        max_input_tokens=model.max_input_tokens,
        max_output_tokens=model.max_output_tokens,
        usd_per_call=_usd_per_call(price, discount),
        storage_usd_per_token_hour=_per_token(price.cache_storage_usd_per_mtok_hour, discount * in_region),
        notices=price_notices(model, price, as_of, mode),
    )


def _service(
    model: ApiModel, price: ApiPrice, as_of: date, mode: ModeOrStandard, *, off_peak: bool
) -> ServicePrices:
    modes = modes_of(price, as_of)
    if mode not in modes:
        raise DataError(
            f"{model.id} has no {mode} price on {as_of}", cure=f"modes on that date: {', '.join(modes)}"
        )
    if not off_peak:
        return modes[mode]
    if price.offpeak is None:
        raise DataError(f"{model.id} has no off-peak price on {as_of}", cure="leave --off-peak out")
    if mode != STANDARD:
        raise DataError(
            f"{model.id} has no off-peak {mode} price", cure=f"off-peak goes with mode {STANDARD}"
        )
    return price.offpeak


def _lifetime(model: ApiModel, ttl: Ttl | None) -> Ttl | None:
    offered = model.cache.ttls if model.cache is not None else ()
    if ttl is None or not offered:
        return offered[0] if offered else None
    if ttl not in offered:
        raise DataError(
            f"the prompt cache of {model.id} does not keep anything for {ttl}",
            cure=f"lifetimes: {', '.join(offered)}",
        )
    return ttl


def _region_factor(model: ApiModel, price: ApiPrice, region: str | None) -> float:
    if region is None:
        return 1.0
    factors = {each.region: each.factor for each in price.region_multipliers}
    if region not in factors:
        known = ", ".join(sorted(factors)) or "none"
        raise DataError(
            f"{model.id} has no price for region {region!r}", cure=f"regions with a price: {known}"
        )
    return factors[region]


def _contract_factor(model: ApiModel, contract: Contract | None, as_of: date) -> float:
    if contract is None:
        return 1.0
    ended = contract.valid_to is not None and as_of >= contract.valid_to
    if as_of < contract.valid_from or ended:
        until = f" to {contract.valid_to}" if contract.valid_to else ""
        raise DataError(
            f"contract {contract.id} does not hold on {as_of}",
            cure=f"it holds from {contract.valid_from}{until}",
        )
    if not contract.covers(model.id):
        raise DataError(
            f"contract {contract.id} is not about {model.id}", cure=f"it is about {contract.applies_to}"
        )
    return float(discounted_usd(1.0, contract.discount_fraction))


def _per_token(usd_per_mtok: float | None, factor: float) -> float | None:
    return None if usd_per_mtok is None else float(regional_usd(usd_per_mtok, factor)) / MTOK


def _write_price(prices: TokenPrices, cache: CacheRules | None, ttl: Ttl | None) -> float | None:
    if cache is None:
        return None
    if cache.writes == "free":
        return 0.0
    if cache.writes == "as_input":
        return prices.input_usd_per_mtok
    by_ttl = {
        "5m": prices.cache_write_5m_usd_per_mtok,
        "30m": prices.cache_write_30m_usd_per_mtok,
        "1h": prices.cache_write_1h_usd_per_mtok,
    }
    return by_ttl.get(ttl or "")


def _tier(prices: TokenPrices, cache: CacheRules | None, ttl: Ttl | None, factor: float) -> TierPrices:
    return TierPrices(
        input_usd_per_token=prices.input_usd_per_mtok * factor / MTOK,
        output_usd_per_token=prices.output_usd_per_mtok * factor / MTOK,
        cached_read_usd_per_token=_per_token(prices.cached_read_usd_per_mtok, factor),
        cache_write_usd_per_token=_per_token(_write_price(prices, cache, ttl), factor),
    )


def _usd_per_call(price: ApiPrice, factor: float) -> dict[str, float]:
    return {fee.name: fee.usd_per_thousand_calls * factor / CALLS_PER_QUOTE for fee in price.fees}


def _used(model: ApiModel, price: ApiPrice, prices: TokenPrices, way: Way) -> PriceUsed:
    return PriceUsed(
        model=model.id,
        effective_from=price.effective_from,
        basis=price.basis,
        source=price.source,
        checked=price.checked,
        confidence=price.confidence,
        status=model.lifecycle.status,
        retired_on=model.lifecycle.retired_on,
        mode=way.mode,
        ttl=way.ttl,
        region=way.region,
        off_peak=way.off_peak,
        contract=way.contract,
        input_usd_per_mtok=prices.input_usd_per_mtok,
        output_usd_per_mtok=prices.output_usd_per_mtok,
        cached_read_usd_per_mtok=prices.cached_read_usd_per_mtok,
        cache_write_usd_per_mtok=_write_price(prices, model.cache, way.ttl),
    )
