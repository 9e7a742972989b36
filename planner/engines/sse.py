"""Server-sent events from body bytes, as they arrive. Pure."""

from __future__ import annotations


class EventReader:
    """Splits a body into the data of its events. Comments and empty events are dropped."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def unfinished(self) -> bool:
        """Whether bytes of an event that has not ended are waiting."""
        return bool(self._buffer.strip())

    def feed(self, body: bytes) -> list[bytes]:
        """Take ``body`` and return the data of each event that ended in it."""
        if b"\r" in body or self._buffer.endswith(b"\r"):
            return self._feed_carriage_returns(body)
        if not self._buffer and body.startswith(b"data: ") and body.find(b"\n") == len(body) - 2:
            return [body[6:-2]]  # the common case: exactly one event of one line
        return self._split(self._buffer + body)

    def _feed_carriage_returns(self, body: bytes) -> list[bytes]:
        text = self._buffer + body
        held = b"\r" if text.endswith(b"\r") else b""  # the line feed may be in the next piece
        events = self._split(text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        self._buffer += held
        return events

    def _split(self, text: bytes) -> list[bytes]:
        *blocks, self._buffer = text.split(b"\n\n")
        return [data for data in map(_event_data, blocks) if data]


def _event_data(block: bytes) -> bytes:
    lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
    return lines[0] if len(lines) == 1 else b"\n".join(lines)
