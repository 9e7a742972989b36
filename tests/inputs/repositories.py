"""Small git repositories for tests, independent of the machine's own git settings."""

import os
import subprocess
from pathlib import Path

AUTHOR = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
OWN_BOOK = """\
api:
  - id: own/assistant
    name: Assistant
    lifecycle: {status: current}
    prices:
      - {effective_from: 2025-01-01, basis: contract, input_usd_per_mtok: 1.0, output_usd_per_mtok: 2.0,
         source: our contract, checked: 2026-10-01, confidence: high}
"""


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ("git", "-C", str(folder), *args),
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, **AUTHOR},
    )
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    return folder


def commit(folder: Path, message: str = "change") -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")
