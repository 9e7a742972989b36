"""Measured step profiles in locks, checks and explanations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.cli.check import app as check_app
from planner.cli.diff import app as diff_app
from planner.cli.explain import app as explain_app
from planner.cli.lock import app as lock_app
from planner.errors import LockStaleError
from planner.inputs.locks import read_lock
from tests.cli.test_estimate_profiles import SCENARIO, project

__all__ = ["project"]  # the fixture: a scenario and two profiles
FILE = "profiles/llamacpp.yaml"
ON_DEVICE = SCENARIO.replace("traffic:", "constraints: {data: on_device}\ntraffic:")


def edit(file: str, old: str, new: str) -> None:
    path = Path(file)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.usefixtures("project")
def test_a_number_of_a_measured_profile_is_traced_to_its_file() -> None:
    report = "recommendation.options"
    document = json.loads(CliRunner().invoke(explain_app, ["s.yaml", report, "--format", "json"]).stdout)
    text = json.dumps(document)
    assert FILE in text
    assert "measured on 2026-11-23 with llama.cpp in process 0.3.36 on EPYC: 12 points, 0 held out" in text
    without = CliRunner().invoke(explain_app, ["s.yaml", report, "--profile", "none", "--format", "json"])
    assert FILE not in without.stdout


@pytest.mark.usefixtures("project")
def test_a_lock_holds_the_profile_and_notices_its_change_but_not_its_absence() -> None:
    assert CliRunner().invoke(lock_app, ["s.yaml", "--profile", FILE]).exit_code == 0
    lock = Path("planner.lock.json")
    locked = read_lock(lock).profiles.measured
    assert list(locked) == [FILE]
    assert locked[FILE].terms["row_group_s"].value_s == pytest.approx(0.029)
    assert CliRunner().invoke(lock_app, ["--check"]).exit_code == 0
    assert "no change: 1 scenario" in CliRunner().invoke(diff_app, []).stdout.lower()

    edit(FILE, "measured_on: '2026-11-23'", "measured_on: '2026-11-24'")
    stale = CliRunner().invoke(lock_app, ["--check"]).exception
    assert isinstance(stale, LockStaleError)
    assert FILE in stale.message
    Path(FILE).unlink()  # the lock has all of it
    assert CliRunner().invoke(lock_app, ["--check"]).exit_code == 0
    assert CliRunner().invoke(lock_app, ["--update", "--profile", "none"]).exit_code == 0
    assert read_lock(lock).profiles.measured == {}
    assert '"measured": {' not in lock.read_text(encoding="utf-8")


@pytest.mark.usefixtures("project")
def test_a_profile_that_is_too_old_is_a_finding() -> None:
    Path("s.yaml").write_text(ON_DEVICE, encoding="utf-8")
    found = check("--profile", FILE)
    assert "PROFILE-STALE" not in found
    edit(FILE, "measured_on: '2026-11-23'", "measured_on: '2024-01-01'")
    found = check("--profile", FILE)
    assert f"{FILE} was measured on 2024-01-01" in " ".join(found.split())
    assert "PROFILE-STALE" in found


def check(*arguments: str) -> str:
    return CliRunner().invoke(check_app, ["s.yaml", "--as-of", "2026-11-23", *arguments]).stdout
