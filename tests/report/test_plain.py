"""Results as plain values."""

import json
from dataclasses import dataclass
from datetime import date

from planner.report.plain import plain, to_json
from planner.specs.scenario.caching import ResponseCache


@dataclass(frozen=True)
class Sizes:
    weights_bytes: float
    bytes_per_token: float
    kv_bytes: float | None
    days: tuple[date, ...]


def test_whole_bytes_become_integers_and_half_ones_stay() -> None:
    found = plain(Sizes(weights_bytes=1024.0, bytes_per_token=0.5, kv_bytes=None, days=(date(2026, 1, 2),)))
    assert found == {"weights_bytes": 1024, "bytes_per_token": 0.5, "kv_bytes": None, "days": ["2026-01-02"]}
    assert isinstance(found["weights_bytes"], int)


def test_bytes_without_end_are_unknown() -> None:
    assert (
        plain(Sizes(weights_bytes=float("inf"), bytes_per_token=1.0, kv_bytes=0.0, days=()))["weights_bytes"]
        is None
    )


def test_json_has_no_infinities_and_documents_leave_out_what_is_not_set() -> None:
    text = to_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": ResponseCache(hit_rate=0.5)})
    assert json.loads(text) == {"a": None, "b": [None, 1.5], "c": {"hit_rate": 0.5, "cost_usd_per_month": 0}}
    assert text.endswith("}\n")


def test_a_class_is_not_taken_for_its_instance() -> None:
    assert plain({"kind": Sizes})["kind"] is Sizes
