"""The commit of a repository, or none."""

import subprocess
from pathlib import Path

import pytest

from planner.bench import commit
from planner.bench.commit import git_commit


def test_the_commit_of_a_repository_is_its_head(tmp_path: Path) -> None:
    author = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for words in (("init", "-q"), (*author, "commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    head = (tmp_path / ".git" / "HEAD").read_text().split()[1]
    assert git_commit(tmp_path) == (tmp_path / ".git" / head).read_text().strip()
    (tmp_path / "inside").mkdir()
    assert git_commit(tmp_path / "inside") == git_commit(tmp_path)


def test_outside_of_a_repository_there_is_none(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None


def test_without_git_or_with_one_that_hangs_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = tmp_path / "git"
    hanging.write_text("#!/bin/sh\nsleep 5\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(commit, "GIT_TIMEOUT_S", 0.05)
    monkeypatch.setattr("shutil.which", lambda _: str(hanging))
    assert git_commit(tmp_path) is None
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert git_commit(tmp_path) is None
