"""Models as measured tables name them: hub ids, GGUF files, ollama tags, MLPerf benchmarks, headings of a blog.

A name is looked up as it stands, then without what changes no shape (instruct, GGUF, a quantization, a date), then as
a part of a fine-tune's name. A size that the name states must be the row's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from planner.records import dataclass
from planner.specs.books.books import Shelf
from planner.specs.books.model import ModelSpec

Tokens = tuple[str, ...]

# How llama.cpp's own tables and file names write types: "Q4_K - Medium", "ggml-model-q4_0", "mostly F16".
QUANTIZATION = re.compile(
    r"(?:^|[^a-z0-9])((?:iq\d_[a-z0-9]+|q\d(?:_k_(?:s|m|l|xl)|_k|_\d)|mxfp4|bf16|f16|f32))(?![a-z0-9])"
)
WORDS = {" - medium": "_m", " - small": "_s", " - large": "_l"}
NEAREST_TYPE = {"_xl": "_m", "q6_k_l": "q6_k", "q5_k_l": "q5_k_m", "q4_k_l": "q4_k_m"}
DEFAULT_TYPE = "q4_k_m"  #: what ollama downloads under a plain tag, and "Q4 (default quant)" of such tables
# MLX's four bits: groups of 64 with a scale and an offset in 16 bits are 4.5 bits a weight, those of Q4_0.
FOUR_BITS = re.compile(r"(?:^|[-_ ])(?:4bit|int4|q4|4-bit)(?![a-z0-9_])")
EIGHT_BITS = re.compile(r"(?:^|[-_ ])(?:8bit|int8|q8|8-bit)(?![a-z0-9_])")
SIXTEEN_BITS = re.compile(r"(?:^|[-_ ])(?:fp16|float16|half|bfloat16)(?![a-z0-9_])")
OLLAMA_TAG = re.compile(r"^[a-z0-9.\- ]+:[a-z0-9.]+(?:-[a-z]+)*$")
# Before the second version the weights had no name but their size: "7B", "13B-v2", "8B-v3".
UNNAMED = re.compile(r"^(?P<size>\d+b)(?:-v-(?P<version>\d))?$")
FOLDERS = re.compile(r"[/\\]")

TOKEN = re.compile(r"\d+(?:\.\d+)?[bm](?![a-z0-9])|[a-z]+|\d+(?:\.\d+)?")
SIZE = re.compile(r"\d+(?:\.\d+)?[bm]")
# What says how weights are stored, not what they are.
STORED = re.compile(
    r"(?:nv|mx)?fp\d+|bf16|f16|f32|int\d|w\d+a\d+|\d+bit|awq|gptq|autoround|gguf|ggml|ggmlv3|mlx|quantized|dynamic|"
    r"fp8dyn|dyn|pre|trtllm|static|qat|ud|i1|kv|marlin|r[48]"
)
FORM = frozenset(
    [
        "instruct",
        "chat",
        "it",
        "hf",
        "pt",
        "base",
        "meta",
        "model",
        "mostly",
        "latest",
        "preview",
        "99",
        "99.9",
        "interactive",
        "server",
        "offline",
        "ai",
        "ins",
        "inst",
        "eagle",
    ]
)
VARIETY = frozenset(["coder", "code", "reasoning", "thinking", "math", "distill", "distilled", "exp"])
DATE = re.compile(r"(?:2[3-6])?(?:0[1-9]|1[0-2])(?:\d\d)?|20\d\d|v\d+(?:\.\d+)?|\d{6}")
NEAR_SIZE = 0.08  #: a stated number of parameters against the book's
BILLION = {"b": 1e9, "m": 1e6}


def model_tokens(name: str, *, strict: bool) -> Tokens:
    """Return the words that tell architectures apart; ``strict`` keeps dates, versions and varieties.

    >>> model_tokens("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", strict=True)
    ('llama', '3.1', '8b')
    >>> model_tokens("llama3_1-70b-fp8_dyn", strict=True)
    ('llama', '3.1', '70b')
    """
    plain = _file(name.casefold())
    for words, suffix in WORDS.items():
        plain = plain.replace(words, suffix)
    plain = QUANTIZATION.sub(" ", plain).replace(".gguf", " ")
    plain = re.sub(r"(?<=\d)_(?=\d)", ".", plain)
    words_left = [word for word in re.split(r"[\s_:()+,-]+", plain) if word and not STORED.fullmatch(word)]
    kept = [word for word in words_left if word not in FORM and (strict or not DATE.fullmatch(word))]
    tokens = [token for word in kept for token in TOKEN.findall(word)]
    return tuple(token for token in tokens if strict or token not in VARIETY)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelNames:
    """The model book under every name, as tokens."""

    shelf: Shelf[ModelSpec]
    strict: Mapping[Tokens, frozenset[str]]
    loose: Mapping[Tokens, frozenset[str]]

    def find(self, name: str) -> str | None:
        """Return the id that a name means, or ``None`` when no model or several are meant."""
        ids = self.shelf.ids_of(name)
        if len(ids) == 1:
            return ids[0]
        for text in _readings(name):
            ids = self.shelf.ids_of(text)
            if len(ids) == 1:
                return ids[0]
            found = self._meant(self.strict, model_tokens(text, strict=True)) or self._meant(
                self.loose, model_tokens(text, strict=False)
            )
            if found is not None:
                return found
        return self._inside(model_tokens(name, strict=False))

    def _meant(self, names: Mapping[Tokens, frozenset[str]], key: Tokens) -> str | None:
        """Return the model of a key; several of one shape are as good as one."""
        ids = sorted(names.get(key, ()))
        if not ids:
            return None
        shapes = {_shape(self.shelf.rows[each]) for each in ids}
        return ids[-1] if len(shapes) == 1 else None

    def _inside(self, tokens: Tokens) -> str | None:
        """Return the model that a fine-tune's name contains, when every size in the name is that model's."""
        sizes = {token for token in tokens if SIZE.fullmatch(token)}
        for length in range(len(tokens), 1, -1):
            for start in range(len(tokens) - length + 1):
                key = tokens[start : start + length]
                found = self._meant(self.strict, key) or self._meant(self.loose, key)
                if (
                    found is not None
                    and sizes.intersection(key)
                    and self._holds(found, sizes.difference(key))
                ):
                    return found
        return None

    def _holds(self, model: str, sizes: set[str]) -> bool:
        """Tell whether every size that is not part of the name is the model's number of parameters."""
        known = self.shelf.rows[model].parameters
        stated = [float(size[:-1]) * BILLION[size[-1]] for size in sizes]
        return all(known is not None and abs(each / known - 1.0) <= NEAR_SIZE for each in stated)


