"""Explanations against the report that they explain: complete, replayed, and honest about their leaves."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from planner.errors import UsageError
from planner.planning.estimate import estimate_scenario
from planner.planning.explain.leaves import scene_of
from planner.planning.explain.tree import explain, explain_all, headline_path
from planner.report.estimate.text import estimates_json
from planner.specs.answers.explanation import Explained
from planner.specs.books.tokenizer import TokenCount
from tests.planning.explain.numbers import made

TODAY = date(2026, 11, 23)
CHAT, RAG, CASCADE, AGENT, BULK, TRACED = (
    f"scenarios/{name}.yaml"
    for name in (
        "support-chatbot",
        "rag-documents",
        "routing-cascade",
        "coding-agent",
        "bulk-summarisation",
        "traced-conversation",
    )
)
# scenario, overrides: between them they reach every way in which a number can be given
VARIANTS: dict[str, tuple[str, ...]] = {
    "as the file says": (),
    "a rate a second": (CHAT, "traffic.requests_per_day=null", "traffic.requests_per_second=0.5"),
    "a rate a month": (CHAT, "traffic.requests_per_day=null", "traffic.requests_per_month=90000"),
    "own hourly weights": (CHAT, f"traffic.shape={[*[1] * 12, *[3] * 12]}"),
    "a median and p99": (CHAT, "prompt.input_tokens={p50: 1000, p99: 9000}"),
    "a mean and p95": (CHAT, "prompt.output_tokens={mean: 400, p95: 900}"),
    "listed sizes": (CHAT, "prompt.input_tokens={values: [500, 3000], weights: [3, 1]}"),
    "parts of every unit": (
        RAG,
        "prompt.parts.pages={pages: 2}",
        "prompt.parts.words={words: 10, static: true}",
    ),
    "a part in batch": (CASCADE, "batch.share=0.3"),
    "hidden tokens": (CHAT, "prompt.reasoning_tokens=250"),
    "failing over": (CASCADE, "reliability={error_rate: 0.2, failover_model: google/gemini-2.5-flash}"),
    "failing over within": (CASCADE, "reliability={error_rate: 0.2, failover_model: openai/gpt-5.1}"),
    "errors by class": (
        CASCADE,
        "reliability={errors: {rate_limited: 0.05, timeout: 0.02, invalid_json: 0.01}, timeout_s: 30}",
    ),
    "failures that are charged by half": (
        CASCADE,
        "reliability={errors: {timeout: 0.02}, billed: {timeout: 0.5}, timeout_s: 30}",
    ),
    "embedded queries": (
        RAG,
        "caching.semantic={hit_rate: 0.1, embedding_model: openai/text-embedding-3-small}",
    ),
    "an assumed hit rate": (CHAT, "caching.exact={cost_usd_per_month: 10}"),
    "an explicit cache": (
        CHAT,
        "as_of=2026-09-01",
        "models=[{model: google/gemini-2.5-pro}]",
        "prompt.static_prefix_tokens=4096",
        "prompt.input_tokens=9000",
        "caching.prompt={stored_hours_per_day: 10}",
    ),
    "paid tool calls": (AGENT, "prompt.paid_calls={web_search: 0.5}"),
    "off-peak hours": (CHAT, "as_of=2025-06-15", "models=[{model: deepseek/deepseek-chat}]"),
    "off-peak hours and a cache": (
        CHAT,
        "as_of=2025-06-15",
        "models=[{model: deepseek/deepseek-chat}]",
        "caching.prompt={enabled: true}",
    ),
    "a region": (AGENT, "models=[{model: anthropic/claude-fable-5}]", "accounts={anthropic: {region: us}}"),
    "both response caches": (RAG, "caching.semantic={hit_rate: 0.1, cost_usd_per_month: 60}"),
    "a cache that costs nothing": (CHAT, "caching.exact={hit_rate: 0.2}"),
    "a prefix too short": (CASCADE, "prompt.static_prefix_tokens=10"),
    "a given hit rate": (CASCADE, "caching.prompt.hit_rate=0.6"),
    "no hosting section": (BULK, "hosting=null"),
    "hosting by default": (
        CHAT,
        "as_of=2026-11-01",
        "hosting=null",
        "models=[{model: bedrock/llama-3.1-8b-instruct}]",
    ),
    "a prefix of long prompts": (
        CHAT,
        "as_of=2026-09-01",
        "models=[{model: google/gemini-2.5-pro}]",
        "prompt.input_tokens=250000",
        "prompt.static_prefix_tokens=4096",
        "caching.prompt={hit_rate: 0.5}",
    ),
    "the peak of a trace": (TRACED, "traffic.peak_to_mean=null"),
    "machines by the hour": (
        BULK,
        "hosting.self_hosted.autoscale={enabled: true}",
        "caching.exact={hit_rate: 0.2}",
    ),
    "caches before machines": (BULK, "caching.exact={hit_rate: 0.2, cost_usd_per_month: 40}"),
    "spot machines": (
        BULK,
        "hosting.self_hosted.purchase=[spot, reserved_1y]",
        "hosting.self_hosted.redundancy=none",
        "hosting.self_hosted.spot={interruptions_per_month: 60}",
    ),
    "spot machines that must be up": (
        BULK,
        "hosting.self_hosted.purchase=[spot]",
        "hosting.self_hosted.redundancy=none",
        "slo.availability=0.9999",
    ),
    "machines of one's own": (
        BULK,
        "hosting.self_hosted.purchase=[owned]",
        "hosting.self_hosted.gpus=[h100-sxm]",
        "hosting.self_hosted.owned={price_usd: 280000}",
    ),
    "machines whose power is known": (
        BULK,
        "hosting.self_hosted.purchase=[owned]",
        "hosting.self_hosted.gpus=[h100-sxm]",
        "hosting.self_hosted.owned={price_usd: 280000, power_w: 6000}",
    ),
    "given parallelism": (BULK, "hosting.self_hosted.tensor_parallel=4"),
    "counts of one tokenizer": (
        CHAT,
        "as_of=2026-11-23",
        "accounts={}",
        "models=[{model: claude-opus-4-8, share: 0.5}, {model: gpt-5.1, share: 0.5}]",
        "prompt.counted_with=o200k",
    ),
    "stated parts of one tokenizer": (
        RAG,
        "as_of=2026-11-23",
        "models=[{model: claude-opus-4-8}]",
        "prompt.parts={documents: {tokens: 3000}, question: {words: 30}}",
        "prompt.counted_with=o200k",
    ),
    "text in another tokenizer": (RAG, "models=[{model: claude-opus-4-8}]"),
    "growing": (RAG, "traffic.growth_per_month=0.1", "traffic.horizon_months=3"),
    "prices by length": (TRACED, "models=[{model: google/gemini-2.5-pro}]"),
}
SCENARIOS = sorted(Path("scenarios").glob("*.yaml"))
CASES = [
    *((str(path), ()) for path in SCENARIOS),
    *((variant[0], variant[1:]) for variant in VARIANTS.values() if variant),
]
IDS = [*(path.stem for path in SCENARIOS), *(name for name, variant in VARIANTS.items() if variant)]
every_case = pytest.mark.parametrize(("path", "sets"), CASES, ids=IDS)

# Numbers that a model or a search finds: their operands are shown, and the rule is not evaluated on them.
NOT_REPLAYED = (
    r".*\.plan\.spot\.(away|enough_up)_fraction",
    r".*\.plan\.simulated\.(ttft|tpot|e2e)_s",
    r"recommendation\.(options\[\d+\]|hosting)\.(ttft_s|tpot_s|e2e_s|requests_per_s_per_replica)\.\w+",
    r"recommendation\.(options\[\d+\]|hosting)\.break_even_requests_per_day",
    r"recommendation\.options\[\d+\]\.plan\.(spare_for_interruptions|(machines|usd_per_month)_(low|high))",
    r"recommendation\.options\[\d+\]\.plan\.(usd_horizon|growth\[\d+\]\.\w+|break_even\..+|community\..+)",
    r"recommendation\.options\[\d+\]\.plan\.daily\.(fixed|least|most|mean|hours|schedule\[\d+\]\.\w+)",
    r"recommendation\.provider_tiers\[\d+\]\.exceed_fraction",
    r"recommendation\.advice\[\d+\]\.time_saved_s\.\w+",
    r"cost\.months\[\d+\]\.credits_usd",
    r"uncertainty\.(p10_usd|p50_usd|p90_usd|mean_usd|over_budget_fraction|swings\[\d+\]\.usd_at_\w+)",
    r"api\.failures\.(added_\w+|breaker\.\w+)",
)


@cache
def explained(path: str, sets: tuple[str, ...] = ()) -> tuple[Explained, ...]:
    overrides = tuple(each.partition("=")[0] for each in sets)
    return explain_all(*made(path, sets), overrides)


def numbers_of(document: Any, path: str = "") -> Iterator[str]:
    """Walk a JSON report as a reader of it would, knowing nothing of planner."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from numbers_of(value, f"{path}.{key}" if path else key)
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from numbers_of(value, f"{path}[{index}]")
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield path


