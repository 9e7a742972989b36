import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from planner.report.schema import scenario_schema

SCENARIOS = sorted(Path("scenarios").glob("*.yaml"))


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda f: f.stem)
def test_every_scenario_satisfies_the_schema_that_editors_use(file: Path) -> None:
    document = json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))
    jsonschema.Draft202012Validator(scenario_schema()).validate(document)


def test_the_schema_beside_the_scenarios_is_the_one_that_the_types_make() -> None:
    assert json.loads(Path("scenarios/scenario.schema.json").read_text()) == scenario_schema()


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    validator = jsonschema.Draft202012Validator(scenario_schema())
    wrong = {"name": "x", "traffic": {"requests_per_dya": 3}, "prompt": {}, "models": [{"model": "a"}]}
    assert any("requests_per_dya" in error.message for error in validator.iter_errors(wrong))
