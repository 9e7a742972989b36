"""A file that is no text is refused for what it is."""

from pathlib import Path

import pytest

from planner.errors import InputError
from planner.inputs import text_file
from planner.inputs.text_file import read_text


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_text(path, "s.yaml")
    return str(error.value)


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(tmp_path / "x") == "s.yaml: expected a file that exists, found nothing at this path"
    assert refusal(tmp_path) == "s.yaml: expected a file, found a folder"

    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "x.yaml"
    file.write_text("a: 1")
    monkeypatch.setattr(Path, "read_bytes", denied)
    assert refusal(file) == "s.yaml: expected a readable file, found Permission denied"


def test_size_and_encoding_are_checked_before_anything_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"a: 1\nb: caf\xe9\n")
    assert refusal(file) == "s.yaml:2:7: expected UTF-8 text, found the byte 0xe9"
    file.write_bytes(b"a\0b")
    assert refusal(file) == "s.yaml: expected a YAML text file, found binary data (it holds NUL bytes)"
    monkeypatch.setattr(text_file, "MAX_BYTES", 2)
    assert refusal(file) == "s.yaml: expected at most 0 MiB of YAML, found 3 bytes"
