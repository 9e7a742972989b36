"""A gate opens for shares and for amounts alike, and a rise is never a fall."""

from hypothesis import given, strategies as st

from planner.formulas.gates import exceeds_fall, exceeds_gate

USD, SHARES = st.floats(0, 1e6), st.floats(0, 2)


@given(USD, USD, SHARES, USD, st.floats(0, 1e6))
def test_a_gate_that_holds_more_lets_more_pass(
    before: float, after: float, share: float, amount: float, more: float
) -> None:
    if not exceeds_gate(before, after, share, amount):
        assert not exceeds_gate(before, after, share, amount + more)
        assert before == 0 or not exceeds_gate(before, after, share + more, amount)


@given(USD, USD, SHARES, USD)
def test_nothing_rises_and_falls_at_once(before: float, after: float, share: float, amount: float) -> None:
    assert not (exceeds_gate(before, after, share, amount) and exceeds_fall(before, after, share, amount))


@given(USD, SHARES, USD)
def test_what_stays_the_same_passes_every_gate(usd: float, share: float, amount: float) -> None:
    assert not exceeds_gate(usd, usd, share, amount)
    assert not exceeds_fall(usd, usd, share, amount)


@given(st.floats(0.01, 1e6), st.floats(1.01, 10))
def test_a_cost_where_there_was_none_is_judged_by_its_amount(limit: float, times: float) -> None:
    assert exceeds_gate(0.0, limit * times, 5.0, limit)
    assert not exceeds_gate(0.0, limit / times, 0.0, limit)
