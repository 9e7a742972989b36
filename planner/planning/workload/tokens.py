"""A prompt in the tokens of each model: the same text takes more of them in some tokenizers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from planner.formulas.text_tokens import WORDS_PER_TOKEN
from planner.planning.workload.workload import part_tokens
from planner.specs.base import Notice
from planner.specs.books.model import ModelSpec
from planner.specs.books.price import ApiModel
from planner.specs.books.tokenizer import PartTokens, PromptTokens, TokenizerFamily
from planner.specs.case import Case
from planner.specs.scenario.workload import PartSize, TokenStats, Workload

WORTH_SAYING = 1.1  # a difference of a tenth between tokenizers is within what texts differ


def prompt_tokens(case: Case, workload: Workload, model: ApiModel) -> PromptTokens:
    """Return the mean prompt in the tokens of a model, part by part, and where the figures come from."""
    family = case.rules.family(model.tokenizer)
    parts = tuple(tokens_of_part(part, family, _recounted(case, family)) for part in workload.parts)
    taken = sum(part.tokens for part in parts)
    factor = _input_factor(case, workload, family)
    mean = workload.input_tokens.mean * factor
    return PromptTokens(
        model=model.id,
        family=family.id,
        input_tokens=mean,
        low=mean * (sum(part.low for part in parts) / taken if taken else 1.0),
        high=mean * (sum(part.high for part in parts) / taken if taken else 1.0),
        factor=factor,
        per_text_factor=WORDS_PER_TOKEN / family.words_per_token,
        grade=family.grade,
        source=family.source,
        parts=parts,
    )


def prompt_by_model(case: Case, workload: Workload, models: Sequence[ApiModel]) -> tuple[PromptTokens, ...]:
    """Return the prompt in the tokens of each model, where its text and not its tokens were stated."""
    texts = any(part.unit != "tokens" for part in workload.parts)
    if not texts and case.scenario.prompt.counted_with is None:
        return ()
    return tuple(prompt_tokens(case, workload, model) for model in models)


def token_cautions(case: Case, models: Sequence[ApiModel]) -> Iterator[Notice]:
    """Yield a warning where models are compared by tokens whose tokenizers differ by more than a tenth."""
    prompt = case.scenario.prompt
    if prompt.counted_with is not None or prompt.parts is not None:
        return
    families = {model.id: case.rules.family(model.tokenizer) for model in models}
    most = min(families.items(), key=lambda pair: pair[1].words_per_token)
    least = max(families.items(), key=lambda pair: pair[1].words_per_token)
    ratio = least[1].words_per_token / most[1].words_per_token
    if ratio >= WORTH_SAYING:
        message = (
            f"{most[0]} takes {ratio:.2f} times the tokens of {least[0]} for the same text; "
            "the stated counts are billed to both"
        )
        cure = f"say in whose tokens they were counted: prompt.counted_with: {least[1].id}"
        yield Notice(code="TOKENIZERS", message=message, cure=cure)


def workload_in(case: Case, workload: Workload, model: ApiModel) -> Workload:
    """Return the workload in the tokens of a model: itself where all counts were stated in tokens."""
    return _in_family(case, workload, case.rules.family(model.tokenizer))


def workload_hosted(case: Case, workload: Workload, model: ModelSpec) -> Workload:
    """Return the workload in the tokens of an open model that we run ourselves."""
    return _in_family(case, workload, case.rules.open_family(model.family))


def _in_family(case: Case, workload: Workload, family: TokenizerFamily) -> Workload:
    recounted = _recounted(case, family)
    whole, static = _input_factor(case, workload, family), _static_factor(case, workload, family)
    if whole == static == recounted == 1:
        return workload
    return replace(
        workload,
        input_tokens=_scaled(workload.input_tokens, whole),
        output_tokens=_scaled(workload.output_tokens, recounted),
        static_prefix_tokens=workload.static_prefix_tokens * static,
    )


def _recounted(case: Case, family: TokenizerFamily) -> float:
    """Return what turns counts of the family that they were taken in into this one's; 1 where none is named. [1]"""
    counted_with = case.scenario.prompt.counted_with
    if counted_with is None:
        return 1.0
    return case.rules.family(counted_with).words_per_token / family.words_per_token


def _input_factor(case: Case, workload: Workload, family: TokenizerFamily) -> float:
    return _factor(workload.parts, family, _recounted(case, family))


def _static_factor(case: Case, workload: Workload, family: TokenizerFamily) -> float:
    recounted = _recounted(case, family)
    if case.scenario.prompt.static_prefix_tokens is not None:
        return recounted
    return _factor(tuple(part for part in workload.parts if part.static), family, recounted)


def _factor(parts: tuple[PartSize, ...], family: TokenizerFamily, recounted: float) -> float:
    """Return the tokens of some parts in a family over their tokens by the common rule. [1]"""
    common = sum(part_tokens(part) for part in parts)
    return (
        sum(tokens_of_part(part, family, recounted).tokens for part in parts) / common
        if common
        else recounted
    )


def tokens_of_part(part: PartSize, family: TokenizerFamily, recounted: float = 1.0) -> PartTokens:
    """Return one part in the tokens of a family: as stated, counted, or estimated with its band."""
    if part.unit == "tokens":
        stated = part.amount * recounted
        return PartTokens(name=part.name, tokens=stated, low=stated, high=stated, how="stated")
    counts = part.text.counts if part.text is not None else ()
    count = next((each for each in counts if each.family == family.id), None)
    if count is not None:
        exact = float(count.tokens)
        return PartTokens(
            name=part.name, tokens=exact, low=exact, high=exact, how="counted", counter=count.counter
        )
    tokens = part_tokens(part, family.words_per_token, family.characters_per_token)
    return PartTokens(
        name=part.name,
        tokens=tokens,
        low=tokens * family.low_factor,
        high=tokens * family.high_factor,
        how="estimated",
    )


def _scaled(stats: TokenStats, factor: float) -> TokenStats:
    return replace(
        stats,
        mean=stats.mean * factor,
        p50=stats.p50 * factor,
        p95=stats.p95 * factor,
        p99=stats.p99 * factor,
    )
