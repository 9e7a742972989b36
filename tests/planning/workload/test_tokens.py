"""The same text in the tokens of each model: factors, counts, bands, and what that does to the bill."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from planner.errors import InputError
from planner.inputs.books import load_books
from planner.inputs.estimating import read_all
from planner.inputs.locks import lock_text, parse_lock
from planner.inputs.rules import load_rules
from planner.inputs.sides import side_of_files
from planner.planning.bill.calls import price_calls
from planner.planning.diff.difference import difference
from planner.planning.estimate import estimate_scenario
from planner.planning.lock.locking import lock_of
from planner.planning.workload.tokens import prompt_tokens, workload_in
from planner.planning.workload.workload import workload_of
from planner.specs.books.tokenizer import TokenCount
from planner.specs.case import Case
from planner.specs.gate.side import Side
from planner.specs.scenario.workload import TextSize, Workload

WORKED = Path("scenarios/support-chatbot.yaml")
TODAY = date(2026, 11, 23)
CURRENT = ("as_of=2026-11-23", "accounts={}")
TEXT = "prompt={parts: {system: {words: 1500, static: true}, user: {characters: 4000}}, output_tokens: 400}"


def case_of(*sets: str) -> Case:
    (case,) = read_all((WORKED,), (*CURRENT, *sets))
    return case


def workload(case: Case) -> Workload:
    return workload_of(case.scenario, case.texts)


@pytest.mark.parametrize(
    ("model", "system", "user"),
    [
        ("openai/gpt-5.1", 2000, 1000),  # 1,500 words ÷ 0.75; 4,000 characters ÷ 4
        ("anthropic/claude-sonnet-4-6", 2000, 1176.47),  # ÷ 0.75; ÷ 3.4
        ("anthropic/claude-opus-4-8", 2702.70, 1600),  # ÷ 0.555; ÷ 2.5
        ("google/gemini-2.5-pro", 2142.86, 1000),  # ÷ 0.7; ÷ 4
        ("deepseek/deepseek-chat", 2400, 1200.12),  # ÷ 0.625; ÷ 3.333
    ],
)
def test_words_and_characters_become_tokens_by_the_family_of_the_model(
    model: str, system: float, user: float
) -> None:
    case = case_of(TEXT)
    found = prompt_tokens(case, workload(case), case.books.api.find(model))
    assert [part.tokens for part in found.parts] == pytest.approx([system, user], abs=0.01)
    assert found.input_tokens == pytest.approx(system + user, abs=0.01)
    assert {part.how for part in found.parts} == {"estimated"}


def test_the_newer_tokenizer_bills_35_per_cent_more_for_the_same_words() -> None:
    # claude-opus-4-6 and 4-8 have the same price; 555,000 words instead of 750,000 in a million tokens
    prompts = {
        model: case_of(
            "prompt={parts: {all: {words: 3000}}, output_tokens: 1}", f"models=[{{model: {model}}}]"
        )
        for model in ("claude-opus-4-6", "claude-opus-4-8")
    }
    lines = {
        name: next(
            line.usd_per_month for line in estimate_scenario(case, TODAY).cost.lines if line.name == "input"
        )
        for name, case in prompts.items()
    }
    assert lines["claude-opus-4-8"] / lines["claude-opus-4-6"] == pytest.approx(0.75 / 0.555)


def test_counts_stated_in_tokens_hold_for_every_model() -> None:
    case = case_of("models=[{model: claude-opus-4-8}]")
    stated = workload(case)
    assert workload_in(case, stated, case.books.api.find("claude-opus-4-8")) is stated


def test_counts_taken_with_one_tokenizer_are_translated_into_the_others() -> None:
    case = case_of("prompt.counted_with=o200k", "models=[{model: claude-opus-4-8}]")
    own = workload_in(case, workload(case), case.books.api.find("claude-opus-4-8"))
    # 2,000 in, of which 1,200 static, and 400 out, times 0.75 / 0.555
    assert own.input_tokens.mean == pytest.approx(2702.70, abs=0.01)
    assert own.static_prefix_tokens == pytest.approx(1621.62, abs=0.01)
    assert own.output_tokens.mean == pytest.approx(540.54, abs=0.01)


def test_an_exact_count_goes_before_the_rule_and_has_no_band() -> None:
    case = read_all((Path("scenarios/coding-agent.yaml"),))[0]
    name, text = next(iter(case.texts.items()))
    counted = replace(text, counts=(TokenCount(family="claude", tokens=777, counter="tokenizers made/up"),))
    case = replace(case, texts={**case.texts, name: counted})
    found = prompt_tokens(case, workload(case), case.books.api.find("claude-sonnet-4-6"))
    part = next(part for part in found.parts if part.name == name)
    assert (part.tokens, part.low, part.high, part.how) == (777, 777, 777, "counted")
    assert part.counter == "tokenizers made/up"


def test_the_band_of_an_estimate_is_the_one_of_its_family() -> None:
    case = case_of("prompt={parts: {all: {words: 750}}, output_tokens: 1}")
    known = prompt_tokens(case, workload(case), case.books.api.find("gpt-5.1"))
    unpublished = prompt_tokens(case, workload(case), case.books.api.find("xai/grok-4"))
    assert (known.low, known.high, known.grade) == pytest.approx((880, 1200, "datasheet"))
    assert (unpublished.low, unpublished.high, unpublished.grade) == pytest.approx((750, 1400, "assumed"))


def test_a_prompt_that_is_estimated_spreads_the_bill() -> None:
    import numpy as np

    case = case_of("prompt={parts: {all: {words: 3000}}, output_tokens: 1}", "models=[{model: gpt-5.1}]")
    spread = estimate_scenario(case, TODAY, rng=lambda: np.random.default_rng(0)).uncertainty
    assert spread is not None
    assert spread.swings[0].input == "input tokens"
    assert spread.p90_usd / spread.p50_usd == pytest.approx(1.2, rel=0.02)


def test_models_that_count_differently_are_not_compared_by_tokens_in_silence() -> None:
    mixed = "models=[{model: gpt-5.1, share: 0.5}, {model: claude-opus-4-8, share: 0.5}]"
    codes = {notice.code: notice for notice in estimate_scenario(case_of(mixed), TODAY).warnings}
    assert "1.35 times the tokens of openai/gpt-5.1" in codes["TOKENIZERS"].message
    assert codes["TOKENIZERS"].cure is not None
    assert "prompt.counted_with: o200k" in codes["TOKENIZERS"].cure
    said = estimate_scenario(case_of(mixed, "prompt.counted_with=o200k"), TODAY).warnings
    assert "TOKENIZERS" not in {notice.code for notice in said}
    alike = "models=[{model: gpt-5.1, share: 0.5}, {model: claude-sonnet-4-6, share: 0.5}]"
    assert "TOKENIZERS" not in {notice.code for notice in estimate_scenario(case_of(alike), TODAY).warnings}


def test_the_rate_limit_counts_the_tokens_of_the_model() -> None:
    case = case_of(
        "prompt={parts: {all: {words: 3000}}, output_tokens: 1}", "models=[{model: claude-opus-4-8}]"
    )
    (call,) = price_calls(case, workload(case), TODAY)
    assert call.workload.input_tokens.mean == pytest.approx(3000 / 0.555)


def test_every_model_of_the_book_names_a_family_of_the_table() -> None:
    known = {family.id for family in load_rules().tokenizers}
    named = {row.tokenizer for row in load_books().api.rows.values()}
    assert named - {None} <= known


def test_a_model_that_names_no_tokenizer_gets_the_widest_band() -> None:
    rules = load_rules()
    unknown = rules.family(None)
    assert unknown.id == "unknown"
    assert unknown.high_factor == max(family.high_factor for family in rules.tokenizers)
    assert unknown.low_factor == min(family.low_factor for family in rules.tokenizers)


def test_an_unknown_tokenizer_is_refused_with_the_choices_and_the_nearest() -> None:
    with pytest.raises(InputError) as error:
        case_of("prompt.counted_with=o200")
    (fault,) = error.value.faults
    assert (fault.key, fault.found, fault.nearest) == ("prompt.counted_with", "'o200'", "o200k")
    assert fault.expected.startswith("a tokenizer family (o200k, cl100k, claude, claude-2026, gemini")


def test_a_lock_keeps_the_counts_of_a_prompt_file() -> None:
    side = side_of_files((Path("scenarios/coding-agent.yaml"),), root=Path(), label="files", today=TODAY)
    lock = lock_of(side, planner="1")
    (name, locked), *_ = lock.scenarios.items()
    part, text = next(iter(locked.texts.items()))
    counted = replace(text, counts=(TokenCount(family="claude", tokens=777, counter="tokenizers made/up"),))
    entry = locked.model_copy(update={"texts": {**locked.texts, part: counted}})
    lock = lock.model_copy(update={"scenarios": {**lock.scenarios, name: entry}})
    assert parse_lock(lock_text(lock).encode(), "lock") == lock


def test_a_machine_without_the_vocabulary_reports_no_change() -> None:
    side = side_of_files((Path("scenarios/coding-agent.yaml"),), root=Path(), label="files", today=TODAY)
    (entry,) = side.entries
    part, text = next(iter(entry.case.texts.items()))
    counts = (TokenCount(family="claude", tokens=777, counter="tokenizers made/up"),)

    def with_text(changed: TextSize) -> Side:
        case = replace(entry.case, texts={**entry.case.texts, part: changed})
        return replace(side, entries=(replace(entry, case=case, recorded=None),))

    counted = with_text(replace(text, counts=counts))
    assert difference(counted, side).delta_usd_per_month == 0
    assert difference(side, counted).delta_usd_per_month == 0
    edited = with_text(replace(text, counts=counts, sha256="0" * 64))
    assert (
        difference(side, edited).delta_usd_per_month > 0
    )  # 777 tokens instead of 434, in a file that changed
