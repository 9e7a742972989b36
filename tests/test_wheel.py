"""The installed package carries its books: built as a wheel, installed into an empty environment, run elsewhere."""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_does_the_main_job_in_an_empty_environment(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    shutil.copy(ROOT / "scenarios" / "support-chatbot.yaml", tmp_path / "mine.yaml")
    shown = run(
        tmp_path / "venv" / "bin" / "planner", "estimate", "mine.yaml", "--format", "json", cwd=tmp_path
    )
    assert round(json.loads(shown)["cost"]["usd_per_month"], 2) == 849.60
    assert "no fault" in run(tmp_path / "venv" / "bin" / "planner", "books", "check", cwd=tmp_path)