def nodes_of(node: Explained) -> Iterator[Explained]:
    yield node
    for operand in node.operands:
        yield from nodes_of(operand)


@every_case
def test_every_number_of_the_json_report_is_explained(path: str, sets: tuple[str, ...]) -> None:
    report = set(numbers_of(json.loads(estimates_json((made(path, sets)[1],)))))
    found = {node.path: node for node in explained(path, sets)}
    assert report == set(found)
    missing = [place for place, node in found.items() if node.rule is None]
    assert not missing, f"add a row to DERIVATIONS in planner/planning/explain/tree.py for: {missing}"


@every_case
def test_every_number_ends_in_leaves_that_say_where_they_come_from(path: str, sets: tuple[str, ...]) -> None:
    known = {node.path for node in explained(path, sets)}
    for node in (each for number in explained(path, sets) for each in nodes_of(number)):
        if node.operands or node.path in known:
            continue
        assert node.origin is not None, node
        assert node.origin.place
        if node.origin.kind == "book":
            assert node.origin.source, node
            assert node.origin.checked is not None, node
            assert node.origin.trust, node


@every_case
def test_the_operands_that_are_shown_give_the_number_that_is_shown(path: str, sets: tuple[str, ...]) -> None:
    for number in explained(path, sets):
        model = any(re.fullmatch(pattern, number.path or "") for pattern in NOT_REPLAYED)
        by_length = number.note is not None and "256" in number.note
        energy = number.formula == "planner.formulas.machine_cost.energy_usd"
        assert number.replayed or model or by_length or energy, number


