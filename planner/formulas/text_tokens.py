"""Text measured in words, characters or pages, turned into tokens."""

from __future__ import annotations

from planner.units import Numeric

# Rule of thumb for English in a 100k–200k vocabulary: 1M tokens ≈ 750k words ≈ 2,500 pages of 300 words [1]_,
# and one token ≈ 4 characters [2]_.
# .. [1] Module 07 cheat sheet, "Token-to-Word Approximation".
# .. [2] OpenAI, "What are tokens and how to count them?" (help centre).
WORDS_PER_TOKEN = 0.75
CHARACTERS_PER_TOKEN = 4.0
WORDS_PER_PAGE = 300.0


def tokens_from_words(words: Numeric, words_per_token: Numeric = WORDS_PER_TOKEN) -> Numeric:
    """Return the tokens of a text of so many English words. [tokens]

    Parameters
    ----------
    words : length of the text. [words]
    words_per_token : words that one token covers in this tokenizer. [words/token]

    References
    ----------
    .. [1] Module 07 cheat sheet, "Token-to-Word Approximation": 1 word ≈ 1.33 tokens.

    Examples
    --------
    >>> tokens_from_words(750_000)
    1000000.0
    """
    return words / words_per_token


def tokens_from_characters(
    characters: Numeric, characters_per_token: Numeric = CHARACTERS_PER_TOKEN
) -> Numeric:
    """Return the tokens of a text of so many characters. [tokens]

    Parameters
    ----------
    characters : length of the text. [characters]
    characters_per_token : characters that one token covers in this tokenizer. [characters/token]

    References
    ----------
    .. [1] OpenAI, "What are tokens and how to count them?": 1 token ≈ 4 characters of English.

    Examples
    --------
    >>> tokens_from_characters(800)
    200.0
    """
    return characters / characters_per_token


def tokens_from_pages(pages: Numeric, words_per_token: Numeric = WORDS_PER_TOKEN) -> Numeric:
    """Return the tokens of so many pages of 300 words. [tokens]

    Parameters
    ----------
    pages : length of the text. [pages]
    words_per_token : words that one token covers in this tokenizer. [words/token]

    References
    ----------
    .. [1] Module 07 cheat sheet, "Token-to-Word Approximation": 1 page ≈ 300 words ≈ 400 tokens.

    Examples
    --------
    >>> tokens_from_pages(2_500)
    1000000.0
    """
    return tokens_from_words(pages * WORDS_PER_PAGE, words_per_token)
