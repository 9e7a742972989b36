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
# Characters of English prose, at the 4 a token of the rule, that take as many tokens as one character of each kind.
# Least squares on what tiktoken's o200k_base takes for 184 texts (prose in twelve languages, Markdown, Python,
# JavaScript, C, JSON, CSV), each kind of text weighing as the root of its number. It takes 0.89 to 1.12 times that in
# eight of ten of them, where plain characters are off by 0.86 to 1.73. tests/cases/token_counts.yaml has other texts.
PER_LETTER = 0.84
PER_DIGIT = 2.36
PER_SYMBOL = 2.85
PER_OTHER_LETTER = 1.10
PER_WIDE_CHARACTER = 2.74
PER_FURTHER_SPACE = 0.23


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


def prose_characters(
    letters: Numeric,
    digits: Numeric = 0.0,
    symbols: Numeric = 0.0,
    other_letters: Numeric = 0.0,
    wide: Numeric = 0.0,
    further_spaces: Numeric = 0.0,
) -> Numeric:
    """Return the characters of English prose that take as many tokens as a text of these. [characters]

    Digits and symbols are split finely, Chinese and Japanese take most of a token for each character, and a run of
    spaces is one token.

    Parameters
    ----------
    letters : ASCII letters, and the first space of each run. [characters]
    digits : ASCII digits. [characters]
    symbols : everything else below the scripts of East Asia. [characters]
    other_letters : of Latin with accents, Greek, Cyrillic, Arabic and other alphabets. [characters]
    wide : of Chinese, Japanese and Korean, and what comes behind them in Unicode. [characters]
    further_spaces : white space behind the first of each run. [characters]

    References
    ----------
    .. [1] OpenAI, tiktoken, vocabulary o200k_base; fitted, see the constants.

    Examples
    --------
    >>> round(prose_characters(812.0)), round(prose_characters(0.0, wide=100.0))
    (682, 274)
    """
    return (
        PER_LETTER * letters
        + PER_DIGIT * digits
        + PER_SYMBOL * symbols
        + PER_OTHER_LETTER * other_letters
        + PER_WIDE_CHARACTER * wide
        + PER_FURTHER_SPACE * further_spaces
    )


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
