"""A lock holds the rules that its figures rest on, and no change of today's rules moves them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from planner.inputs.memory_profiles import load_vllm_memory
from planner.inputs.rules import load_rules
from planner.inputs.serving_profiles import load_serving_profiles
from planner.inputs.sides import side_of_files
from planner.planning.diff.difference import difference
from planner.planning.hosting.configurations import Workbenches
from planner.planning.lock.locked_rules import changed_rules, laid_over, used_rules
from planner.planning.lock.locking import lock_of, priced, side_of
from planner.planning.lock.staleness import stale_reasons
from planner.specs.books.rules import Rules
from planner.specs.gate.lock import Lock
from planner.specs.gate.side import Entry, Side
from tests.cases_of import entry_of
from tests.strategies import built

ERRORS = {
    "name": "errors",
    "traffic": {"requests_per_day": 20_000.0},
    "prompt": {"parts": {"user": {"words": 300.0}}, "output_tokens": 300.0, "counted_with": "o200k"},
    "models": [{"model": "openai/gpt-4o-mini"}],
    "caching": {"queries": "faq", "exact": {}},
    "reliability": {"timeout_s": 20.0, "errors": {"timeout": 0.02, "rate_limited": 0.05}},
    "hosting": {"api": {}},
}


def entry() -> Entry:
    return entry_of(built(ERRORS))


def of_lock(lock: Lock, rules: Rules) -> Side:
    memory, profiles = load_vllm_memory(), load_serving_profiles()
    return side_of(lock, label="lock", rules=rules, vllm_memory=memory, profiles=profiles)


def moved(value: Any) -> Any:
    """Return a plain document with every number in it made a little smaller."""
    if isinstance(value, dict):
        return {key: moved(item) for key, item in value.items()}
    if isinstance(value, list):
        return [moved(item) for item in value]
    small = isinstance(value, float) and not isinstance(value, bool)
    return value * 0.9 if small else value


def other_rules() -> Rules:
    """Rules of a planner to come: every factor is another one, and the order is another one, too."""
    rules = Rules.model_validate_json(load_rules().model_dump_json(), strict=False)
    document = moved(rules.model_dump(mode="json"))
    document["error_classes"].reverse()
    document["tokenizers"] = document["tokenizers"][:-1][::-1] + document["tokenizers"][-1:]
    return Rules.model_validate(document, strict=False)


@pytest.fixture(scope="module")
def shipped() -> Lock:
    side = side_of_files((Path("scenarios"),), root=Path(), label="files", today=date(2026, 11, 23))
    return lock_of(side, planner="1")


def test_every_example_prices_the_same_under_rules_that_are_all_others(shipped: Lock) -> None:
    other = other_rules()
    assert other.thresholds.headroom_fraction != load_rules().thresholds.headroom_fraction
    for each in of_lock(shipped, other).entries:
        outcome, _ = priced(each, Workbenches())
        assert outcome == each.recorded, each.place


def test_the_examples_would_not_price_the_same_without_the_rules_of_the_lock(shipped: Lock) -> None:
    without = shipped.model_copy(update={"rules": None})
    assert any(
        priced(each, Workbenches())[0] != each.recorded for each in of_lock(without, other_rules()).entries
    )


def test_a_lock_holds_the_classes_and_tokenizers_that_are_used_and_no_advice() -> None:
    lock = lock_of(Side(label="a", entries=(entry(),)), planner="1")
    assert lock.rules is not None
    assert set(lock.rules.error_classes) == {"timeout", "rate_limited"}
    assert set(lock.rules.tokenizers) == {"o200k", "unknown"}
    assert lock.rules.other_tokenizer == "unknown"
    assert lock_of(Side(label="none", entries=()), planner="1").rules is None


def under(rules: Rules) -> Entry:
    mine = entry()
    return replace(mine, case=replace(mine.case, rules=rules))


def changed() -> Iterator[tuple[str, Rules]]:
    rules = load_rules()
    numbers = rules.key_numbers
    faq = numbers.faq_hit_fraction.model_copy(update={"high": 0.7})
    classes = tuple(
        each.model_copy(update={"billed_fraction": 0.2}) if each.id == "timeout" else each
        for each in rules.error_classes
    )
    families = tuple(
        each.model_copy(update={"words_per_token": 0.5}) if each.id == "o200k" else each
        for each in rules.tokenizers
    )
    hits = numbers.model_copy(update={"faq_hit_fraction": faq})
    yield "error class timeout", rules.model_copy(update={"error_classes": classes})
    yield "tokenizer o200k", rules.model_copy(update={"tokenizers": families})
    yield "hit rate faq_hit_fraction", rules.model_copy(update={"key_numbers": hits})


@pytest.mark.parametrize(("words", "rules"), list(changed()), ids=lambda each: str(each)[:24])
def test_a_changed_rule_is_a_line_of_its_own_in_a_diff(words: str, rules: Rules) -> None:
    lock = lock_of(Side(label="a", entries=(entry(),)), planner="1")
    now = under(rules)
    (found,) = difference(of_lock(lock, rules), Side(label="b", entries=(now,))).scenarios
    (cause,) = found.causes
    assert (cause.kind, cause.name) == ("rules", f"planner's rules: {words}")
    assert cause.is_drift
    assert cause.usd_per_month == found.delta_usd_per_month
    assert found.status == "drifted"
    reasons = [
        str(each) for each in stale_reasons(lock, lock_of(Side(label="b", entries=(now,)), planner="1"))
    ]
    assert f"rule changed: {words}" in reasons


def test_a_rule_and_a_scenario_that_change_together_are_told_apart_and_sum_to_the_change() -> None:
    lock = lock_of(Side(label="a", entries=(entry(),)), planner="1")
    dearer = next(rules for words, rules in changed() if words == "error class timeout")
    more = built(ERRORS | {"traffic": {"requests_per_day": 30_000.0}})
    now = under(dearer)
    now = replace(now, case=replace(now.case, scenario=more))
    (found,) = difference(of_lock(lock, dearer), Side(label="b", entries=(now,))).scenarios
    assert [cause.kind for cause in found.causes] == ["rules", "volume"]
    assert sum(cause.usd_per_month for cause in found.causes) == found.delta_usd_per_month


def test_rules_of_a_class_that_todays_planner_lacks_are_kept_from_the_lock() -> None:
    case, rules = entry().case, load_rules()
    locked = used_rules((case,), ())
    fewer = rules.model_copy(
        update={"error_classes": rules.error_classes[:1], "tokenizers": rules.tokenizers[:1]}
    )
    back = used_rules((replace(case, rules=laid_over(fewer, locked)),), ())
    assert back == locked
    assert laid_over(rules, None) is rules
    assert laid_over(rules, locked) == rules


def test_what_counts_for_models_without_a_tokenizer_is_a_rule_too() -> None:
    locked = used_rules((entry().case,), ())
    other = locked.model_copy(update={"other_tokenizer": "o200k", "headroom_fraction": 0.5})
    assert changed_rules(locked, other) == (
        "tokenizer of models that name none (o200k)",
        "headroom of rate limits",
    )
