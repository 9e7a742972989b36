"""Options and fixtures of all tests."""

import os

import pytest
from hypothesis import settings

# The same examples in every run, however busy the machine: a change that breaks a law breaks it for everybody.
# `pytest --hypothesis-profile explore` draws new ones.
settings.register_profile("planner", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=2000, deadline=None)
settings.load_profile("planner")
VOCABULARIES = ("TIKTOKEN_CACHE_DIR", "HF_HUB_CACHE")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the golden reports under tests/golden"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep what CI adds to our own options away from the pytest runs that tests start."""
    starts_workers = bool(config.getoption("numprocesses", default=None)) and not hasattr(
        config, "workerinput"
    )
    # Reports are the same on machines that hold a tokenizer's vocabulary; REAL_* tell the tests that look for one.
    for name in VOCABULARIES:
        if f"REAL_{name}" not in os.environ:
            os.environ[f"REAL_{name}"] = os.environ.get(name, "")
        os.environ[name] = os.devnull
    if not starts_workers:  # workers read the variable when they start
        os.environ.pop("PYTEST_ADDOPTS", None)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
