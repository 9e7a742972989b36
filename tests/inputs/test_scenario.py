"""Scenario files with their overrides, prompt files, books and traces."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InputError, UsageError
from planner.inputs import scenario as module
from planner.inputs.estimating import read_all
from planner.inputs.scenario import find_scenarios, read_scenario

TEXT = """name: x
traffic: {requests_per_day: 1000}
prompt:
  parts: {system: {file: system.md, static: true}, user: {words: 30}}
  output_tokens: 10
models: [{model: openai/gpt-4o-mini, share: 0.75}, {model: openai/gpt-4o, share: 0.25}]
"""
TRACED = """name: x
traffic: {trace: t.csv}
prompt: {}
models: [{model: openai/gpt-4o-mini}]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "system.md").write_text("Be kind.\nBe böld.", encoding="utf-8")
    found = folder / "s.yaml"
    found.write_text(TEXT)
    return found


def refusal(path: Path, *sets: str) -> str:
    with pytest.raises((InputError, UsageError)) as error:
        read_all((path,), sets)
    return str(error.value).replace(f"{path.parent}/", "")


def test_a_prompt_file_is_measured_in_characters_and_words(file: Path) -> None:
    size = read_scenario(file).texts["system"]
    assert (size.file, size.characters, size.words) == ("system.md", 17, 4)
    assert size.sha256.startswith("696e36095682724ddcd97bb12535579a")  # sha256sum system.md
    assert read_scenario(file).folder == file.parent


@pytest.mark.parametrize(
    ("override", "where"),
    [
        ("traffic.requests_per_day=20", lambda s: s.traffic.requests_per_day == 20),
        ("slo.ttft_p95_ms=800", lambda s: s.slo.ttft_p95_ms == 800),  # a mapping that was not there
        ("models[0]={model: openai/gpt-4o, share: 0.75}", lambda s: s.models[0].model == "openai/gpt-4o"),
        ("models[1].model=openai/gpt-5", lambda s: s.models[1].model == "openai/gpt-5"),
        ("models.1.model=openai/gpt-5", lambda s: s.models[1].model == "openai/gpt-5"),
        ('description="a: b"', lambda s: s.description == "a: b"),
        ("prompt.parts.user.words=60", lambda s: s.prompt.parts["user"].words == 60),
        ("prompt.output_tokens.mean=60", lambda s: s.prompt.output_tokens.mean == 60),
    ],
)
def test_an_override_replaces_one_value(override: str, where: Callable[[Any], bool], file: Path) -> None:
    assert where(read_scenario(file, (override,)).scenario)


def test_the_last_of_two_overrides_counts(file: Path) -> None:
    sets = ("traffic.requests_per_day=20", "traffic.requests_per_day=30")
    assert read_scenario(file, sets).scenario.traffic.requests_per_day == 30


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("traffic", "--set 'traffic' is not of the form key=value"),
        ("=5", "--set '=5' is not of the form key=value"),
        ("models[2].share=1", "--set models[2].share: the list there has 2 entries, counted from 0"),
        ("name[0]=1", "--set name[0]: the list there has 0 entries, counted from 0"),
        ("models.share=1", "--set models.share: models is a list"),
        ("models[0].share.mean=1", "s.yaml:6:45 models[0].share: expected a number, found a mapping"),
        ("description=a: b", "--set description=a: b description: expected text, found a mapping"),
        (
            "traffic.requests_per_day=-5",
            "--set traffic.requests_per_day=-5 traffic.requests_per_day: expected a number > 0, found -5",
        ),
        ("models[0].share=0.5", "s.yaml:6:9 models: expected shares that sum to 1, found a sum of 0.75"),
    ],
)
def test_an_override_that_leads_nowhere_is_blamed_by_name(override: str, message: str, file: Path) -> None:
    assert refusal(file, override) == message


def test_a_folder_stands_for_its_yaml_files_and_no_file_counts_twice(file: Path, tmp_path: Path) -> None:
    (file.parent / "a.yml").write_text(TEXT)
    assert find_scenarios((file.parent, file)) == (file.parent / "a.yml", file)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageError, match=r"no scenario in .*empty"):
        find_scenarios((empty,))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            None,
            "s.yaml:4:26 prompt.parts.system.file: expected a file that exists beside the scenario, found nothing at 'system.md'",
        ),
        (
            b"caf\xe9",
            "s.yaml:4:26 prompt.parts.system.file: expected a prompt file in UTF-8, found 'system.md' in another encoding, or binary",
        ),
        (
            b"x" * 100,
            "s.yaml:4:26 prompt.parts.system.file: expected a prompt file of at most 0 MiB, found 100 bytes",
        ),
    ],
)
def test_a_prompt_file_that_cannot_be_measured_is_named(
    content: bytes | None, message: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = file.parent / "system.md"
    prompt.unlink() if content is None else prompt.write_bytes(content)
    monkeypatch.setattr(module, "MAX_PROMPT_BYTES", 50)
    assert refusal(file) == message


def test_a_scenario_s_own_books_lie_beside_it(file: Path) -> None:
    file.write_text(TEXT + "books: mine\n")
    assert refusal(file) == "s.yaml:7:8 books: expected a folder beside the scenario, found nothing at 'mine'"
    mine = file.parent / "mine"
    mine.mkdir()
    (mine / "pricing.yaml").write_text(
        "api:\n- {id: openai/gpt-4o-mini, name: Mine, lifecycle: {status: current}, prices: [{effective_from: 2024-01-01, "
        "input_usd_per_mtok: 9, output_usd_per_mtok: 9, basis: announced, confidence: high, checked: 2026-01-01, source: me}]}\n"
    )
    (case,) = read_all((file,))
    assert case.books.api.find("openai/gpt-4o-mini").prices[0].input_usd_per_mtok == 9


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t.csv", "s.yaml:2:18 traffic.trace: expected a trace file that exists, found nothing at 't.csv'"),
        (
            "../t.csv",
            "s.yaml:2:18 traffic.trace: expected a path inside the scenario's folder, found '../t.csv'",
        ),
    ],
)
def test_a_trace_lies_inside_the_scenario_s_folder(name: str, message: str, file: Path) -> None:
    file.write_text(TRACED.replace("t.csv", name))
    assert refusal(file) == message


def test_a_trace_is_read_with_the_scenario(file: Path) -> None:
    file.write_text(TRACED)
    (file.parent / "t.csv").write_text("t,input_tokens,output_tokens\n5,10,1\n7.5,20,2\n")
    (case,) = read_all((file,))
    assert case.trace is not None
    assert (case.trace.file, case.trace.arrival_s.tolist()) == ("t.csv", [0.0, 2.5])


def test_the_faults_of_all_files_come_together(file: Path) -> None:
    (file.parent / "b.yaml").write_text("name: b\n")
    file.write_text(TEXT.replace("requests_per_day: 1000", "requests_per_day: 0"))
    with pytest.raises(InputError) as error:
        read_all((file.parent,))
    assert {Path(fault.file).name for fault in error.value.faults} == {"b.yaml", "s.yaml"}
