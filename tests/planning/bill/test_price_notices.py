"""A price says when it should not be trusted."""

from datetime import date

import pytest

from planner.inputs.books import load_books
from planner.planning.bill.price_notices import price_notices

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("name", "as_of", "codes"),
    [
        ("claude-opus-4-7", TODAY, set()),
        ("gpt-4o-mini", TODAY, {"PRICE-RETIRES"}),
        ("gpt-4o-mini", date(2025, 6, 15), set()),  # the retirement was announced on 2026-10-14
        ("groq/qwen3-32b", TODAY, {"PRICE-UNLISTED"}),
        ("groq/qwen3-32b", date(2026, 1, 1), set()),
        ("claude-sonnet-5", TODAY, {"PRICE-DISPUTED"}),
        ("fireworks/llama-3.1-8b-instruct", TODAY, {"PRICE-DISPUTED", "PRICE-WEAK"}),
        ("claude-opus-4-7", date(2027, 2, 21), set()),  # 90 days after the check
        ("claude-opus-4-7", date(2027, 2, 22), {"PRICE-OLD"}),
    ],
)
def test_a_notice_comes_when_it_is_due(name: str, as_of: date, codes: set[str]) -> None:
    model = load_books().api.find(name)
    assert {notice.code for notice in price_notices(model, model.prices[-1], as_of)} == codes


@pytest.mark.parametrize(
    ("name", "ours", "theirs"), [("gpt-4.1", 1, 0.5), ("gpt-4.1-mini", 0.2, 0.1), ("o3", 1, 0.5)]
)
def test_a_dispute_about_a_mode_is_said_where_that_mode_is_bought(
    name: str, ours: float, theirs: float
) -> None:
    model = load_books().api.find(name)
    price = model.prices[-1]
    (found,) = (each for each in price_notices(model, price, TODAY, "batch") if each.code == "PRICE-DISPUTED")
    assert f"openai/{name} in batch mode" in found.message
    assert f"cached {ours:g} USD/Mtok, genai-prices 0.2.3 has" in found.message
    assert found.message.endswith(f"cached {theirs:g}")
    assert found.cure is not None
    assert "the vendor's batch table shows none" in found.cure
    codes = {each.code for each in price_notices(model, price, TODAY)}
    assert "PRICE-DISPUTED" not in codes
    assert "PRICE-DISPUTED" not in {each.code for each in price_notices(model, price, TODAY, "flex")}
