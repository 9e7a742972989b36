"""Versions of engines: what is none, what lies beyond the measured ones, and what is said of it."""

import pytest

from planner.errors import UsageError
from planner.inputs.memory_profiles import load_vllm_memory
from planner.planning.memory.versions import (
    beyond,
    check_version,
    memory_notices,
    step_notices,
    untold_notices,
)

PROFILE = load_vllm_memory()
KNOWN = ("0.12.0", "0.18.0")


@pytest.mark.parametrize(
    "version", ["latest", "0.19", "v0.6.x", "0.2x (Triton 26.05)", "1.2.0rc6.post2", "b6500", "0.7-0.8 V0"]
)
def test_what_engines_call_a_version_is_one(version: str) -> None:
    check_version("vllm", version, KNOWN)


@pytest.mark.parametrize(
    ("version", "known", "cure"),
    [
        ("banana", KNOWN, "use 0.18.0, the nearest that was measured, or latest"),
        ("0,12", KNOWN, "use 0.12.0, the nearest that was measured, or latest"),
        ("newest", ("2023",), "use latest"),
        ("", (), "use latest"),
        (
            "1.1x!",
            ("1.1.0rc2", "1.0", "gpt-oss-dev"),
            "use 1.1.0rc2, the nearest that was measured, or latest",
        ),
    ],
)
def test_what_is_no_version_is_refused_with_the_nearest(
    version: str, known: tuple[str, ...], cure: str
) -> None:
    with pytest.raises(UsageError) as refused:
        check_version("sglang", version, known)
    assert refused.value.message == f"{version!r} is not a version of SGLang"
    assert refused.value.cure == cure


@pytest.mark.parametrize(
    ("version", "nearest"),
    [
        ("0.11", "0.12.0"),
        ("0.12", None),
        ("0.15.1", None),
        ("0.18.9", None),
        ("0.19", "0.18.0"),
        ("latest", None),
    ],
)
def test_a_version_beyond_the_measured_ones_takes_the_nearest(version: str, nearest: str | None) -> None:
    assert beyond(version, KNOWN) == nearest


def test_names_and_years_are_no_releases_to_lie_beyond() -> None:
    assert beyond("0.5", ("2023", "gpt-oss-dev")) is None


def test_memory_says_on_which_side_of_the_logs_a_version_lies() -> None:
    """Start-up lines of vLLM 0.6 to 0.28 were fitted."""
    assert memory_notices("0.19", PROFILE) == ()
    (old,), (new,) = memory_notices("0.3", PROFILE), memory_notices("0.30", PROFILE)
    assert old.message == "vLLM 0.3 is older than every fitted start-up log: memory as in 0.6.x"
    assert new.message == "vLLM 0.30 is newer than every fitted start-up log: memory as in 0.28.0"


def test_step_times_name_the_version_that_they_are_of() -> None:
    assert step_notices("vllm", "0.15", "0.12.0, 0.18.0") == ()
    (beyond_them,) = step_notices("vllm", "0.20", "0.12.0, 0.18.0")
    assert beyond_them.message == "step times of vLLM 0.20 were not measured: those of 0.18.0"


def test_llama_cpp_s_versions_are_not_told_apart() -> None:
    assert untold_notices("llamacpp", "latest") == ()
    (said,) = untold_notices("llamacpp", "b6500")
    assert said.message == "versions of llama.cpp are not told apart: b6500 changes nothing here"
    with pytest.raises(UsageError, match=r"not a version of llama\.cpp"):
        untold_notices("llamacpp", "banana")


def test_a_profile_that_does_not_say_what_was_logged_knows_its_families() -> None:
    """Locks hold profiles that were written before."""
    before = PROFILE.model_copy(update={"logged": None})
    assert before.known_versions == ("0.1", "0.26")
