"""Words, characters and pages of the same text make about the same tokens."""

import pytest
from hypothesis import given, strategies as st

from planner.formulas.text_tokens import (
    CHARACTERS_PER_TOKEN,
    WORDS_PER_PAGE,
    WORDS_PER_TOKEN,
    tokens_from_characters,
    tokens_from_pages,
    tokens_from_words,
)


@given(st.floats(0, 1e9))
def test_a_page_is_its_words(pages: float) -> None:
    assert tokens_from_pages(pages) == pytest.approx(tokens_from_words(pages * WORDS_PER_PAGE))


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_texts_put_together_have_the_tokens_of_both(one: float, other: float) -> None:
    assert tokens_from_words(one + other) == pytest.approx(tokens_from_words(one) + tokens_from_words(other))


def test_the_two_rules_of_thumb_agree_on_english() -> None:
    # a word of English has 4.7 letters and a space: 0.75 words a token are 4.3 characters, the rule says 4
    characters = 5.7 * WORDS_PER_TOKEN
    assert characters == pytest.approx(CHARACTERS_PER_TOKEN, rel=0.08)
    assert tokens_from_characters(5.7 * 300) == pytest.approx(tokens_from_words(300), rel=0.08)
