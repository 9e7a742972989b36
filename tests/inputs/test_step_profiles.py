from __future__ import annotations

from pathlib import Path

import pytest

from planner.bench.steps import STANDARD_PLAN
from planner.errors import InputError, UsageError
from planner.inputs.step_profiles import load_step_profiles, read_step_profile
from planner.planning.prediction.calibrate import fit_profile
from planner.report.bench.calibration import profile_yaml
from tests.planning.prediction.test_calibrate import run_of


@pytest.fixture
def text() -> str:
    return profile_yaml(fit_profile(run_of(STANDARD_PLAN.fit)))


def test_a_profile_is_read_as_it_was_written_to_five_digits(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    read = read_step_profile(tmp_path / "p.yaml")
    assert profile_yaml(read) == text
    assert len(text) < 3000  # small enough to be committed and reviewed


def test_the_folder_gives_its_profiles_and_leaves_other_yaml_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "aws.yaml").write_text("region: eu\n", encoding="utf-8")
    assert list(load_step_profiles(None, tmp_path)) == [str(tmp_path / "p.yaml")]
    assert load_step_profiles("none", tmp_path) == {}
    assert load_step_profiles(None, tmp_path / "nothing") == {}


def test_a_broken_profile_is_refused_with_line_and_key(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_text(text.replace("kind: llamacpp", "kind: lamacpp"), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_step_profiles(None, tmp_path)
    (fault,) = refused.value.faults
    assert (fault.key, fault.line, fault.nearest) == ("kind", 4, "llamacpp")


def test_a_named_file_that_is_missing_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as missing:
        load_step_profiles(str(tmp_path / "p.yaml"))
    assert "planner calibrate --profile FILE" in str(missing.value.cure)
