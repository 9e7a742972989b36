import itertools

import pytest
from hypothesis import given, strategies as st

from planner.engines.http_errors import ProtocolError
from planner.engines.http_parser import ResponseParser

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = HEAD + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"


@given(st.lists(st.integers(1, len(CHUNKED) - 1), max_size=12))
def test_however_the_bytes_are_cut_the_body_is_the_same(cuts: list[int]) -> None:
    parser = ResponseParser()
    edges = [0, *sorted(set(cuts)), len(CHUNKED)]
    body = b"".join(parser.feed(CHUNKED[a:b]) for a, b in itertools.pairwise(edges))
    assert body == b"hello world"
    assert parser.complete
    assert parser.keep_alive


def test_a_body_with_a_length_ends_there() -> None:
    parser = ResponseParser()
    assert parser.feed(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nno") == b"no"
    assert not parser.complete
    assert parser.feed(b"pe") == b"pe"
    assert parser.complete
    assert parser.status == 404


def test_a_body_without_length_ends_with_the_connection() -> None:
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc")
    assert not parser.complete
    assert parser.end()
    assert not parser.keep_alive


def test_a_chunked_body_that_is_cut_is_not_complete() -> None:
    parser = ResponseParser()
    parser.feed(CHUNKED[:-5])
    assert not parser.end()


def test_an_interim_response_is_skipped() -> None:
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    assert parser.status == 204
    assert parser.complete


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", HEAD + b"zz\r\nhello\r\n"])
def test_what_is_not_http_is_said_to_be_so(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        ResponseParser().feed(data)
