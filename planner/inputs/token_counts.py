"""Exact token counts with a vocabulary that lies on this machine. Nothing is ever fetched."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from planner.specs.books.tokenizer import TokenCount, TokenizerFamily

# What tiktoken keeps in its cache, by encoding: the address whose SHA-1 names the file, and the file's SHA-256, both
# from tiktoken_ext/openai_public.py. A file that differs would be fetched again, so it is left alone.
TIKTOKEN_FILES = {
    "o200k_base": (
        "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": (
        "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}


def can_count(family: TokenizerFamily) -> bool:
    """Tell whether the vocabulary of a family is here, and the library that reads it."""
    if family.tiktoken is not None and tiktoken_vocabulary(family.tiktoken) is not None:
        return True
    return tokenizer_file(family.repositories) is not None


def file_counts(file: Path, families: Iterable[TokenizerFamily]) -> tuple[TokenCount, ...]:
    """Count a text file with the vocabulary of each family that is here; it is read only if there is one."""
    able = [family for family in families if can_count(family)]
    return token_counts(file.read_text(encoding="utf-8-sig"), able) if able else ()


def token_counts(text: str, families: Iterable[TokenizerFamily]) -> tuple[TokenCount, ...]:
    """Count a text with the vocabulary of each family that is here; families without one are left out."""
    return tuple(_counts(text, families))


def _counts(text: str, families: Iterable[TokenizerFamily]) -> Iterator[TokenCount]:
    for family in families:
        if family.tiktoken is not None and tiktoken_vocabulary(family.tiktoken) is not None:
            encoding: Any = _encoding(family.tiktoken)
            count = len(encoding.encode_ordinary(text))
            yield TokenCount(family=family.id, tokens=count, counter=f"tiktoken {family.tiktoken}")
            continue
        file = tokenizer_file(family.repositories)
        if file is not None:
            tokenizer: Any = _tokenizer(file)
            count = len(tokenizer.encode(text, add_special_tokens=False).ids)
            yield TokenCount(family=family.id, tokens=count, counter=f"tokenizers {_repository(file)}")


def tiktoken_vocabulary(encoding: str) -> Path | None:
    """Return tiktoken's own cached vocabulary, if the library and the unchanged file are here."""
    if encoding not in TIKTOKEN_FILES or find_spec("tiktoken") is None:
        return None
    file = tiktoken_file(encoding)
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != TIKTOKEN_FILES[encoding][1]:
        return None
    return file


def tiktoken_file(encoding: str) -> Path:
    """Return where tiktoken keeps a vocabulary, whether or not it is there."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    name = hashlib.sha1(TIKTOKEN_FILES[encoding][0].encode(), usedforsecurity=False).hexdigest()
    return Path(folder or Path(tempfile.gettempdir()) / "data-gym-cache") / name


def tokenizer_file(repositories: Iterable[str]) -> Path | None:
    """Return the first tokenizer.json of these repositories in Hugging Face's cache, if the library is here."""
    if find_spec("tokenizers") is None:
        return None
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    for repository in repositories:
        snapshots = hub / f"models--{repository.replace('/', '--')}" / "snapshots"
        found = sorted(snapshots.glob("*/tokenizer.json"))
        if found:
            return found[-1]
    return None


def _repository(file: Path) -> str:
    return file.parents[2].name.removeprefix("models--").replace("--", "/")


@lru_cache(maxsize=4)
def _encoding(name: str) -> object:
    import tiktoken  # noqa: PLC0415 - an optional library, loaded when its vocabulary is here

    return tiktoken.get_encoding(name)


@lru_cache(maxsize=4)
def _tokenizer(file: Path) -> object:
    import tokenizers  # noqa: PLC0415 - an optional library, loaded when its vocabulary is here

    return tokenizers.Tokenizer.from_file(str(file))
