"""What the known-truth server writes: events of a completion or chat stream, whole and broken ones. Pure."""

from __future__ import annotations

import json
from enum import StrEnum

from planner.records import dataclass
from planner.units import Count

CRLF = b"\r\n"
LAST_CHUNK = b"0\r\n\r\n"
FIRST_TOKEN_ID = 1000


class Fault(StrEnum):
    """The ways in which the server can misbehave, one per request."""

    RATE_LIMITED = "rate_limited"
    HTTP_400 = "http_400"
    HTTP_500 = "http_500"
    RESET = "reset"
    CUT = "cut"
    RESET_MID = "reset_mid"
    MALFORMED = "malformed"
    STREAM_ERROR = "stream_error"
    EMPTY = "empty"
    SHORT = "short"
    HANG_FIRST = "hang_first"
    HANG_MID = "hang_mid"


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultEvery:
    """Inject ``fault`` into every ``every``-th request, counted from 1."""

    fault: Fault
    every: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class TruthConfig:
    """How the server behaves. A step takes ``itl_s`` plus ``itl_s_per_stream`` for each running stream.

    ``slots`` is the number of requests served at once (``None``: all); others wait in order. After
    ``stall_at_token`` tokens a stream pauses for ``stall_s``. ``usage`` is ``asked`` (when the request has
    ``stream_options.include_usage``) or ``never``.
    """

    ttft_s: float = 0.020
    itl_s: float = 0.005
    itl_s_per_stream: float = 0.0
    slots: Count | None = None
    tokens_per_event: int = 1
    role_event: bool = False
    empty_event: bool = False
    comments: bool = False
    crlf: bool = False
    split_events: bool = False
    usage: str = "asked"
    cached_tokens: int = 0
    stall_at_token: Count | None = None
    stall_s: float = 0.0
    retry_after_s: float = 1.0
    chat_only: bool = False
    refused_fields: tuple[str, ...] = ()
    faults: tuple[FaultEvery, ...] = ()
    die_after: Count | None = None

    def fault_of(self, number: int) -> Fault | None:
        """Return the fault of the ``number``-th request (from 1)."""
        return next((item.fault for item in self.faults if number % item.every == 0), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What the server understood of a request."""

    chat: bool
    stream: bool
    input_tokens: int
    output_tokens: int
    include_usage: bool
    return_token_ids: bool
    fields: tuple[str, ...]


def read_ask(path: str, body: bytes) -> Ask:
    """Read a request body. A prompt of token ids counts its ids, a text its words."""
    data = json.loads(body)
    chat = path.endswith("/chat/completions")
    prompt = data["messages"] if chat else data.get("prompt", "")
    text = " ".join(str(item["content"]) for item in prompt) if chat else prompt
    return Ask(
        chat=chat,
        stream=bool(data.get("stream")),
        input_tokens=len(text.split()) if isinstance(text, str) else len(text),
        output_tokens=int(data.get("max_tokens") or data.get("max_completion_tokens") or 16),
        include_usage=bool((data.get("stream_options") or {}).get("include_usage")),
        return_token_ids=bool(data.get("return_token_ids")),
        fields=tuple(data),
    )


def http_head(status: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Render a status line and headers."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode() + CRLF + CRLF


def plain_response(
    status: str, body: bytes, *extra: tuple[str, str], kind: str = "application/json"
) -> bytes:
    """Render a whole response with a known length."""
    return http_head(status, (("Content-Type", kind), ("Content-Length", str(len(body))), *extra)) + body


def stream_head() -> bytes:
    """Render the head of an event stream."""
    return http_head("200 OK", (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")))


def chunked(payload: bytes) -> bytes:
    """Frame ``payload`` as one chunk of the chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


class EventWriter:
    """Renders the events of one kind of stream; token events are rendered once and reused."""

    def __init__(self, config: TruthConfig, ask: Ask, number: int) -> None:
        self._config = config
        self._ask = ask
        self._id = f"truth-{number}"
        self._end = b"\r\n\r\n" if config.crlf else b"\n\n"
        self._tokens: dict[int, bytes] = {}

    def _event(self, data: object) -> bytes:
        return b"data: " + json.dumps(data).encode() + self._end

    def _choice(self, text: str | None, ids: int, finish: str | None, role: str | None = None) -> bytes:
        content: dict[str, object]
        if self._ask.chat:
            delta = {"role": role} if role else {}
            content = {"delta": delta | ({} if text is None else {"content": text})}
        else:
            content = {"text": text or ""}
        choice = {"index": 0, **content, "logprobs": None, "finish_reason": finish}
        if self._ask.return_token_ids:
            choice["token_ids"] = list(range(FIRST_TOKEN_ID, FIRST_TOKEN_ID + ids))
        kind = "chat.completion.chunk" if self._ask.chat else "text_completion"
        return self._event(
            {"id": self._id, "object": kind, "created": 0, "model": "truth", "choices": [choice]}
        )

    def opening(self) -> bytes:
        """Return what is written at admission, before any token: comment, role and empty events as configured."""
        parts = [b": ready" + self._end] if self._config.comments else []
        if self._config.role_event and self._ask.chat:
            parts.append(self._choice("", 0, None, role="assistant"))
        if self._config.empty_event:
            parts.append(self._choice("", 0, None))
        return b"".join(parts)

    def tokens(self, count: int) -> bytes:
        """Return one event with ``count`` tokens."""
        if count not in self._tokens:
            self._tokens[count] = self._choice(" tok" * count, count, None)
        return self._tokens[count]

    def closing(self, tokens: int) -> bytes:
        """Return the finish event, the usage event where it was asked for, and ``[DONE]``."""
        parts = [self._choice(None, 0, "length")]
        if self._config.usage == "asked" and self._ask.include_usage:
            parts.append(self._event({"id": self._id, "choices": [], "usage": self._usage(tokens)}))
        parts.append(b"data: [DONE]" + self._end)
        return b"".join(parts)

    def _usage(self, tokens: int) -> dict[str, object]:
        return {
            "prompt_tokens": self._ask.input_tokens,
            "completion_tokens": tokens,
            "total_tokens": self._ask.input_tokens + tokens,
            "prompt_tokens_details": {"cached_tokens": self._config.cached_tokens},
        }

    def stream_error(self) -> bytes:
        """Return an error inside the stream, the way a dead engine is reported."""
        return self._event({"error": {"message": "EngineDeadError: injected", "type": "server_error"}})

    def malformed(self) -> bytes:
        """Return an event that is not JSON."""
        return b'data: {"id": self._id, "choices": [{"ind' + self._end
