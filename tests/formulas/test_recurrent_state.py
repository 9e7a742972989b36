"""States divide among ranks and do not grow with tokens."""

from hypothesis import given, strategies as st

from planner.formulas.recurrent_state import delta_rule_state_bytes, mamba_state_bytes
from tests.quantities import COUNTS


@given(st.integers(1, 8), COUNTS)
def test_states_divide_evenly_among_ranks(ranks: int, heads: int) -> None:
    def delta(of: int) -> float:
        return float(
            delta_rule_state_bytes(key_heads=of, value_heads=2 * of, key_dim=128, value_dim=64, conv=4)
        )

    def mamba(of: int) -> float:
        return float(mamba_state_bytes(heads=of, head_dim=64, groups=of, state=128, conv=4))

    assert delta(ranks * heads) == ranks * delta(heads)
    assert mamba(ranks * heads) == ranks * mamba(heads)


def test_each_draft_token_adds_one_column_to_the_convolution() -> None:
    def state(drafts: int) -> float:
        return float(
            delta_rule_state_bytes(
                key_heads=16, value_heads=32, key_dim=128, value_dim=128, conv=4, speculative_tokens=drafts
            )
        )

    assert state(3) - state(0) == 3 * (2 * 16 * 128 + 32 * 128) * 2
