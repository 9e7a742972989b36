"""What can be read of a broken scenario is checked too."""

from pathlib import Path

import pytest

from planner.errors import InputError
from planner.inputs.estimating import read_all
from planner.inputs.salvage import readable_part

BROKEN = """\
name: chat
traffic: {requests_per_day: 1000, requests_per_dy: 3}
prompt: {input_tokens: -5, output_tokens: 400}
models:
  - {model: openai/gpt-4o-mni, share: 0.5}
  - {model: anthropic/claude-3-5-sonnet, share: 0.5}
accounts: {openai: {tier: gold}}
"""


def broken(folder: Path, text: str) -> Path:
    file = folder / "chat.yaml"
    file.write_text(text)
    return file


def test_wrong_names_are_told_beside_wrong_keys_and_values_in_the_order_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_all((broken(tmp_path, BROKEN),))
    assert [(fault.line, fault.key) for fault in refused.value.faults] == [
        (2, "traffic.requests_per_dy"),
        (3, "prompt.input_tokens"),
        (5, "models[0].model"),
        (7, "accounts.openai.tier"),
    ]


def test_an_entry_of_a_list_that_is_at_fault_is_left_out_alone(tmp_path: Path) -> None:
    text = BROKEN.replace("model: openai/gpt-4o-mni, share: 0.5", "modle: 1, model: 7, share: 1").replace(
        "share: 0.5", "share: 1.0"
    )
    part = readable_part(broken(tmp_path, text))
    assert part is not None
    assert [each.model for each in part.scenario.models] == ["anthropic/claude-3-5-sonnet"]


@pytest.mark.parametrize("text", ["name: [", "name: chat\n", "- 1\n", ""])
def test_nothing_is_made_of_a_file_in_which_too_much_is_missing(tmp_path: Path, text: str) -> None:
    assert readable_part(broken(tmp_path, text)) is None


def test_overrides_belong_to_what_is_read(tmp_path: Path) -> None:
    file = broken(tmp_path, BROKEN.replace("gpt-4o-mni", "gpt-4o-mini").replace("gold", "tier_1"))
    part = readable_part(file, ("models[0].model=openai/gpt-5.1",))
    assert part is not None
    assert part.scenario.models[0].model == "openai/gpt-5.1"
    assert readable_part(file, ("no equals sign",)) is None
