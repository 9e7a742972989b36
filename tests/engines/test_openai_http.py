import asyncio
import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from planner.bench.truth_frames import Fault, FaultEvery, TruthConfig
from planner.bench.truth_server import TruthServer
from planner.engines.base import EngineOptions
from planner.engines.openai_http import OpenAIHttpEngine
from planner.errors import EngineError, UsageError
from planner.specs.measured.measurement import EngineFacts, Outcome, RequestReply
from tests.engines.truth import FAST, QUICK, always, ask, plan, with_server


def test_a_good_answer_has_stamps_in_order_and_the_server_s_counts() -> None:
    reply = ask(FAST)[0]
    stamps = reply.stamps
    assert reply.outcome is Outcome.OK
    assert reply.usage.input_tokens == 20
    assert reply.usage.output_tokens == 6
    assert reply.counted_tokens
    assert sum(stamps.chunk_tokens) == 6
    order = [stamps.ready_ns, stamps.sent_ns, stamps.headers_ns, stamps.first_token_ns, stamps.last_token_ns]
    assert order == sorted(item for item in order if item is not None)
    assert stamps.done_ns >= (stamps.last_token_ns or 0)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.RATE_LIMITED, Outcome.RATE_LIMITED),
        (Fault.HTTP_400, Outcome.HTTP_4XX),
        (Fault.HTTP_500, Outcome.HTTP_5XX),
        (Fault.RESET, Outcome.RESET),
        (Fault.RESET_MID, Outcome.RESET),
        (Fault.CUT, Outcome.TRUNCATED),
        (Fault.MALFORMED, Outcome.MALFORMED),
        (Fault.STREAM_ERROR, Outcome.STREAM_ERROR),
        (Fault.EMPTY, Outcome.EMPTY),
        (Fault.SHORT, Outcome.WRONG_LENGTH),
        (Fault.HANG_FIRST, Outcome.TIMEOUT_FIRST_TOKEN),
        (Fault.HANG_MID, Outcome.TIMEOUT_IDLE),
    ],
)
def test_every_fault_gets_its_own_class_and_the_next_request_is_fine(fault: Fault, outcome: Outcome) -> None:
    config = replace(FAST, faults=(FaultEvery(fault=fault, every=2),))
    first, second, third = ask(config, count=3)
    assert (first.outcome, second.outcome, third.outcome) == (Outcome.OK, outcome, Outcome.OK)
    assert second.detail


def test_what_arrived_before_a_cut_is_kept() -> None:
    reply = ask(always(Fault.CUT))[0]
    assert sum(reply.stamps.chunk_tokens) == 3


@pytest.mark.parametrize(
    "config",
    [
        replace(FAST, role_event=True, empty_event=True, comments=True, chat_only=True),
        replace(FAST, crlf=True, comments=True),
        replace(FAST, split_events=True),
        replace(FAST, crlf=True, split_events=True),
    ],
)
def test_roles_comments_line_ends_and_splits_do_not_move_the_first_token(config: TruthConfig) -> None:
    reply = ask(replace(config, ttft_s=0.05))[0]
    assert reply.outcome is Outcome.OK
    assert reply.stamps.first_token_ns is not None
    assert reply.stamps.sent_ns is not None
    assert reply.stamps.first_token_ns - reply.stamps.sent_ns >= 49_000_000
    assert sum(reply.stamps.chunk_tokens) == 6


def test_several_tokens_in_one_event_are_counted_by_their_ids() -> None:
    reply = ask(replace(FAST, tokens_per_event=4))[0]
    assert [tokens for tokens in reply.stamps.chunk_tokens if tokens] == [4, 2]


def test_a_server_that_refuses_extensions_is_asked_in_simpler_words() -> None:
    replies = ask(replace(FAST, chat_only=True, refused_fields=("ignore_eos", "max_tokens")), count=2)
    assert [reply.outcome for reply in replies] == [Outcome.OK, Outcome.OK]
    assert not replies[0].counted_tokens or replies[0].usage.output_tokens == 6


def test_text_prompts_reach_the_exact_length_after_the_first_answer() -> None:
    replies = ask(replace(FAST, chat_only=True), count=2)
    assert [reply.usage.input_tokens for reply in replies] == [20, 20]


def test_429_is_retried_on_request_and_time_counts_from_the_first_attempt() -> None:
    faults = (FaultEvery(fault=Fault.RATE_LIMITED, every=2),)
    config = replace(FAST, faults=faults, retry_after_s=0.05)
    _, reply = ask(config, count=2, honour_retry_after=True, max_retries=2)
    assert reply.outcome is Outcome.OK
    assert reply.attempts == 2
    assert reply.stamps.first_token_ns is not None
    assert reply.stamps.sent_ns is not None
    assert reply.stamps.first_token_ns - reply.stamps.sent_ns >= 50_000_000


