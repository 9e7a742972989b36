from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from planner.engines.base import EngineOptions
from planner.engines.llamacpp_engine import WORKER, LlamaCppEngine, launch_settings
from planner.engines.llamacpp_session import LlamaCppSettings
from planner.engines.llamacpp_slots import SlotRequest, SlotServer, passes
from planner.engines.synthetic import write_gguf
from planner.errors import EngineError, UsageError
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import EngineFacts, Outcome, RequestReply
from tests.engines.fake_session import FakeSession
from tests.engines.shapes import tiny

FAKE = (sys.executable, "-m", "tests.engines.fake_session")


def plan(index: int, *, input_tokens: int = 6, output_tokens: int = 3) -> RequestPlan:
    return RequestPlan(
        index=index,
        phase="steady",
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        prompt_seed=index,
    )


def serve(
    options: EngineOptions, plans: Sequence[RequestPlan], command: tuple[str, ...] = FAKE
) -> tuple[EngineFacts, list[RequestReply]]:
    async def run() -> tuple[EngineFacts, list[RequestReply]]:
        engine = LlamaCppEngine(options, command=command)
        try:
            facts = await engine.open()
            replies = await asyncio.gather(*(engine.send(each, scheduled_ns=0) for each in plans))
            return facts, list(replies)
        finally:
            await engine.close()

    return asyncio.run(run())


def test_decoding_slots_go_first_and_prompts_fill_what_the_batch_has_left() -> None:
    session = FakeSession(LlamaCppSettings(model="m", threads=1, sequences=2))
    server = SlotServer(session=session, slots=2, batch_tokens=8, clock_ns=lambda: 7)
    for number, length in enumerate((5, 9, 4)):
        server.add(SlotRequest(id=number, input_tokens=length, output_tokens=2))
    events = []
    while server.busy:
        events.append(server.step())
    # step 1: 5 of A, 3 of B; 2: A decodes (done), 6 of B; 3: B decodes (done), 4 of C in A's slot; 4: C decodes
    assert [len(rows) for rows in session.steps] == [8, 7, 5, 1]
    assert [event.tokens for event in events] == [(0,), (0, 1), (1, 2), (2,)]
    assert [event.done for event in events] == [(), (0,), (1,), (2,)]
    assert events[0].ns == 7


def test_a_step_has_its_sequences_in_the_order_of_the_slots() -> None:
    # llama.cpp takes a sequence into a pass only where its number follows the one before
    session = FakeSession(LlamaCppSettings(model="m", threads=1, sequences=3))
    server = SlotServer(session=session, slots=3, batch_tokens=64, clock_ns=lambda: 7)
    for number, answer in enumerate((2, 6, 6, 6)):
        server.add(SlotRequest(id=number, input_tokens=4, output_tokens=answer))
    while server.busy:
        server.step()
    # the fourth request takes slot 0 after two steps: laid out as it came, its row would be the last of the step
    assert [[row.sequence for row in rows] for rows in session.steps[3:5]] == [[0, 1, 2], [0, 1, 2]]


def test_a_request_takes_the_slot_that_leaves_the_fewest_passes() -> None:
    session = FakeSession(LlamaCppSettings(model="m", threads=1, sequences=4))
    server = SlotServer(session=session, slots=4, batch_tokens=64, clock_ns=lambda: 7)
    for number, answer in enumerate((2, 2, 9)):
        server.add(SlotRequest(id=number, input_tokens=4, output_tokens=answer))
    server.step()
    server.step()  # slots 0 and 1 are done, 2 goes on
    server.add(SlotRequest(id=3, input_tokens=4, output_tokens=2))
    server.step()
    assert sorted({row.sequence for row in session.steps[-1]}) == [1, 2]  # slot 0 would be a pass of its own
    assert [passes(busy) for busy in ({0, 1, 2}, {0, 2, 3}, {1, 3})] == [1, 2, 2]


def test_every_token_of_every_request_gets_a_stamp() -> None:
    facts, replies = serve(EngineOptions(model="fake.gguf"), [plan(number) for number in range(6)])
    assert facts.kind == "llamacpp"
    assert [reply.outcome for reply in replies] == [Outcome.OK] * 6
    for reply in replies:
        stamps = reply.stamps
        assert len(stamps.chunk_ns) == 3
        assert stamps.sent_ns is not None
        assert stamps.sent_ns < stamps.chunk_ns[0] <= stamps.chunk_ns[-1] == stamps.done_ns