@every_case
def test_following_a_number_never_comes_back_to_itself(path: str, sets: tuple[str, ...]) -> None:
    needs = {
        node.path: {each.path for operand in node.operands for each in nodes_of(operand) if each.path}
        for node in explained(path, sets)
    }
    assert set(TopologicalSorter(needs).static_order()) == set(needs)


@every_case
def test_a_leaf_of_the_scenario_names_the_line_on_which_it_stands(path: str, sets: tuple[str, ...]) -> None:
    lines = Path(path).read_text().splitlines()
    for node in (each for number in explained(path, sets) for each in nodes_of(number)):
        if node.origin is None or node.origin.kind != "scenario":
            continue
        assert node.origin.line is not None, node
        last = re.findall(r"[a-z_0-9]*[a-z][a-z_0-9]*", node.origin.place)
        assert any(step in lines[node.origin.line - 1] for step in last), node


def test_an_override_is_called_one_and_a_default_says_what_it_means() -> None:
    case, estimate = made(CHAT, ("traffic.requests_per_day=20000",))
    (volume,) = explain(case, estimate, "workload.requests_per_day", ("traffic.requests_per_day",))
    (months,) = explain(case, estimate, "workload.horizon_months")
    assert volume.operands[0].origin is not None
    assert volume.operands[0].origin.kind == "override"
    assert months.operands[0].origin is not None
    assert (months.operands[0].origin.kind, months.operands[0].origin.source) == (
        "default",
        "months that the plan looks ahead",
    )


