"""The pytest plugin, in a pytest of its own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = """\
from datetime import date

CHAT = "scenarios/support-chatbot.yaml"

def test_within_budget(planner_cost):
    cost = planner_cost(CHAT)
    assert cost.usd_per_month < 2000
    assert round(cost.usd_per_month, 2) == round(cost.usd_per_day * 30, 2) == 849.60
    assert round(cost.usd_per_request, 6) == 0.002832
    assert cost.option.startswith("API: ")
    assert cost.api_usd_per_month == cost.estimate.cost.usd_per_month

def test_beside_the_test_and_with_overrides(planner_cost):
    assert planner_cost("near.yaml", "traffic.requests_per_day=20000").usd_per_month > 1600

def test_too_dear(planner_cost):
    assert planner_cost(CHAT).usd_per_month < 100

def test_on_a_date_without_a_price(planner_cost):
    planner_cost(CHAT, as_of=date(2026, 6, 1))

def test_without_an_option(planner_cost):
    planner_cost(CHAT, "constraints.data=region:eu", "hosting={api: {}}")
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("project")
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "scenarios").mkdir()
    (root / "tests").mkdir()
    scenario = (ROOT / "scenarios/support-chatbot.yaml").read_text()
    (root / "scenarios/support-chatbot.yaml").write_text(scenario)
    (root / "tests/near.yaml").write_text(scenario)
    (root / "tests/test_costs.py").write_text(TESTS)
    call = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "planner.cli.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-rA",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(call, cwd=root, env=environment, capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("test_within_budget", "PASSED"),
        ("test_beside_the_test_and_with_overrides", "PASSED"),
        ("test_too_dear", "FAILED"),
        ("test_on_a_date_without_a_price", "FAILED"),
        ("test_without_an_option", "FAILED"),
    ],
)
def test_a_cost_is_a_value_to_assert_on(printed: str, name: str, outcome: str) -> None:
    assert f"{outcome} tests/test_costs.py::{name}" in printed


def test_what_planner_refuses_is_one_message_with_its_cure(printed: str) -> None:
    assert "was retired on 2025-10-28" in printed
    assert "cure: ask with --as-of" in printed
    assert "no option holds, so there is no cost to assert on" in printed
    assert "planner/inputs" not in printed


def test_the_plugin_is_registered_for_pytest() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"planner": "planner.cli.pytest_plugin"}
