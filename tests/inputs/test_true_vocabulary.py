"""Exact counts with OpenAI's own ranks: an excerpt always, the whole vocabulary where it lies on this machine."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import tiktoken
import yaml

from planner.inputs import token_counts as counting
from planner.inputs.rules import load_rules
from planner.inputs.token_counts import token_counts

TESTS = Path(__file__).parents[1]
TEXTS: list[dict[str, Any]] = yaml.safe_load((TESTS / "cases/token_counts.yaml").read_text(encoding="utf-8"))[
    "texts"
]
# How o200k_base cuts a text before it joins bytes: tiktoken_ext/openai_public.py, MIT licence.
CASED = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
SMALL = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K_PATTERN = "|".join(
    [
        rf"[^\r\n\p{{L}}\p{{N}}]?{CASED}*{SMALL}+{ENDING}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{CASED}+{SMALL}*{ENDING}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
# OpenAI cookbook, "How to count tokens with tiktoken": ids of a sentence, and counts of three texts.
SENTENCE_IDS = {
    "o200k_base": [83, 8251, 2488, 382, 2212, 0],
    "cl100k_base": [83, 1609, 5963, 374, 2294, 0],
}
COOKBOOK_COUNTS = {"antidisestablishmentarianism": 6, "2 + 2 = 4": 7, "お誕生日おめでとう": 8}


def excerpt() -> tiktoken.Encoding:
    rows = (TESTS / "data/o200k_excerpt.tiktoken").read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (row.split() for row in rows)}
    return tiktoken.Encoding("excerpt", pat_str=O200K_PATTERN, mergeable_ranks=ranks, special_tokens={})


@pytest.fixture
def _excerpt_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    encoding = excerpt()
    monkeypatch.setattr(counting, "tiktoken_vocabulary", lambda _name: TESTS)
    monkeypatch.setattr(counting, "_encoding", lambda _name: encoding)


def test_the_ids_are_those_of_the_cookbook() -> None:
    assert excerpt().encode_ordinary("tiktoken is great!") == SENTENCE_IDS["o200k_base"]
    for text, tokens in COOKBOOK_COUNTS.items():
        assert len(excerpt().encode_ordinary(text)) == tokens, text


@pytest.mark.usefixtures("_excerpt_in_place")
@pytest.mark.parametrize("case", TEXTS, ids=lambda case: str(case["name"]))
def test_a_text_counts_what_it_takes_in_the_newest_vocabulary(case: dict[str, Any]) -> None:
    (count,) = token_counts(case["text"], [load_rules().family("o200k")])
    assert (count.tokens, count.counter) == (case["tokens"]["o200k"], "tiktoken o200k_base")


@pytest.mark.parametrize("family", ["o200k", "cl100k"])
def test_the_whole_vocabulary_gives_the_same_counts(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", os.environ["REAL_TIKTOKEN_CACHE_DIR"])
    row = load_rules().family(family)
    name = str(row.tiktoken)
    if counting.tiktoken_vocabulary(name) is None:
        pytest.skip(f"tiktoken's vocabulary {name} is not here; scripts/tiktoken_vocabulary.py puts it there")
    assert tiktoken.get_encoding(name).encode_ordinary("tiktoken is great!") == SENTENCE_IDS[name]
    for case in TEXTS:
        (count,) = token_counts(case["text"], [row])
        assert count.tokens == case["tokens"][family], case["name"]
