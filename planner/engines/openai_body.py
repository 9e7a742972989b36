"""Request bodies for OpenAI-compatible servers, and how to word them for servers that understand less. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from planner.records import dataclass
from planner.specs.measured.load import RequestPlan

LOWEST_TOKEN_ID = (
    1000  # ids 1000 to 1999 are ordinary text in every vocabulary we know, and all have 4 digits
)
TOKEN_IDS = 1000
ID_WIDTH = 5  # "1234,"
POOL_TOKENS = 1 << 16
UNIQUE_HEAD_TOKENS = 8  # 1000^8 different beginnings: no two prompts share a cached block
VENDOR_FIELDS = ("return_token_ids", "min_tokens", "ignore_eos")
RENAMED = {"max_tokens": "max_completion_tokens"}  # newer chat models of providers take only the second name
# one token each, with the space before it, in every vocabulary we know
WORDS = (
    *("time", "year", "work", "day", "man", "world", "life", "part", "house", "course", "case", "system"),
    *("place", "end", "group", "company", "party", "school", "fact", "money", "point", "state", "night"),
    *("area", "water", "thing", "family", "head", "hand", "order", "side", "home", "week", "power"),
    *("country", "use", "service", "room", "market", "problem", "court", "car", "door", "line", "word"),
    *("name", "book", "road", "town", "wall", "tree", "river", "stone", "paper", "letter", "picture"),
    *("window", "garden", "table", "music", "story", "voice", "light"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """How requests are worded for one server. The first one asks for everything."""

    chat: bool = False
    token_ids: bool = True
    fields: tuple[str, ...] = ("stream_options", "temperature", *VENDOR_FIELDS)
    length_field: str = "max_tokens"
    overhead_tokens: int = 0

    @property
    def exact_length(self) -> bool:
        """Whether the server was told to give exactly the length asked for."""
        return "ignore_eos" in self.fields


def first_dialect(endpoint: str) -> Dialect:
    """Return the dialect to begin with for ``auto``, ``completions`` or ``chat``."""
    return Dialect(chat=True, token_ids=False) if endpoint == "chat" else Dialect()


def next_dialect(dialect: Dialect, *, status: int, body: str, endpoint: str) -> Dialect | None:
    """Return what to try after the server refused ``dialect``, ``None`` when nothing is left.

    A field that the refusal names is dropped (or renamed); else token ids become text, then the
    extensions go, then chat is tried.
    """
    if status not in {400, 404, 405, 415, 422, 501}:
        return None
    named = _drop_named(dialect, body) if status in {400, 422} else None
    if named is not None:
        return named
    missing = status in {404, 405, 501}
    if not missing and dialect.token_ids:
        return replace(dialect, token_ids=False)
    if not missing and any(name in dialect.fields for name in VENDOR_FIELDS):
        kept = tuple(name for name in dialect.fields if name not in VENDOR_FIELDS)
        return replace(dialect, fields=kept)
    if endpoint == "auto" and not dialect.chat:
        return first_dialect("chat")
    return None


def _drop_named(dialect: Dialect, body: str) -> Dialect | None:
    for name in dialect.fields:
        if name in body:
            return replace(dialect, fields=tuple(kept for kept in dialect.fields if kept != name))
    renamed = RENAMED.get(dialect.length_field)
    return replace(dialect, length_field=renamed) if renamed and dialect.length_field in body else None


class PromptMaker:
    """Makes prompts of an exact length from a seed, all different from their first tokens on.

    Prompts are cut from one random pool behind a head of their own, so that making one costs microseconds
    and does not disturb the clock of the others. A shared prefix is the same for all prompts of a ``PromptMaker``.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._ids = rng.integers(LOWEST_TOKEN_ID, LOWEST_TOKEN_ID + TOKEN_IDS, POOL_TOKENS).tolist()
        self._words = [WORDS[index % len(WORDS)] for index in self._ids]
        self._text = ",".join(map(str, self._ids)) + ","

    def _spans(self, plan: RequestPlan, length: int) -> tuple[int, list[int], int, int]:
        """Return shared length, own head, pool offset and length of the rest."""
        rng = np.random.default_rng(plan.prompt_seed)
        shared = min(plan.shared_prefix_tokens, length)
        head = rng.integers(LOWEST_TOKEN_ID, LOWEST_TOKEN_ID + TOKEN_IDS, UNIQUE_HEAD_TOKENS).tolist()
        head = head[: length - shared]
        return shared, head, int(rng.integers(POOL_TOKENS)), length - shared - len(head)

    def token_ids_json(self, plan: RequestPlan) -> str:
        """Return the prompt as a JSON array of token ids."""
        shared, head, offset, rest = self._spans(plan, max(1, plan.input_tokens))
        own = "".join(f"{token}," for token in head)
        return f"[{self._slice(0, shared)}{own}{self._slice(offset, rest)}"[:-1] + "]"

    def _slice(self, offset: int, length: int) -> str:
        turns = (offset + length) // POOL_TOKENS + 1
        text = self._text if turns == 1 else self._text * turns
        return text[offset * ID_WIDTH : (offset + length) * ID_WIDTH]

    def words(self, plan: RequestPlan, overhead_tokens: int) -> str:
        """Return the prompt as common words, one token each in usual vocabularies, less the server's overhead."""
        shared, head, offset, rest = self._spans(plan, max(1, plan.input_tokens - overhead_tokens))
        pool = self._words
        turns = (max(offset, shared) + rest) // POOL_TOKENS + 1
        longer = pool if turns == 1 else pool * turns
        own = [WORDS[token % len(WORDS)] for token in head]
        return " ".join([*longer[:shared], *own, *longer[offset : offset + rest]])


def request_body(dialect: Dialect, *, model: str, plan: RequestPlan, prompts: PromptMaker) -> bytes:
    """Return the JSON body of a request."""
    fields: dict[str, object] = {"model": model, "stream": True, dialect.length_field: plan.output_tokens}
    extras: dict[str, object] = {
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "return_token_ids": True,
        "min_tokens": plan.output_tokens,
        "ignore_eos": True,
    }
    fields |= {name: extras[name] for name in dialect.fields}
    rest = json.dumps(fields)[1:]
    if dialect.token_ids:
        return f'{{"prompt": {prompts.token_ids_json(plan)}, {rest}'.encode()
    text = json.dumps(prompts.words(plan, dialect.overhead_tokens))
    if dialect.chat:
        return f'{{"messages": [{{"role": "user", "content": {text}}}], {rest}'.encode()
    return f'{{"prompt": {text}, {rest}'.encode()
