"""The JSON Schema of the scenario file."""

from __future__ import annotations

from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.traffic import TokenSizes

SCHEMA_ID = "planner.scenario/1"
_NUMBER = {"type": "number", "minimum": 0}


def scenario_schema() -> dict[str, object]:
    """Return the schema, with the short forms that the reader accepts: a number for token sizes, a lone cascade."""
    schema = Scenario.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = SCHEMA_ID
    name = TokenSizes.__name__
    definitions = schema["$defs"]
    definitions[f"{name}Mapping"] = definitions[name]
    definitions[name] = {"anyOf": [_NUMBER, {"$ref": f"#/$defs/{name}Mapping"}]}
    models = schema["properties"]["models"]
    schema["properties"]["models"] = {
        "description": models.pop("description"),
        "anyOf": [models, {"$ref": "#/$defs/ModelShare"}],
    }
    return schema
