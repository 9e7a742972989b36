"""Exact counts only where library and vocabulary are here; nothing is fetched and nothing is removed."""

import hashlib
import socket
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from planner.inputs import token_counts as counting
from planner.inputs.rules import load_rules
from planner.inputs.token_counts import file_counts, tiktoken_vocabulary, tokenizer_file

O200K = load_rules().family("o200k")
LLAMA = load_rules().family("llama-3")


@pytest.fixture(autouse=True)
def _no_network_no_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a count reached for the network")

    monkeypatch.setattr(socket, "socket", refuse)
    for name in ("DATA_GYM_CACHE_DIR", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "tiktoken"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))


def prompt(folder: Path) -> Path:
    file = folder / "system.md"
    file.write_text("one two three")
    return file


def test_without_a_vocabulary_nothing_is_counted(tmp_path: Path) -> None:
    assert file_counts(prompt(tmp_path), [O200K, LLAMA]) == ()


def test_a_vocabulary_that_was_changed_is_left_alone(tmp_path: Path) -> None:
    address, _ = counting.TIKTOKEN_FILES["o200k_base"]
    file = tmp_path / "tiktoken" / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()
    file.parent.mkdir()
    file.write_text("IQ== 0\n")
    assert tiktoken_vocabulary("o200k_base") is None
    assert file.is_file()  # tiktoken itself would remove it and fetch it again


def test_tiktoken_counts_with_its_own_cached_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = b"IQ== 0\n"
    address, _ = counting.TIKTOKEN_FILES["o200k_base"]
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(counting.TIKTOKEN_FILES, "o200k_base", (address, digest))
    file = tmp_path / "tiktoken" / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()
    file.parent.mkdir()
    file.write_bytes(content)
    encoding = SimpleNamespace(encode_ordinary=str.split)
    monkeypatch.setattr(counting, "find_spec", lambda _name: object())
    monkeypatch.setattr(counting, "_encoding", lambda _name: encoding)
    (count,) = file_counts(prompt(tmp_path), [O200K])
    assert (count.family, count.tokens, count.counter) == ("o200k", 3, "tiktoken o200k_base")


def test_tokenizers_counts_with_a_downloaded_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    snapshot = tmp_path / "huggingface/hub/models--meta-llama--Llama-3.1-8B-Instruct/snapshots/abc"
    snapshot.mkdir(parents=True)
    (snapshot / "tokenizer.json").write_text("{}")
    library = ModuleType("tokenizers")
    coded = SimpleNamespace(ids=[1, 2, 3, 4])
    model = SimpleNamespace(encode=lambda _text, add_special_tokens: None if add_special_tokens else coded)
    library.Tokenizer = SimpleNamespace(from_file=lambda _file: model)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tokenizers", library)
    monkeypatch.setattr(counting, "find_spec", lambda _name: object())
    counting._tokenizer.cache_clear()
    assert tokenizer_file(LLAMA.repositories) is not None
    (count,) = file_counts(prompt(tmp_path), [LLAMA])
    assert (count.tokens, count.counter) == (4, "tokenizers meta-llama/Llama-3.1-8B-Instruct")


def test_without_the_library_a_vocabulary_is_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "find_spec", lambda _name: None)
    assert tiktoken_vocabulary("o200k_base") is None
    assert tokenizer_file(LLAMA.repositories) is None
