"""What differs between two scenarios is grouped into causes, and each cause says what it was and is."""

from dataclasses import replace
from typing import Any

import pytest

from planner.planning.diff.difference import difference
from planner.planning.diff.factors import factors_of, substituted
from planner.planning.diff.way import effect_of
from planner.specs.gate.difference import Cause
from planner.specs.gate.outcome import Choice
from planner.specs.gate.side import Entry, Side
from planner.specs.scenario.workload import TextSize, TokenStats, TraceSummary
from tests.cases_of import entry_of
from tests.planning.diff.test_drift import BULK, CHAT
from tests.strategies import built

SIZES = TokenStats(mean=900.0, p50=900.0, p95=900.0, p99=900.0)
TRACE = TraceSummary(
    file="a.csv",
    requests=1000,
    duration_s=3600.0,
    burstiness=1.0,
    peak_to_mean=1.0,
    input_tokens=SIZES,
    output_tokens=SIZES,
)


def causes(base: Entry, head: Entry) -> tuple[Cause, ...]:
    found = difference(Side(label="base", entries=(base,)), Side(label="head", entries=(head,)))
    assert sum(cause.usd_per_month for cause in found.causes) == found.delta_usd_per_month
    return found.scenarios[0].causes


@pytest.mark.parametrize(
    ("changed", "kind", "before", "after"),
    [
        (
            {"traffic": {"requests_per_month": 600_000.0}},
            "volume",
            "300,000 requests/month",
            "600,000 requests/month",
        ),
        (
            {"prompt": {"input_tokens": 2000.0, "output_tokens": 800.0}},
            "tokens per request",
            "400 tokens",
            "800 tokens",
        ),
        (
            {"prompt": {"parts": {"user": {"tokens": 2500.0}}, "output_tokens": 400.0}},
            "tokens per request",
            "2,000 tokens",
            "2,500 tokens",
        ),
        (
            {
                "models": [
                    {"model": "openai/gpt-4o-mini", "share": 0.8},
                    {"model": "openai/gpt-5-mini", "share": 0.2},
                ]
            },
            "model mix",
            "openai/gpt-4o-mini",
            "80 % openai/gpt-4o-mini, 20 % openai/gpt-5-mini",
        ),
        ({"caching": {"exact": {"hit_rate": 0.5}}}, "caching", "exact none", "exact hit_rate 0.5"),
        ({"batch": {"share": 0.5}}, "batch share", "batch default", "batch share 0.5"),
        (
            {"reliability": {"error_rate": 0.1}},
            "retries",
            "reliability default",
            "reliability error_rate 0.1",
        ),
        ({"slo": {"ttft_p95_ms": 500.0}}, "latency targets", "slo default", "slo ttft_p95_ms 500"),
        ({"hosting": {"api": {}}}, "hosting", "hosting none", "hosting api"),
        (
            {"accounts": {"openai": {"tier": "tier_2"}}},
            "settings",
            "accounts none",
            "accounts openai tier tier_2",
        ),
    ],
)
def test_one_change_is_one_cause(changed: dict[str, Any], kind: str, before: str, after: str) -> None:
    (cause,) = causes(entry_of(built(CHAT)), entry_of(built(CHAT | changed)))
    assert (cause.kind, cause.before, cause.after) == (kind, before, after)


def test_a_change_for_people_alone_is_no_cause() -> None:
    assert (
        causes(
            entry_of(built(CHAT)),
            entry_of(built(CHAT | {"description": "other", "budget": {"usd_per_month": 1.0}})),
        )
        == ()
    )


def test_a_trace_tells_volume_and_sizes_as_one_cause() -> None:
    sized = built(CHAT)
    traced = built({"name": "chat", "traffic": {"trace": "a.csv"}, "prompt": {}, "models": CHAT["models"]})
    head = entry_of(traced)
    head = replace(head, case=replace(head.case, summary=TRACE))
    (cause,) = causes(entry_of(sized), head)
    assert (cause.kind, cause.name, cause.file) == ("volume", "recorded traffic", "a.csv")
    again = replace(head, case=replace(head.case, summary=replace(TRACE, requests=2000)))
    (cause,) = causes(head, again)
    assert cause.name == "recorded traffic"


def test_a_prompt_file_that_says_something_else_is_a_cause_though_no_key_changed() -> None:
    document = CHAT | {
        "prompt": {"parts": {"system": {"file": "p.md"}, "user": {"tokens": 10.0}}, "output_tokens": 1.0}
    }
    entries = []
    for size in (4000, 8000):
        entry = entry_of(built(document), place="scenarios/chat.yaml")
        text = TextSize(file="p.md", characters=size, words=size // 5, sha256=str(size))
        entries.append(replace(entry, case=replace(entry.case, texts={"system": text})))
    (cause,) = causes(*entries)
    assert (cause.name, cause.file, cause.keys) == (
        "prompt part system",
        "scenarios/p.md",
        ("prompt.parts.system",),
    )
    (factor,) = factors_of(entries[0].case, entries[1].case)
    assert substituted(entries[0].case, entries[1].case, factor) == entries[1].case
    plain = entry_of(built(CHAT))
    (cause,) = [each for each in causes(entries[0], plain) if each.name == "input tokens"]
    assert cause.kind == "tokens per request"


def test_a_prompt_file_that_stayed_the_same_is_no_cause_beside_one_that_did_not() -> None:
    case = entry_of(built(CHAT)).case
    rules, tools = (TextSize(file=f"{n}.md", characters=400, words=80, sha256=n) for n in ("rules", "tools"))
    base = replace(case, texts={"rules": rules, "tools": tools})
    head = replace(case, texts={"rules": rules, "tools": replace(tools, sha256="other")})
    assert [factor.keys for factor in factors_of(base, head)] == [("prompt.parts.tools",)]
    assert factors_of(base, base) == ()


def test_causes_of_hosting_say_what_they_do_to_the_machines() -> None:
    own = BULK["hosting"]["self_hosted"]
    head = built(BULK | {"hosting": {"self_hosted": own | {"redundancy": "none", "max_utilization": 0.3}}})
    (cause,) = causes(entry_of(built(BULK)), entry_of(head))
    assert cause.kind == "GPU count"
    assert cause.before == "redundancy n+1, max_utilization 0.8"
    assert cause.effect is not None
    assert cause.effect.endswith("machines")


def test_effects_name_what_changes_first() -> None:
    api = Choice(kind="api", name="API")
    two = Choice(kind="self_hosted", name="own", gpu="l40s", machines=2)
    three, other = two.model_copy(update={"machines": 3}), two.model_copy(update={"gpu": "h100-sxm"})
    assert effect_of(api, api) is effect_of(None, two) is effect_of(two, two) is None
    assert effect_of(api, two) == "API → self-hosted"
    assert effect_of(two, three) == "2 → 3 machines"
    assert effect_of(two, other) == "2 × l40s → 2 × h100-sxm"


def test_causes_of_several_scenarios_add_up_by_name() -> None:
    many = [entry_of(built(CHAT | {"name": f"chat-{n}"}), place=f"{n}.yaml") for n in range(2)]
    more = [
        entry_of(
            built(CHAT | {"name": f"chat-{n}", "traffic": {"requests_per_day": 20_000.0}}), place=f"{n}.yaml"
        )
        for n in range(2)
    ]
    (cause,) = difference(Side(label="a", entries=tuple(many)), Side(label="b", entries=tuple(more))).causes
    assert (cause.kind, round(cause.usd_per_month)) == ("volume", 324)
