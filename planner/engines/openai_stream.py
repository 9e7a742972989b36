"""The events of an OpenAI-compatible stream, read into stamps and counts as they arrive. No metric is computed."""

from __future__ import annotations

import json

from planner.engines.base import JsonObject
from planner.specs.measured.measurement import Outcome, TokenUsage

DONE = b"[DONE]"
CONTENT_KEYS = ("content", "reasoning_content", "reasoning", "tool_calls", "refusal")
DETAIL_LIMIT = 300


class StreamTally:
    """What has been seen of one stream."""

    def __init__(self) -> None:
        self.first_any_ns: int | None = None
        self.first_token_ns: int | None = None
        self.last_token_ns: int | None = None
        self.chunk_ns: list[int] = []
        self.chunk_tokens: list[int] = []
        self.counted_tokens = False
        self.usage = TokenUsage()
        self.finish_reason: str | None = None
        self.response_id: str | None = None
        self.response_model: str | None = None
        self.tool_calls: list[str] = []
        self.done = False
        self.fault: Outcome | None = None
        self.detail: str | None = None

    def add(self, data: bytes, now_ns: int) -> None:
        """Read one event that arrived at ``now_ns``."""
        if self.first_any_ns is None:
            self.first_any_ns = now_ns
        if data == DONE:
            self.done = True
            return
        try:
            event = json.loads(data)
        except ValueError:
            self._fail(Outcome.MALFORMED, data.decode("utf-8", "replace"))
            return
        if not isinstance(event, dict):
            self._fail(Outcome.MALFORMED, f"an event that is not an object: {data[:80]!r}")
        elif event.get("error") or event.get("object") == "error":
            self._fail(Outcome.STREAM_ERROR, json.dumps(event.get("error") or event))
        else:
            self._add_event(event, now_ns)

    def _fail(self, outcome: Outcome, detail: str) -> None:
        if self.fault is None:
            self.fault = outcome
            self.detail = detail[:DETAIL_LIMIT]

    def _add_event(self, event: JsonObject, now_ns: int) -> None:
        if self.response_id is None:
            self.response_id = event.get("id")
            self.response_model = event.get("model")
        if event.get("usage"):
            self.usage = read_usage(event["usage"])
        for choice in event.get("choices") or ():
            self._add_choice(choice, now_ns)

    def _add_choice(self, choice: JsonObject, now_ns: int) -> None:
        ids = choice.get("token_ids")
        if ids is not None:
            self.counted_tokens = True
            tokens = len(ids)
        else:
            tokens = 1 if _has_content(choice, self.tool_calls) else 0
        self.chunk_ns.append(now_ns)
        self.chunk_tokens.append(tokens)
        if tokens:
            if self.first_token_ns is None:
                self.first_token_ns = now_ns
            self.last_token_ns = now_ns
        if choice.get("finish_reason"):
            self.finish_reason = choice["finish_reason"]


def _has_content(choice: JsonObject, tool_calls: list[str]) -> bool:
    if choice.get("text"):
        return True
    delta = choice.get("delta") or choice.get("message")
    if not delta:
        return False
    if delta.get("tool_calls"):
        names = (call.get("function", {}).get("name") for call in delta["tool_calls"])
        tool_calls.extend(name for name in names if name)
    return any(delta.get(key) for key in CONTENT_KEYS)


def read_usage(usage: JsonObject) -> TokenUsage:
    """Read the ``usage`` object of a response."""
    given = usage.get("prompt_tokens_details") or {}
    made = usage.get("completion_tokens_details") or {}
    return TokenUsage(
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
        cached_input_tokens=given.get("cached_tokens"),
        reasoning_tokens=made.get("reasoning_tokens"),
    )


def outcome_of_status(status: int) -> Outcome:
    """Return the class of an HTTP status other than 200."""
    if status == 429:
        return Outcome.RATE_LIMITED
    return Outcome.HTTP_5XX if status >= 500 else Outcome.HTTP_4XX


def judge_stream(tally: StreamTally, *, whole: bool, asked_tokens: int | None) -> tuple[Outcome, str | None]:
    """Return how a stream that has ended is to be called, and why.

    It is ``OK`` only if the response ended as HTTP says (``whole``), no event was broken or an error, tokens came,
    and the server said that it had finished. ``asked_tokens`` is the exact length that the server promised to
    give, ``None`` when it may stop earlier.
    """
    if tally.fault is not None:
        return tally.fault, tally.detail
    if not whole and not tally.done:
        return Outcome.TRUNCATED, "the connection ended in the middle of the stream"
    if tally.first_token_ns is None:
        return Outcome.EMPTY, "the stream ended without a token"
    if tally.finish_reason is None and tally.usage.output_tokens is None:
        return Outcome.TRUNCATED, "the stream ended without a finish reason"
    made = token_count(tally)
    if asked_tokens is not None and made is not None and made != asked_tokens:
        return Outcome.WRONG_LENGTH, f"{made} tokens instead of {asked_tokens}"
    return Outcome.OK, None


def token_count(tally: StreamTally) -> int | None:
    """Return the number of output tokens where it is known: from usage, else from token ids."""
    if tally.usage.output_tokens is not None:
        return tally.usage.output_tokens
    return sum(tally.chunk_tokens) if tally.counted_tokens else None