def test_a_closed_port_is_a_connect_failure_and_opening_it_names_the_cure() -> None:
    async def run() -> RequestReply:
        engine = OpenAIHttpEngine(EngineOptions(model="m", url="http://127.0.0.1:9", timeouts=QUICK))
        with pytest.raises(EngineError, match="cannot reach"):
            await engine.open()
        return await engine.send(plan(), scheduled_ns=0)

    assert asyncio.run(run()).outcome is Outcome.CONNECT


def test_plain_http_behind_https_is_a_tls_failure() -> None:
    async def use(_: OpenAIHttpEngine, server: TruthServer) -> RequestReply:
        assert server._server is not None
        port = server._server.sockets[0].getsockname()[1]
        engine = OpenAIHttpEngine(EngineOptions(model="m", url=f"https://127.0.0.1:{port}", timeouts=QUICK))
        return await engine.send(plan(), scheduled_ns=0)

    reply = asyncio.run(with_server(FAST, use))
    assert reply.outcome in {Outcome.TLS, Outcome.CONNECT}
    assert isinstance(ssl.SSLError(), OSError)


def ask_behind_tls(*, verify_tls: bool) -> RequestReply:
    """Ask a server whose certificate nobody signed but itself."""

    async def run() -> RequestReply:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(Path(__file__).parent / "tls" / "server.pem")
        server = TruthServer(FAST)
        url = f"https://127.0.0.1:{await server.start(tls=tls)}/v1"
        engine = OpenAIHttpEngine(
            EngineOptions(model="truth", url=url, timeouts=QUICK, verify_tls=verify_tls)
        )
        try:
            return await engine.send(plan(), scheduled_ns=0)
        finally:
            await engine.close()
            await server.stop()

    return asyncio.run(run())


def test_a_self_signed_certificate_is_a_tls_failure_unless_it_is_accepted() -> None:
    refused = ask_behind_tls(verify_tls=True)
    assert refused.outcome is Outcome.TLS
    assert refused.detail is not None
    assert "CERTIFICATE_VERIFY_FAILED" in refused.detail
    accepted = ask_behind_tls(verify_tls=False)
    assert (accepted.outcome, accepted.usage.output_tokens) == (Outcome.OK, 6)


def test_a_cancelled_request_is_a_reply_not_an_exception() -> None:
    async def use(engine: OpenAIHttpEngine, _: TruthServer) -> RequestReply:
        task = asyncio.ensure_future(engine.send(plan(output_tokens=500), scheduled_ns=0))
        await asyncio.sleep(0.1)
        task.cancel()
        return await task

    reply = asyncio.run(with_server(FAST, use, timeouts=replace(QUICK, first_token_s=5.0, idle_s=5.0)))
    assert reply.outcome is Outcome.CANCELLED
    assert reply.stamps.chunk_ns


def test_connections_are_kept_alive() -> None:
    assert [reply.reused_connection for reply in ask(FAST, count=3)] == [False, True, True]


def test_the_key_is_sent_but_never_kept() -> None:
    options = EngineOptions(model="m", url="http://127.0.0.1:9", api_key="sk-secret")
    assert "sk-secret" not in repr(options)
    engine = OpenAIHttpEngine(options)
    assert engine._redact("bad key sk-secret") == "bad key [api key]"


@pytest.mark.parametrize(
    "url", ["ftp://x", "localhost:8000", "http://user:pw@x/v1", "http://x/v1?key=1", "http://x:99999"]
)
def test_a_bad_or_secret_bearing_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        OpenAIHttpEngine(EngineOptions(model="m", url=url))


def test_an_unknown_model_is_refused_with_what_the_server_has() -> None:
    async def use(engine: OpenAIHttpEngine, _: TruthServer) -> EngineFacts:
        return await engine.open()

    with pytest.raises(EngineError, match="serves: truth"):
        asyncio.run(with_server(FAST, use, model="trout"))
    facts = asyncio.run(with_server(FAST, use))
    assert facts.max_model_len_tokens == 65536


def test_a_stream_left_open_after_done_is_whole_and_ends_at_done() -> None:
    events = b"".join(
        b"data: " + data + b"\n\n"
        for data in (
            b'{"choices": [{"text": "a", "finish_reason": null}]}',
            b'{"choices": [{"text": "b", "finish_reason": "stop"}]}',
            b"[DONE]",
        )
    )

    gone = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + events)
        with suppress(ConnectionError):
            await reader.read()  # the body, then until the client gives up
        writer.close()
        gone.set()

    async def run() -> RequestReply:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        engine = OpenAIHttpEngine(EngineOptions(model="m", url=f"http://127.0.0.1:{port}", endpoint="chat"))
        reply = await engine.send(plan(), scheduled_ns=0)
        await engine.close()
        await gone.wait()
        server.close()
        return reply

    reply = asyncio.run(run())
    assert reply.outcome is Outcome.OK
    assert reply.stamps.done_ns - (reply.stamps.last_token_ns or 0) < 100_000_000