def model_names(shelf: Shelf[ModelSpec]) -> ModelNames:
    """Return the index of the model book."""
    indexes: tuple[dict[Tokens, set[str]], dict[Tokens, set[str]]] = ({}, {})
    for row in shelf.rows.values():
        for name in (row.id, *row.aliases):
            for index, strict in zip(indexes, (True, False), strict=True):
                index.setdefault(model_tokens(name, strict=strict), set()).add(row.id)
    frozen = [{key: frozenset(ids) for key, ids in index.items()} for index in indexes]
    return ModelNames(shelf=shelf, strict=frozen[0], loose=frozen[1])


def quantization_of(name: str) -> str | None:
    """Return the GGUF type that a model's or file's name states, in planner's spelling.

    >>> quantization_of("Llama-3 llama 8B Q4_K - Medium"), quantization_of("7B-v2 ggml-model-f16.gguf")
    ('q4_k_m', 'f16')
    >>> quantization_of("Q4 (default quant)"), quantization_of("Qwen3-8B-4bit"), quantization_of("llama3.2:3b")
    ('q4_k_m', 'q4_0', 'q4_k_m')
    """
    lowered = name.casefold()
    for words, suffix in WORDS.items():
        lowered = lowered.replace(words, suffix)
    found = QUANTIZATION.findall(lowered)
    if found:
        kind = str(found[-1])
        kind = f"{kind}_m" if kind in {"q3_k", "q4_k", "q5_k"} else kind
        for words, plain in NEAREST_TYPE.items():
            kind = kind.replace(words, plain)
        return kind
    if "default" in lowered or OLLAMA_TAG.match(lowered):
        return "mxfp4" if lowered.startswith("gpt-oss") else DEFAULT_TYPE
    if EIGHT_BITS.search(lowered):
        return "q8_0"
    if SIXTEEN_BITS.search(lowered):
        return "bf16" if "bf" in lowered else "f16"
    return "q4_0" if FOUR_BITS.search(lowered) else None


def _file(name: str) -> str:
    """Return the last part of a path that says something: the folder where the file is ``ggml-model-f16.gguf``."""
    parts = FOLDERS.split(name)
    return f"{parts[-2]}-{parts[-1]}" if len(parts) > 1 and parts[-1].startswith("ggml-model") else parts[-1]


def _readings(name: str) -> Iterator[str]:
    """Yield what a name may mean: itself, without the publisher before ``_``, or a size that needs its family."""
    yield name
    bare = _file(name)
    head, mark, rest = bare.partition("_")
    if mark and not any(char.isdigit() for char in head.rsplit("-", 1)[-1]):
        yield rest
    yield re.sub(r"(?i) llama ", " ", name)  # llama.cpp's own tables: "Llama-3 llama 8B"
    size = UNNAMED.match("-".join(model_tokens(name, strict=True)))
    if size:
        yield f"llama-{size['version']}-{size['size']}" if size["version"] else f"llama-{size['size']}"


def _shape(model: ModelSpec) -> tuple[int, int, int]:
    return model.layers, model.hidden, sum(group.layers for group in model.attention)
