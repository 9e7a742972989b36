"""The rules of estimating tokens against what the true vocabularies take for texts of several kinds."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.inputs.rules import load_rules
from planner.inputs.scenario import character_kinds
from planner.planning.workload.tokens import tokens_of_part
from planner.planning.workload.workload import text_amount
from planner.specs.books.tokenizer import PartTokens
from planner.specs.scenario.workload import PartSize, TextSize

CASES = Path(__file__).parents[2] / "cases" / "token_counts.yaml"
TEXTS: dict[str, dict[str, Any]] = {
    case["name"]: case for case in yaml.safe_load(CASES.read_text(encoding="utf-8"))["texts"]
}
COUNTED = ("o200k", "cl100k", "llama-3", "qwen", "gemini", "cohere")


def estimated(name: str, family: str) -> PartTokens:
    text = TEXTS[name]["text"]
    size = TextSize(
        file=name,
        characters=len(text),
        words=len(text.split()),
        sha256="0" * 64,
        kinds=character_kinds(text),
    )
    part = PartSize(name=name, unit="characters", amount=text_amount(size), static=False, text=size)
    return tokens_of_part(part, load_rules().family(family))


@pytest.mark.parametrize("family", COUNTED)
def test_seven_of_nine_texts_lie_inside_the_band_of_their_family(family: str) -> None:
    inside = {}
    for name, case in TEXTS.items():
        found = estimated(name, family)
        inside[name] = found.low <= case["tokens"][family] <= found.high
    assert sum(inside.values()) >= 7, inside


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "table"])
def test_the_newest_openai_vocabulary_is_met_within_a_seventh(name: str) -> None:
    assert estimated(name, "o200k").tokens == pytest.approx(TEXTS[name]["tokens"]["o200k"], rel=1 / 7)


def test_plain_characters_would_miss_data_and_chinese_by_far() -> None:
    for name, factor in (("data", 1.66), ("table", 2.33), ("chinese", 2.89)):
        plain = len(TEXTS[name]["text"]) / 4
        assert TEXTS[name]["tokens"]["o200k"] / plain == pytest.approx(factor, abs=0.01)


def test_the_kinds_of_characters_sum_to_all_of_them() -> None:
    text = "Año 2026:  x=1;\n\n東京 — мир"
    kinds = character_kinds(text)
    # Ao, x, and the spaces after Año, : , ; , 京 and — ; ñмир; 東京; the second space and line break
    assert (kinds.letters, kinds.other_letters, kinds.wide) == (8, 4, 2)
    assert (kinds.digits, kinds.symbols, kinds.further_spaces) == (5, 4, 2)
    assert sum((kinds.letters, kinds.other_letters, kinds.wide, 5, 4, 2)) == len(text)


def test_a_file_of_an_earlier_lock_counts_by_its_characters() -> None:
    assert text_amount(TextSize(file="a", characters=400, words=80, sha256="0")) == 400
