"""Revisions are read without a checkout, and each way not to find one has its own words and code."""

from pathlib import Path

import pytest

from planner.errors import EXIT_DATA, EXIT_USAGE, PlannerError
from planner.inputs.git import GitFailedError, repository_root, revision, run_git
from tests.inputs.repositories import commit, git, repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = repository(tmp_path / "repo")
    (folder / "sub").mkdir()
    (folder / "a.yaml").write_text("first")
    (folder / "sub" / "ä b.yaml").write_text("second")
    (folder / "link.yaml").symlink_to("sub/ä b.yaml")
    (folder / "loop").symlink_to("loop")
    commit(folder)
    return folder


def refusal(root: Path, name: str) -> tuple[str, str | None, int]:
    with pytest.raises(PlannerError) as refused:
        revision(root, name)
    return refused.value.message, refused.value.cure, refused.value.exit_code


def test_content_is_of_the_revision_and_not_of_the_working_tree(repo: Path) -> None:
    (repo / "a.yaml").write_text("changed")
    assert repository_root(repo / "sub") == repo.resolve()
    found = revision(repo, "main")
    assert found.content("a.yaml") == b"first"
    assert found.content("sub/ä b.yaml") == found.content("link.yaml") == b"second"
    assert [found.content(path) for path in ("none", "sub", "")] == [None, None, None]
    assert found.folder("sub") == ("sub/ä b.yaml",)
    assert found.folder("") == ("a.yaml", "link.yaml", "loop")
    assert [found.is_folder(path) for path in ("", "sub", "a.yaml", "none")] == [True, True, False, False]


def test_a_link_in_circles_and_a_pointer_of_lfs_have_no_content(repo: Path) -> None:
    (repo / "big.csv").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    (repo / "out").symlink_to("/etc/hostname")
    git(repo, "add", "out")
    git(repo, "add", "big.csv")
    git(repo, "commit", "--quiet", "--message", "pointers")
    found = revision(repo, "HEAD")
    for path, why in (("loop", "circles"), ("big.csv", "git LFS"), ("out", "out of the repository")):
        with pytest.raises(PlannerError, match=why) as refused:
            found.content(path)
        assert refused.value.exit_code == EXIT_DATA


def test_an_unknown_revision_tells_how_to_fetch_it(repo: Path) -> None:
    message, cure, code = refusal(repo, "origin/main")
    assert (message, code) == ("the repository has no revision 'origin/main'", EXIT_USAGE)
    assert cure == "git branch --all; git fetch origin main:refs/remotes/origin/main"


def test_a_shallow_clone_without_the_base_is_missing_data(repo: Path, tmp_path: Path) -> None:
    first = git(repo, "rev-parse", "HEAD")
    (repo / "a.yaml").write_text("third")
    commit(repo)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repo}", "shallow")
    message, cure, code = refusal(tmp_path / "shallow", first)
    assert ("this clone is shallow" in message, code) == (True, EXIT_DATA)
    assert "fetch-depth: 0" in str(cure)
    assert revision(tmp_path / "shallow", "origin/main").content("a.yaml") == b"third"


def test_a_repository_without_a_commit_says_so(tmp_path: Path) -> None:
    message, _, code = refusal(repository(tmp_path / "empty"), "main")
    assert ("has no commit yet" in message, code) == (True, EXIT_USAGE)


@pytest.mark.parametrize("name", ["--output=x", "", "a\nb"])
def test_a_name_that_git_could_take_for_an_option_is_refused(repo: Path, name: str) -> None:
    assert "is no name of a revision" in refusal(repo, name)[0]


def test_a_folder_without_a_repository_says_what_else_can_be_compared(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="is not inside a git repository") as refused:
        repository_root(tmp_path)
    assert refused.value.cure == "compare files, folders or locks: planner diff BASE HEAD"


def test_without_git_there_is_one_sentence(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PlannerError, match="git is not installed") as refused:
        repository_root(repo)
    assert refused.value.exit_code == EXIT_USAGE


def test_a_repository_of_somebody_else_names_the_setting(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object) -> bytes:
        raise GitFailedError("fatal: detected dubious ownership in repository")

    monkeypatch.setattr("planner.inputs.git.run_git", refused)
    with pytest.raises(PlannerError) as said:
        repository_root(repo)
    assert "safe.directory" in str(said.value.cure)


def test_a_command_that_fails_carries_gits_own_words(repo: Path) -> None:
    with pytest.raises(GitFailedError, match="not a git command"):
        run_git(repo, "no-such-command")


def test_a_commit_counted_from_another_one_is_fetched_with_the_whole_history(
    repo: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repo}", "shallow")
    _, cure, _ = refusal(tmp_path / "shallow", "HEAD~1")
    assert cure is not None
    assert cure.startswith("git fetch --unshallow, or in GitHub Actions")
