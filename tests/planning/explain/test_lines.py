"""Where the lines of a model's bill come from: tokens times price, on the account's terms."""

import pytest

from tests.planning.explain.numbers import leaf, number, operand, operands
from tests.planning.scenes import FAQ

AGENT = "scenarios/coding-agent.yaml"


def test_a_line_is_the_price_of_a_call_times_the_calls() -> None:
    """2,000 input tokens at 0.15 USD/Mtok in 240,000 calls: 72 USD."""
    found = number("cost.by_model[0].lines[0].usd_per_month")
    assert found.value == pytest.approx(2000 * 0.15e-6 * 240_000)
    call = operand(found, "usd_per_call")
    assert operands(call)["usd_per_mtok"] == 0.15
    assert leaf(call, "usd_per_mtok").place == "pricing.yaml api openai/gpt-4o-mini input_usd_per_mtok"


@pytest.mark.parametrize(("line", "tokens", "usd_per_mtok"), [(1, 4410, 0.3), (2, 490, 3.75), (4, 600, 15.0)])
def test_reads_writes_and_hidden_tokens_have_prices_of_their_own(
    line: int, tokens: float, usd_per_mtok: float
) -> None:
    """A prefix of 4,900 tokens is found nine times out of ten: 4,410 tokens are read and 490 written."""
    found = number(f"cost.by_model[0].lines[{line}].usd_per_month", AGENT)
    assert operand(found, "usd_per_call").value == pytest.approx(tokens * usd_per_mtok / 1e6)


def test_a_contract_and_a_region_stand_between_the_list_price_and_ours() -> None:
    """3 USD/Mtok less 12 % of the contract, plus 10 % for the region: 2.904."""
    line = number("cost.by_model[0].caching.saving_usd_per_request", FAQ)
    prices = [each.value for each in line.operands if each.name == "usd_per_mtok"]
    assert prices[0] == pytest.approx(3.0 * 0.88 * 1.1)


def test_failed_attempts_that_are_charged_are_part_of_an_answer() -> None:
    found = number("cost.by_model[0].lines[0].usd_per_month", FAQ)
    assert operand(found, "usd_per_call").rule == "usd_per_answer × billed_calls"
