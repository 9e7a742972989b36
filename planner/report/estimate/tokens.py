"""The prompt in the tokens of each model, as a table: the same text takes more of them in some tokenizers."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from planner.report.numbers import count
from planner.report.screen import grid
from planner.specs.books.books import Books
from planner.specs.books.rules import Rules
from planner.specs.books.tokenizer import PromptTokens

WORDS_ASKED = 1000  #: the column that compares families: the same text, how many tokens
SAME_TEXT = 0.005  # a factor within this is shown as 1.00


def prompt_tokens_table(prompts: tuple[PromptTokens, ...]) -> Table | None:
    """Return a row for each model: its tokenizer family, the mean prompt with its band, and how that is known."""
    if not prompts:
        return None
    differ = any(abs(prompt.per_text_factor - 1) >= SAME_TEXT for prompt in prompts)
    same_text = ("same text",) if differ else ()  # of no use, and of some width, where all are alike
    table = grid("Prompt by model", "tokenizer", "tokens", "p10–p90", *same_text, "known by", left=2)
    for prompt in prompts:
        band = "exact" if prompt.low == prompt.high else f"{count(prompt.low)}–{count(prompt.high)}"
        table.add_row(
            prompt.model,
            prompt.family,
            count(prompt.input_tokens),
            band,
            *((f"× {prompt.per_text_factor:.2f}",) if differ else ()),
            _known_by(prompt),
        )
    return table


def _known_by(prompt: PromptTokens) -> str:
    counters = {part.counter for part in prompt.parts if part.counter is not None}
    estimated = any(part.how == "estimated" for part in prompt.parts)
    words = [f"counted, {counter}" for counter in sorted(counters)]
    if estimated:
        words.append("vendor's rule" if prompt.grade == "datasheet" else "common rule")
    return " + ".join(words) or "stated"


def tokenizers_listing(_books: Books, rules: Rules) -> RenderableType:
    """Return the tokenizer families: what a text takes in each, how sure that is, and below the table who says so."""
    table = grid(
        "tokenizer", "known by", "words/token", "characters", f"{WORDS_ASKED:,} words", "p10–p90", left=2
    )
    sources: dict[str, list[str]] = {}
    for family in rules.tokenizers:
        tokens = WORDS_ASKED / family.words_per_token
        sources.setdefault(family.source, []).append(family.id)
        table.add_row(
            family.id,
            "vendor's rule" if family.published else "common rule",
            f"{family.words_per_token:g}",
            f"{family.characters_per_token:g}",
            f"{count(tokens)} tokens",
            f"{count(tokens * family.low_factor)}–{count(tokens * family.high_factor)}",
        )
    lines = (Text(f"{', '.join(ids)}: {source}", style="dim") for source, ids in sources.items())
    return Group(table, Text(""), *lines)


def words_listing(books: Books, rules: Rules) -> RenderableType:
    """Return the models that can be bought by what a million English words cost, the cheapest first."""
    table = grid("API model", "tokenizer", "USD/Mtok in", "out", "USD/Mword in", "out", left=2)
    rows = []
    for row in books.api.rows.values():
        if row.lifecycle.status in ("retired", "unlisted"):
            continue
        family, price = rules.family(row.tokenizer), row.prices[-1]
        per_word = (
            price.input_usd_per_mtok / family.words_per_token,
            price.output_usd_per_mtok / family.words_per_token,
        )
        name = family.id if family.published else f"{family.id} (assumed)"
        rows.append((sum(per_word), row.id, name, price, per_word))
    for _, row_id, name, price, per_word in sorted(rows, key=lambda each: (each[0], each[1])):
        table.add_row(
            row_id,
            name,
            f"{price.input_usd_per_mtok:g}",
            f"{price.output_usd_per_mtok:g}",
            f"{per_word[0]:.3g}",
            f"{per_word[1]:.3g}",
        )
    return table


TEXT_LISTINGS = {"tokenizers": tokenizers_listing, "words": words_listing}
