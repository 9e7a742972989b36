"""What lies outside a scenario is told apart from what changed in it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from planner.planning.diff import scenario_difference
from planner.planning.diff.difference import difference
from planner.planning.diff.drift import drift_steps
from planner.planning.diff.priced_entry import Point, point_of, priced_entry
from planner.planning.hosting.configurations import Workbenches
from planner.planning.lock.locking import lock_of, side_of as side_of_lock
from planner.planning.lock.used_rows import books_of, rows_of
from planner.specs.gate.difference import Cause, ScenarioDifference
from planner.specs.gate.side import Entry, Side
from tests.cases_of import books, case_of, entry_of
from tests.strategies import AS_OF, built

CHAT: dict[str, Any] = {
    "name": "chat",
    "traffic": {"requests_per_day": 10_000.0},
    "prompt": {"input_tokens": 2000.0, "output_tokens": 400.0},
    "models": [{"model": "openai/gpt-4o-mini"}],
}
BULK: dict[str, Any] = {
    "name": "bulk",
    "traffic": {"requests_per_second": 14.0},
    "prompt": {"input_tokens": 1800.0, "output_tokens": 220.0},
    "models": [{"model": "google/gemini-2.5-flash"}],
    "hosting": {
        "self_hosted": {
            "models": ["llama-3.1-8b-instruct"],
            "quantization": ["fp8"],
            "gpus": ["l40s"],
            "tensor_parallel": 1,
            "quality_equivalent": True,
        }
    },
}


def entry(document: dict[str, Any], as_of: date = AS_OF, **changed: Any) -> Entry:
    return entry_of(built(document | changed), as_of=as_of)


def one(base: Entry, head: Entry) -> ScenarioDifference:
    found = difference(Side(label="base", entries=(base,)), Side(label="head", entries=(head,)))
    (each,) = found.scenarios
    if each.delta_usd_per_month is not None:
        assert sum(cause.usd_per_month for cause in each.causes) == each.delta_usd_per_month
    return each


def only(each: ScenarioDifference) -> Cause:
    (cause,) = each.causes
    return cause


def test_a_later_date_moves_the_price_and_not_the_scenario() -> None:
    mistral: dict[str, Any] = {"models": [{"model": "mistral/mistral-small-latest"}]}
    each = one(entry(CHAT, date(2026, 1, 5), **mistral), entry(CHAT, AS_OF, **mistral))
    cause = only(each)
    assert (cause.kind, cause.name, cause.before, cause.after) == (
        "price",
        "price date",
        "2026-01-05",
        "2026-11-01",
    )
    # 600 Mtok × (0.15 − 0.10) + 120 Mtok × (0.60 − 0.30) USD
    assert abs(cause.usd_per_month - 66.0) < 1e-5
    assert (each.status, cause.is_drift) == ("drifted", True)


def test_dearer_gpus_and_other_coefficients_are_lines_of_their_own() -> None:
    base = entry(BULK)
    used = rows_of(books())
    dearer = {}
    for key, row in books().rentals.items():
        if row.gpu == "l40s":
            prices = tuple(
                price.model_copy(update={"on_demand_usd_per_hour": (price.on_demand_usd_per_hour or 1.0) * 2})
                for price in row.prices
            )
            dearer[key] = row.model_copy(update={"prices": prices})
    own = books_of({**used, "rentals": {**used["rentals"], **dearer}}, "own")
    memory = base.case.vllm_memory.model_copy(update={"hidden_copies": 400.0})
    head = replace(base, case=replace(base.case, books=own, vllm_memory=memory))
    each = one(base, head)
    gpu = next(cause for cause in each.causes if cause.name.startswith("GPU prices of"))
    assert gpu.kind == "price"
    assert gpu.usd_per_month > 0
    assert {cause.kind for cause in each.causes} <= {"price", "profile"}


def test_a_base_that_the_heads_date_cannot_price_has_drift_and_model_as_one_cause() -> None:
    old = entry(CHAT, date(2025, 6, 15), models=[{"model": "anthropic/claude-3-5-sonnet"}])
    new = entry(CHAT, AS_OF, models=[{"model": "anthropic/claude-sonnet-4-6"}], batch={"share": 0.5})
    each = one(old, new)
    first, *others = each.causes
    assert (first.kind, first.name) == ("model mix", "price date and models")
    assert [cause.kind for cause in others] == ["batch share"]
    back = one(new, old)
    assert [cause.usd_per_month for cause in back.causes] == [-cause.usd_per_month for cause in each.causes]


def test_a_retired_model_is_unknown_on_its_side() -> None:
    retired = entry(CHAT, models=[{"model": "anthropic/claude-3-5-sonnet"}])
    each = one(entry(CHAT), retired)
    assert (each.status, each.delta_usd_per_month, each.causes) == ("unknown", None, ())
    assert [unknown.side for unknown in each.unknowns] == ["head"]
    assert [unknown.side for unknown in one(retired, entry(CHAT)).unknowns] == ["base"]
    assert [unknown.side for unknown in one(retired, retired).unknowns] == ["base", "head"]


def test_a_scenario_that_nothing_may_serve_is_unknown_and_not_free() -> None:
    each = one(entry(CHAT), entry(CHAT, constraints={"data": "on_device"}))
    (unknown,) = each.unknowns
    assert unknown.reason.startswith("no option holds")
    locked = lock_of(Side(label="a", entries=(entry(CHAT, constraints={"data": "on_device"}),)), planner="1")
    assert locked.scenarios["chat.yaml"].result.usd_per_month is None


def test_what_a_lock_recorded_and_todays_formulas_compute_otherwise_is_the_line_formula() -> None:
    head = entry(CHAT)
    case = case_of(head.case.scenario)
    lock = lock_of(Side(label="a", entries=(head,)), planner="old")
    side = side_of_lock(
        lock, label="lock", rules=case.rules, vllm_memory=case.vllm_memory, profiles=case.profiles
    )
    (base,) = side.entries
    assert base.recorded is not None
    other = replace(base, recorded=base.recorded.model_copy(update={"usd_per_month": 100.0}))
    cause = only(one(other, head))
    assert (cause.kind, cause.name, round(cause.usd_per_month, 5)) == (
        "formula",
        "planner's own formulas",
        62.0,
    )
    gone = replace(other, as_of=date(1999, 1, 1))
    cause = only(one(gone, head))
    assert cause.name.startswith(
        "recorded figures that cannot be computed again (openai/gpt-4o-mini has no price"
    )
    nothing = replace(base, recorded=base.recorded.model_copy(update={"usd_per_month": None}))
    assert [unknown.side for unknown in one(nothing, head).unknowns] == ["base"]
    same = replace(nothing, planner=head.planner)
    assert {unknown.side for unknown in one(same, head).unknowns} == {"base", "head"}


def test_a_row_that_only_the_base_knows_still_prices_the_base() -> None:
    head = entry(CHAT, models=[{"model": "openai/gpt-5-mini"}])
    case = case_of(head.case.scenario)
    sides = [
        side_of_lock(
            lock_of(Side(label="a", entries=(each,)), planner="1"),
            label="lock",
            rules=case.rules,
            vllm_memory=case.vllm_memory,
            profiles=case.profiles,
        )
        for each in (entry(CHAT), head)
    ]
    (each,) = difference(*sides).scenarios
    assert only(each).kind == "model mix"


def any_gpu(document: dict[str, Any]) -> dict[str, Any]:
    own = {**document["hosting"]["self_hosted"], "gpus": []}
    return document | {"hosting": {"self_hosted": own}}


def without_gpu(base: Entry, *gone: str) -> Entry:
    rows = rows_of(base.case.books)
    rented = {key: row for key, row in base.case.books.rentals.items() if row.gpu not in gone}
    return replace(base, case=replace(base.case, books=books_of({**rows, "rentals": rented}, "own")))


def test_a_gpu_that_the_book_did_not_have_is_a_line_of_its_own_where_any_gpu_is_taken() -> None:
    head = entry(any_gpu(BULK))
    chosen = one(head, entry(any_gpu(BULK), traffic={"requests_per_second": 15.0})).before
    assert chosen is not None
    assert chosen.choice is not None
    assert chosen.choice.gpu is not None
    cause = only(one(without_gpu(head, chosen.choice.gpu), head))
    assert (cause.kind, cause.name) == ("price", "machines that the book did not have")
    assert cause.usd_per_month < 0


def test_a_gpu_that_the_scenario_does_not_name_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    base, head = without_gpu(entry(BULK), "h100-sxm"), entry(BULK)
    asked: list[Entry] = []

    def point(each: Entry, benches: Workbenches) -> Point:
        asked.append(each)
        return point_of(each, benches)

    monkeypatch.setattr(scenario_difference, "point_of", point)
    each = one(base, head)
    assert (each.status, each.causes, asked) == ("unchanged", (), [])


def with_row(each: Entry, **changed: Any) -> Entry:
    rows = rows_of(each.case.books)
    row = each.case.books.api.rows["openai/gpt-4o-mini"].model_copy(update=changed)
    own = books_of({**rows, "api": {**rows["api"], row.id: row}}, "own")
    return replace(each, case=replace(each.case, books=own))


def test_a_row_that_changes_beside_its_prices_or_cannot_be_bought_has_no_price_to_tell() -> None:
    head = entry(CHAT)
    row = books().api.rows["openai/gpt-4o-mini"]
    dearer = tuple(price.model_copy(update={"cached_read_usd_per_mtok": None}) for price in row.prices)
    steps = {
        "cached": with_row(head, prices=dearer),
        "beside": with_row(head, aliases=("mini",)),
        "gone": with_row(head, lifecycle=row.lifecycle.model_copy(update={"retired_on": date(2026, 1, 1)})),
    }
    words = {}
    for name, changed in steps.items():
        priced = priced_entry(head, Workbenches())
        (step,) = drift_steps(priced, replace(priced, entry=changed))
        words[name] = (step.before, step.after)
    assert words["beside"] == words["gone"] == (None, None)
    assert words["cached"] == ("cached input 0.075 USD/Mtok", "cached input unknown USD/Mtok")
