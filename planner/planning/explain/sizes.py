"""Derivations of token sizes: parts of the prompt, log-normals given by two figures, listed values."""

from __future__ import annotations

from planner.formulas.text_tokens import (
    CHARACTERS_PER_TOKEN,
    WORDS_PER_TOKEN,
    prose_characters,
    tokens_from_characters,
    tokens_from_pages,
    tokens_from_words,
)
from planner.formulas.traffic import (
    Z_P50,
    Z_P95,
    Z_P99,
    lognormal_quantile,
    lognormal_sigma_from_mean,
    lognormal_sigma_from_median,
)
from planner.planning.explain.derivation import Derived, Function, Operand, between, chosen, of, stated, total
from planner.planning.explain.leaves import Scene, constant
from planner.planning.workload.workload import part_tokens, token_stats
from planner.specs.scenario.traffic import TokenSizes

W = "workload"
KINDS = ("letters", "digits", "symbols", "other_letters", "wide", "further_spaces")
Z = {"p50": Z_P50, "p95": Z_P95, "p99": Z_P99}


def part_operand(s: Scene, index: int) -> Operand:
    """Return the tokens of one part of the prompt, from its amount and the tokens per unit."""
    part = s.estimate.workload.parts[index]
    return between(f"{part.name}_tokens", part_tokens(part), _part_tokens(s, index))


def _part_tokens(s: Scene, index: int) -> Derived:
    unit = s.estimate.workload.parts[index].unit
    amount = s.ref(f"{W}.parts[{index}].amount")
    if unit == "tokens":
        return stated(amount)
    per_token = {"characters": CHARACTERS_PER_TOKEN}.get(unit, WORDS_PER_TOKEN)
    name = "CHARACTERS_PER_TOKEN" if unit == "characters" else "WORDS_PER_TOKEN"
    ratio = constant(
        name.lower(), per_token, f"planner/formulas/text_tokens.py {name}", "rule of thumb of the cheat sheet"
    )
    formulas: dict[str, Function] = {
        "words": tokens_from_words,
        "characters": tokens_from_characters,
        "pages": tokens_from_pages,
    }
    return of(formulas[unit], amount, ratio)


def part_amount(s: Scene, index: int) -> Derived:
    """Return the size of a part in the unit in which it is known."""
    part = s.estimate.workload.parts[index]
    if part.text is not None and part.text.kinds is not None:
        return of(prose_characters, *(s.ref(f"{W}.parts[{index}].text.kinds.{kind}", kind) for kind in KINDS))
    if part.text is not None:
        return stated(s.ref(f"{W}.parts[{index}].text.characters"))
    key = f"prompt.parts.{part.name}.{part.unit}"
    if part.unit != "tokens":
        return stated(s.key(key))
    sizes = (s.case.scenario.prompt.parts or {})[part.name].tokens
    return of_sizes(s, sizes or TokenSizes(mean=part.amount), key, "mean")


def of_sizes(s: Scene, sizes: TokenSizes, key: str, field: str) -> Derived:
    """Return a statistic of a number, of a log-normal given by two figures, or of listed values."""
    stats = token_stats(sizes)
    if sizes.values is not None:
        return Derived(
            rule=f"{field} of the listed values",
            operands=(s.key(key),),
            replay=lambda _: getattr(stats, field),
        )
    tail = "p99" if sizes.p99 is not None else "p95"
    if getattr(sizes, tail) is None:
        one = s.key(key, "tokens")
        if field == "sigma":
            return Derived(rule="0: the count does not vary", operands=(one,), replay=lambda _: 0.0)
        return chosen(
            Operand(name="tokens", value=stats.mean, origin=one.origin), rule="the same for every request"
        )
    centre = "p50" if sizes.p50 is not None else "mean"
    middle, far = s.key(f"{key}.{centre}"), s.key(f"{key}.{tail}")
    z = constant(
        f"z_{tail}", Z[tail], f"planner/formulas/traffic.py Z_{tail.upper()}", "standard normal quantile"
    )
    shape = lognormal_sigma_from_median if centre == "p50" else lognormal_sigma_from_mean
    spread = of(shape, middle, far, z)
    if field == "sigma":
        return spread
    if field == centre == "mean":
        return stated(middle)
    return _of_lognormal(stats.sigma, spread, middle, field, stats.mean)


def _of_lognormal(sigma: float, spread: Derived, middle: Operand, field: str, mean: float) -> Derived:
    width = between("sigma", sigma, spread)
    if middle.name == "p50":
        middle = between(
            "mean",
            mean,
            Derived(
                rule="p50 ÷ lognormal_quantile(1, sigma, z_p50)",
                operands=(middle, width),
                formula=lognormal_quantile,
                replay=lambda p50, shape: p50 / lognormal_quantile(1.0, shape, Z_P50),
            ),
        )
        if field == "mean":
            return middle.terms or spread
    z = constant(
        f"z_{field}", Z[field], f"planner/formulas/traffic.py Z_{field.upper()}", "standard normal quantile"
    )
    return of(lognormal_quantile, middle, width, z)


def of_parts(s: Scene, field: str) -> Derived:
    """Return a statistic of the whole prompt from those of its parts."""
    parts = s.estimate.workload.parts
    if field == "sigma":
        return Derived(
            rule="0: parts carry no common shape",
            operands=(s.key("prompt.parts"),),
            replay=lambda _: 0.0,
        )
    if field == "mean":
        return total(*(part_operand(s, index) for index in range(len(parts))))
    operands = tuple(_part_quantile(s, index, field) for index in range(len(parts)))
    return Derived(
        rule=f"Σ {field} of the parts",
        operands=operands,
        replay=lambda *values: sum(values),
        note="an upper bound above the median, for parts that vary together",
    )


def _part_quantile(s: Scene, index: int, field: str) -> Operand:
    part = s.estimate.workload.parts[index]
    sizes = (s.case.scenario.prompt.parts or {})[part.name].tokens
    if sizes is None:
        return part_operand(s, index)
    value: float = getattr(token_stats(sizes), field)
    terms = of_sizes(s, sizes, f"prompt.parts.{part.name}.tokens", field)
    return between(f"{part.name}_tokens", value, terms)