def test_a_request_larger_than_a_slot_fails_and_names_the_cure() -> None:
    _, replies = serve(EngineOptions(model="fake.gguf"), [plan(0, input_tokens=5000)])
    assert replies[0].outcome is Outcome.HTTP_4XX
    assert replies[0].detail == "a slot holds 4096 tokens; raise --ctx-size"


def test_requests_fail_when_the_worker_dies() -> None:
    _, replies = serve(EngineOptions(model="dies.gguf"), [plan(0)])
    assert replies[0].outcome is Outcome.STREAM_ERROR
    assert replies[0].detail == "the llama.cpp worker died"


def test_a_model_that_does_not_load_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="could not load"):
        serve(EngineOptions(model="missing.gguf"), [])


def test_launch_arguments_are_llama_servers() -> None:
    arguments = ("--parallel", "8", "--ctx-size", "2048", "--threads", "2")
    made = launch_settings(EngineOptions(model="m", launch_arguments=arguments))
    assert (made.sequences, made.context_tokens, made.threads, made.batch_tokens) == (8, 2048, 2, 2048)
    assert (made.flash_attention, made.kv_type_k, made.kv_type_v, made.unified_kv) == (
        "auto",
        "f16",
        "f16",
        False,
    )
    words = ("-np", "2", "-ngl", "20", "-fa", "on", "-ctk", "q8_0", "-ctv", "q4_0", "-kvu")
    short = launch_settings(EngineOptions(model="m", launch_arguments=words))
    assert (short.sequences, short.gpu_layers) == (2, 20)
    assert (short.flash_attention, short.kv_type_k, short.kv_type_v, short.unified_kv) == (
        "on",
        "q8_0",
        "q4_0",
        True,
    )


@pytest.mark.parametrize(
    "arguments", [("--flash-attn", "maybe"), ("--parallel", "many"), ("--mlock",), ("--cache-type-k", "f8")]
)
def test_other_launch_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="does not take") as refused:
        launch_settings(EngineOptions(model="m", launch_arguments=arguments))
    assert "--parallel" in str(refused.value.cure)


@pytest.mark.llamacpp
@pytest.mark.parametrize("more", [(), ("--kv-unified",), ("-fa", "on", "-ctk", "q8_0", "-ctv", "q8_0")])
def test_llama_cpp_serves_more_requests_than_it_has_slots(tmp_path: Path, more: tuple[str, ...]) -> None:
    path = write_gguf(tiny("llama"), "q4_0", tmp_path / "model.gguf", seed=1)
    arguments = ("--parallel", "2", "--ctx-size", "512", *more)
    options = EngineOptions(model=str(path), launch_arguments=arguments)
    _, replies = serve(options, [plan(number, input_tokens=40) for number in range(5)], WORKER)
    assert [reply.outcome for reply in replies] == [Outcome.OK] * 5
    assert [reply.usage.output_tokens for reply in replies] == [3] * 5


@pytest.mark.llamacpp
def test_a_real_worker_that_is_killed_in_mid_stream_ends_its_requests_as_failed(tmp_path: Path) -> None:
    path = write_gguf(tiny("llama"), "q4_0", tmp_path / "model.gguf", seed=1)
    options = EngineOptions(model=str(path), launch_arguments=("--parallel", "2", "--ctx-size", "4096"))

    async def run() -> list[RequestReply]:
        engine = LlamaCppEngine(options, command=WORKER)
        try:
            await engine.open()
            sent = [
                asyncio.ensure_future(engine.send(plan(number, output_tokens=2000), scheduled_ns=0))
                for number in range(2)
            ]
            while sum(bool(each.chunks) for each in engine._pending.values()) < 2:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            assert engine._process is not None
            engine._process.kill()
            return list(await asyncio.gather(*sent))
        finally:
            await engine.close()

    replies = asyncio.run(run())
    assert [reply.outcome for reply in replies] == [Outcome.STREAM_ERROR] * 2
    assert all(0 < len(reply.stamps.chunk_ns) < 2000 for reply in replies)
