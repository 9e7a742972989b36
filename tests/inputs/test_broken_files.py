"""Each broken file is answered with its own faults: place, key, what was expected, what was found, nearest."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from planner.errors import InputError
from planner.inputs.books import load_books
from planner.inputs.references import check_references
from planner.inputs.scenario import read_scenario

FOLDER = Path("tests/broken")
EXPECTED: dict[str, list[str]] = yaml.safe_load((FOLDER / "expected.yml").read_text())
FILES = sorted(FOLDER.glob("*.yaml"))


def faults_of(file: Path) -> list[str]:
    with pytest.raises(InputError) as error:
        check_references(read_scenario(file), load_books())
    return [str(fault).removeprefix(f"{FOLDER}/") for fault in error.value.faults]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_broken_file_is_answered_with_all_its_faults(file: Path) -> None:
    assert faults_of(file) == EXPECTED[file.stem]


def test_every_broken_file_has_its_expected_faults_and_there_are_thirty() -> None:
    assert {file.stem for file in FILES} == set(EXPECTED)
    assert len(FILES) >= 30


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    huge.write_text("name: x\n" + "# padding\n" * 200_000)
    with pytest.raises(InputError, match="expected a scenario of at most 1 MiB, found 2,000,008 bytes"):
        read_scenario(huge)


def test_a_missing_file_and_a_folder_are_named() -> None:
    with pytest.raises(
        InputError, match=r"nowhere\.yaml: expected a file that exists, found nothing at this path"
    ):
        read_scenario(Path("nowhere.yaml"))


def test_a_prompt_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("a secret")
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "prompt.md").symlink_to(tmp_path / "secret.txt")
    file = folder / "s.yaml"
    file.write_text(
        "name: x\ntraffic: {requests_per_day: 1}\nprompt: {parts: {a: {file: prompt.md}}, output_tokens: 1}\n"
        "models: [{model: openai/gpt-4o-mini}]\n"
    )
    with pytest.raises(InputError, match=r"expected a path inside the scenario.s folder, found .prompt\.md."):
        read_scenario(file)


def test_the_command_exits_with_2_and_says_nothing_on_stdout() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "planner", "estimate", "tests/broken/several-faults.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 4
