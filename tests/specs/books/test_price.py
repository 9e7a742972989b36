"""Rows of the pricing book refuse what cannot be true."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from planner.specs.books.limits import RateLimitEdition
from planner.specs.books.price import ApiModel, OffPeakWindow
from planner.specs.books.rental import GpuRental

PRICE = {
    "effective_from": date(2024, 7, 18),
    "basis": "announced",
    "input_usd_per_mtok": 0.15,
    "output_usd_per_mtok": 0.6,
    "source": "https://example.com/pricing",
    "checked": date(2026, 11, 23),
    "confidence": "high",
}
MODEL = {
    "id": "openai/gpt-4o-mini",
    "name": "GPT-4o mini",
    "lifecycle": {"status": "current"},
    "prices": (PRICE,),
}
RENTAL_PRICE = {
    "effective_from": date(2026, 7, 20),
    "on_demand_usd_per_hour": 55.04,
    "source": "x",
    "checked": date(2026, 11, 23),
    "confidence": "high",
}
RENTAL = {
    "id": "aws/p5.48xlarge/us-east-1",
    "instance": "p5.48xlarge",
    "gpu": "h100-sxm",
    "gpu_count": 8,
    "prices": (RENTAL_PRICE,),
}
EDITION = {
    "id": "openai/2025",
    "provider": "openai",
    "valid_from": date(2025, 5, 1),
    "accounting": {"output_counts": "in_total"},
    "tiers": ({"id": "tier_1", "name": "Tier 1"},),
    "limits": ({"models": ("*",), "by_tier": ({"tier": "tier_1", "requests_per_minute": 500},)},),
    "source": "x",
    "checked": date(2026, 11, 23),
    "confidence": "high",
}


def model(**changes: Any) -> ApiModel:
    return ApiModel.model_validate(MODEL | changes)


def test_complete_rows_are_accepted_and_frozen() -> None:
    assert GpuRental.model_validate(RENTAL).cloud == "aws"
    assert RateLimitEdition.model_validate(EDITION).provider == "openai"
    row = model()
    assert row.provider == "openai"
    with pytest.raises(ValidationError):
        row.prices[0].input_usd_per_mtok = 0.0  # type: ignore[misc]


def test_prices_must_be_in_order_of_their_dates() -> None:
    earlier = PRICE | {"effective_from": date(2024, 1, 1)}
    assert len(model(prices=(earlier, PRICE)).prices) == 2
    with pytest.raises(ValidationError, match="that rise, found 2024-01-01 after 2024-07-18"):
        model(prices=(PRICE, earlier))


def test_a_cached_price_needs_cache_rules_and_may_not_exceed_input() -> None:
    rules = {"mode": "automatic", "writes": "as_input"}
    cached = PRICE | {"cached_read_usd_per_mtok": 0.075}
    assert model(prices=(cached,), cache=rules).cache is not None
    with pytest.raises(ValidationError, match="the model's cache rules"):
        model(prices=(cached,))
    with pytest.raises(ValidationError, match=r"cached input at most 0\.15"):
        model(prices=(PRICE | {"cached_read_usd_per_mtok": 0.2},), cache=rules)


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf"), "0.15", True])
def test_a_price_is_a_finite_number_not_below_zero(price: object) -> None:
    with pytest.raises(ValidationError, match="input_usd_per_mtok"):
        model(prices=(PRICE | {"input_usd_per_mtok": price},))


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="inptu_usd"):
        model(prices=(PRICE | {"inptu_usd": 1.0},))


def test_a_retired_row_says_when() -> None:
    with pytest.raises(ValidationError, match="retired_on with status retired"):
        model(lifecycle={"status": "retired"})
    with pytest.raises(ValidationError, match="deprecated_on at or before"):
        model(
            lifecycle={
                "status": "retired",
                "deprecated_on": date(2025, 2, 1),
                "retired_on": date(2025, 1, 1),
            }
        )


def test_long_context_tiers_must_rise() -> None:
    tiers = tuple(
        {"above_input_tokens": tokens, "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 1.0}
        for tokens in (200_000, 128_000)
    )
    with pytest.raises(ValidationError, match="long_context thresholds that rise"):
        model(prices=(PRICE | {"long_context": tiers},))


def test_an_off_peak_window_reads_its_times() -> None:
    window = OffPeakWindow(starts_utc="16:30", ends_utc="00:30")
    assert (window.start.hour, window.start.minute, window.end.hour) == (16, 30, 0)
    with pytest.raises(ValidationError):
        OffPeakWindow(starts_utc="24:00", ends_utc="00:30")


def test_a_rental_without_any_price_is_refused() -> None:
    empty = {key: value for key, value in RENTAL_PRICE.items() if key != "on_demand_usd_per_hour"}
    with pytest.raises(ValidationError, match="a purchase price above 0"):
        GpuRental.model_validate(RENTAL | {"prices": (empty,)})
    with pytest.raises(ValidationError, match="that rise"):
        GpuRental.model_validate(RENTAL | {"prices": (RENTAL_PRICE, RENTAL_PRICE)})


def test_an_edition_refuses_limits_of_a_tier_that_it_lacks() -> None:
    line = {"models": ("*",), "by_tier": ({"tier": "tier_9"},)}
    with pytest.raises(ValidationError, match="tiers of the edition: tier_1, found tier_9"):
        RateLimitEdition.model_validate(EDITION | {"limits": (line,)})
    with pytest.raises(ValidationError, match="valid_to after"):
        RateLimitEdition.model_validate(EDITION | {"valid_to": date(2025, 5, 1)})
