"""The same card beside a desktop and beside a slow host."""

from __future__ import annotations

import pytest

from tests.planning.judge.rows import single


def test_a_card_beside_a_slow_host_answers_later() -> None:
    small: dict[str, object] = {"model": "Llama-3.2-3B", "value": 200.0}
    desktop, board = (
        single("Intel 13900K (Nvidia 4090)", **small),
        single("Pi CM5 (Nvidia RTX 4090)", **small),
    )
    assert 1 / board.value == pytest.approx(1 / desktop.value + 0.9e-3)
    assert board.low < board.value < board.high
    amd, beside = single("Ryzen 9 (AMD RX 7900 XT)", **small), single("Pi 5 - 8GB (AMD RX 7900 XT)", **small)
    assert beside.value == pytest.approx(amd.value / 2.4)
    assert single("Pi 5 (Intel Arc B580)", **small) == single("Intel Arc B580", **small)
