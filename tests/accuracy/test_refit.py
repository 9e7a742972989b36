"""The shipped profiles are what their scripts make of the measured tables, where those lie beside the clone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT.parent / "shared" / "data" / "measured"
PROFILES = ROOT / "planner" / "profiles"


@pytest.mark.slow
@pytest.mark.skipif(not TABLES.exists(), reason="the shared data folder is not beside the clone")
@pytest.mark.parametrize(
    ("script", "profiles"), [("fit_llamacpp.py", "llamacpp.json"), ("fit_profiles.py", "serving.json")]
)
def test_fitting_again_gives_the_shipped_profiles(script: str, profiles: str, tmp_path: Path) -> None:
    again = tmp_path / profiles
    command: list[str | Path] = [sys.executable, ROOT / "scripts" / script, TABLES, "--output", again]
    subprocess.run(command, check=True, cwd=ROOT, timeout=300)
    assert numbers_of(again) == pytest.approx(numbers_of(PROFILES / profiles), rel=2e-3)


def numbers_of(file: Path) -> dict[str, float]:
    """Every coefficient and spread of a file by its place."""
    found: dict[str, float] = {}
    for profile in json.loads(file.read_text())["profiles"]:
        for name, each in profile["coefficients"].items():
            found[f"{profile['id']}.{name}"] = each["value"]
        for name in ("tpot", "ttft"):
            found |= {f"{profile['id']}.{name}.{key}": value for key, value in profile[name].items()}
        found[f"{profile['id']}.points"] = profile["points"]
    return found
