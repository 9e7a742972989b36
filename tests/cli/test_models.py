"""``planner models import``, ``planner schema`` and the program itself."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from planner import __version__
from planner.inputs.yaml_marks import parse_yaml, read_yaml
from planner.specs.books.model import ModelSpec
from tests.cli.shell import planner

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 2048,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "intermediate_size": 8192,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": True,
}


def test_a_config_becomes_a_row_of_the_book(tmp_path: Path) -> None:
    folder = tmp_path / "my-1b"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    done = planner("models", "import", folder)
    assert done.exit_code == 0
    (row,) = parse_yaml(done.stdout, "x").data["models"]
    model = ModelSpec.model_validate(row)
    assert (model.id, model.hidden, model.layers, model.tied) == ("my-1b", 2048, 16, True)
    assert planner("models", "import", folder, "--output", tmp_path / "models.yaml").stdout == ""
    assert planner("books", "check", tmp_path).exit_code == 0


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    done = planner("models", "import", tmp_path)
    assert done.exit_code in {2, 3}
    assert "config.json" in done.stderr


def test_the_schema_accepts_the_scenarios_and_refuses_a_wrong_type() -> None:
    schema = json.loads(planner("schema").stdout)
    checker = jsonschema.Draft202012Validator(schema)

    def plain(value: object) -> object:
        return json.loads(json.dumps(value, default=str))

    for file in sorted(Path("scenarios").glob("*.yaml")):
        assert list(checker.iter_errors(plain(read_yaml(file).data))) == [], file
    scenario = read_yaml(Path("scenarios/support-chatbot.yaml")).data
    wrong = scenario | {"traffic": scenario["traffic"] | {"requests_per_day": "many"}}
    assert list(checker.iter_errors(plain(wrong)))


def test_the_version_and_the_help_are_printed() -> None:
    assert planner("--version").stdout == f"planner {__version__}\n"
    shown = planner("--help").stdout
    assert "estimate" in shown
    assert "Exit codes: 0 fine, 1 a finding" in " ".join(shown.split())
    module = subprocess.run([sys.executable, "-m", "planner", "--version"], capture_output=True, check=True)
    assert module.stdout.decode() == f"planner {__version__}\n"


@pytest.mark.parametrize("command", ["books", "models"])
def test_a_family_without_a_subcommand_lists_them(command: str) -> None:
    done = planner(command)
    assert done.exit_code == 2
    assert "Commands" in done.stdout + done.stderr
