"""Arrivals in steps, against drawn ones."""

import numpy as np
import pytest

from planner.formulas.arrivals import arrivals_beside, arrivals_together


@pytest.mark.parametrize(
    ("burstiness", "per_step"), [(1.0, 0.2), (1.0, 2.0), (2.5, 0.2), (2.5, 1.0), (2.5, 3.0)]
)
def test_steps_share_arrivals_as_drawn_ones_do(burstiness: float, per_step: float) -> None:
    rng = np.random.default_rng(4)
    gaps = rng.gamma(1 / burstiness, burstiness, 400_000)
    times = np.cumsum(gaps)
    counts = np.bincount((times / per_step).astype(np.int64))
    found = float(arrivals_together(per_step=per_step, burstiness=burstiness))
    assert counts[counts > 0].mean() == pytest.approx(found, rel=0.03)
    beside = (counts * (counts - 1)).sum() / counts.sum()
    clumped = float(arrivals_beside(per_step=per_step, burstiness=burstiness))
    assert beside == pytest.approx(clumped, rel=0.25)


def test_an_arrival_is_never_in_less_company_than_its_own() -> None:
    """Gaps more regular than Poisson's, and next to nothing arriving: each step that has one has one."""
    assert arrivals_together(per_step=1e-6, burstiness=0.5) == pytest.approx(1.0)
