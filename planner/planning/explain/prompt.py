"""Derivations of the prompt in the tokens of each model."""

from __future__ import annotations

from collections.abc import Mapping

from planner.formulas.text_tokens import (
    WORDS_PER_TOKEN,
    tokens_from_characters,
    tokens_from_pages,
    tokens_from_words,
)
from planner.planning.explain.derivation import Derived, Function, Operand, of, product, quotient, stated
from planner.planning.explain.leaves import Scene, constant
from planner.planning.explain.sizes import part_operand
from planner.specs.answers.explanation import Origin
from planner.specs.books.tokenizer import TokenizerFamily

FORMULAS: Mapping[str, Function] = {
    "words": tokens_from_words,
    "characters": tokens_from_characters,
    "pages": tokens_from_pages,
}


def _family(s: Scene, index: int) -> TokenizerFamily:
    return s.case.rules.family(s.estimate.tokens[index].family)


def _leaf(family: TokenizerFamily, field: str) -> Operand:
    """Return one figure of a tokenizer family."""
    origin = Origin(
        kind="rule",
        place=f"planner/rules/tokenizers.yaml {family.id} {field}",
        source=family.source,
        checked=family.checked,
    )
    return Operand(name=field, value=getattr(family, field), origin=origin)


def _recounted(s: Scene, family: TokenizerFamily) -> tuple[Operand, ...]:
    """Return words per token of the family that counts were taken in and of this one; nothing where none is named."""
    named = s.case.scenario.prompt.counted_with
    return (
        (_leaf(s.case.rules.family(named), "words_per_token"), _leaf(family, "words_per_token"))
        if named
        else ()
    )


def _factor(s: Scene, index: int) -> Derived:
    parts = s.estimate.tokens[index].parts
    if not parts:
        return quotient(*_recounted(s, _family(s, index)))
    own = tuple(s.ref(f"tokens[{index}].parts[{part}].tokens", each.name) for part, each in enumerate(parts))
    common = tuple(part_operand(s, part) for part in range(len(parts)))
    return Derived(
        rule="Σ tokens of the parts ÷ Σ tokens of the parts by the common rule",
        operands=(*own, *common),
        replay=lambda *values: sum(values[: len(parts)]) / sum(values[len(parts) :]),
    )


def _end(s: Scene, index: int, end: str) -> Derived:
    """Return one end of the band of the prompt: that of its parts, scaled to the mean prompt."""
    parts = range(len(s.estimate.tokens[index].parts))
    whole = s.ref(f"tokens[{index}].input_tokens")
    ends = tuple(s.ref(f"tokens[{index}].parts[{part}].{end}") for part in parts)
    means = tuple(s.ref(f"tokens[{index}].parts[{part}].tokens") for part in parts)
    return Derived(
        rule=f"input_tokens × Σ {end} of the parts ÷ Σ tokens of the parts",
        operands=(whole, *ends, *means),
        replay=lambda mean, *each: mean * sum(each[: len(parts)]) / sum(each[len(parts) :]) if each else mean,
    )


def _part_tokens(s: Scene, index: int, part: int) -> Derived:
    found, family = s.estimate.tokens[index].parts[part], _family(s, index)
    amount = s.ref(f"workload.parts[{part}].amount")
    if found.how == "stated":
        taken = _recounted(s, family)
        return product(amount, _ratio(*taken)) if taken else stated(amount)
    if found.how == "counted":
        origin = Origin(kind="file", place=found.name, source=f"counted with {found.counter}")
        return stated(Operand(name="tokens", value=found.tokens, origin=origin))
    unit = s.estimate.workload.parts[part].unit
    field = "characters_per_token" if unit == "characters" else "words_per_token"
    return of(FORMULAS[unit], amount, _leaf(family, field))


def _ratio(taken: Operand, own: Operand) -> Operand:
    terms = quotient(taken, own)
    value = float(str(taken.value)) / float(str(own.value))
    return Operand(name="counted_with_factor", value=value, terms=terms)


def _part_end(s: Scene, index: int, part: int, end: str) -> Derived:
    tokens = s.ref(f"tokens[{index}].parts[{part}].tokens")
    if s.estimate.tokens[index].parts[part].how != "estimated":
        return stated(tokens)
    return product(tokens, _leaf(_family(s, index), f"{end}_factor"))


def _per_text(s: Scene, index: int) -> Derived:
    common = constant(
        "words_per_token_by_the_common_rule",
        WORDS_PER_TOKEN,
        "planner/formulas/text_tokens.py WORDS_PER_TOKEN",
        "rule of thumb of the cheat sheet",
    )
    return quotient(common, _leaf(_family(s, index), "words_per_token"))


TOKENS: Mapping[str, Function] = {
    "tokens[*].input_tokens": lambda s, index: product(
        s.ref("workload.input_tokens.mean", "input_tokens"), s.ref(f"tokens[{index}].factor")
    ),
    "tokens[*].low": lambda s, index: _end(s, index, "low"),
    "tokens[*].high": lambda s, index: _end(s, index, "high"),
    "tokens[*].factor": _factor,
    "tokens[*].per_text_factor": _per_text,
    "tokens[*].parts[*].tokens": _part_tokens,
    "tokens[*].parts[*].low": lambda s, index, part: _part_end(s, index, part, "low"),
    "tokens[*].parts[*].high": lambda s, index, part: _part_end(s, index, part, "high"),
}