def test_a_price_leaf_is_the_row_of_the_book() -> None:
    """gpt-4o-mini costs 0.15 USD/Mtok of input; support-chatbot is priced at 2025-06-15."""
    case, estimate = made(CHAT)
    (price,) = explain(case, estimate, "cost.by_model[0].price.input_usd_per_mtok")
    leaf = price.operands[0].origin
    assert leaf is not None
    assert price.value == 0.15
    assert leaf.place == "pricing.yaml api openai/gpt-4o-mini input_usd_per_mtok"
    assert leaf.source == "https://developers.openai.com/api/docs/pricing"
    assert (leaf.since, leaf.checked) == (date(2024, 10, 1), date(2026, 11, 23))


def test_a_formula_brings_the_references_of_its_docstring() -> None:
    case, estimate = made(CHAT)
    (rate,) = explain(case, estimate, "workload.mean_requests_per_s")
    assert rate.formula == "planner.formulas.traffic.mean_requests_per_s"
    assert rate.references == ("A day has 86,400 SI seconds.",)


def test_a_part_of_the_report_explains_every_number_below_it() -> None:
    case, estimate = made(CHAT)
    found = {node.path for node in explain(case, estimate, "cost.by_model[1]")}
    assert "cost.by_model[1].usd_per_month" in found
    assert all(path is not None and path.startswith("cost.by_model[1].") for path in found)


def test_a_wrong_path_is_refused_with_the_nearest_ones() -> None:
    case, estimate = made(CHAT)
    with pytest.raises(UsageError, match=r"no number at 'cost.by_model.0..usd_per_moth'") as error:
        explain(case, estimate, "cost.by_model[0].usd_per_moth")
    assert "cost.by_model[0].usd_per_month" in str(error.value.cure)
    with pytest.raises(UsageError) as error:
        explain(case, estimate, "zzz")
    assert "--all" in str(error.value.cure)


def test_the_headline_is_what_the_recommended_option_costs_or_the_api_where_nothing_holds() -> None:
    assert headline_path(made(CHAT)[1]) == "recommendation.hosting.usd_per_month"
    refused = made(CHAT, ("constraints.data=region:eu", "hosting={api: {}}"))[1]
    assert headline_path(refused) == "cost.usd_per_month"


def test_tokens_counted_with_a_vocabulary_name_the_file_and_the_counter() -> None:
    """The family of the scenario's model counts 812 tokens where the rule of four characters would estimate."""
    case, plain = made(AGENT)
    family = plain.tokens[0].family
    (name, text), *_ = case.texts.items()
    counts = (TokenCount(family=family, tokens=812, counter="vocabulary of the tests"),)
    counted = replace(case, texts={**case.texts, name: replace(text, counts=counts)})
    numbers = explain_all(counted, estimate_scenario(counted, plain.as_of))
    leaves = [node for number in numbers for node in nodes_of(number) if node.origin is not None]
    found = {(each.value, each.origin.source) for each in leaves if each.origin is not None}
    assert (812, "counted with vocabulary of the tests") in found
    assert all(number.rule is not None for number in numbers)


def test_a_file_whose_kinds_of_characters_nobody_counted_is_explained_by_its_length() -> None:
    """Locks of the first version hold the characters of a prompt file alone."""
    case, _ = made(AGENT)
    plain = {name: replace(text, kinds=None) for name, text in case.texts.items()}
    old = replace(case, texts=plain)
    (name, text), *_ = plain.items()
    index = list(case.scenario.prompt.parts or {}).index(name)
    estimate = estimate_scenario(old, case.scenario.as_of or TODAY)
    (amount,) = explain(old, estimate, f"workload.parts[{index}].amount")
    assert (amount.value, amount.replayed) == (text.characters, True)
    assert amount.operands[0].path == f"workload.parts[{index}].text.characters"


def test_a_date_of_the_scenario_is_shown_as_it_is_written() -> None:
    case, estimate = made(CHAT)
    assert scene_of(case, estimate).key("as_of").value == "2025-06-15"
