import asyncio

from planner.engines.base import EngineOptions
from planner.engines.fake import FIRST_TOKEN_S, STEP_S
from planner.engines.registry import ENGINES
from planner.specs.measured.load import RequestPlan
from planner.specs.measured.measurement import Outcome, RequestReply
from planner.units import NS_PER_S


def ask(output_tokens: int, cancel_after_s: float | None = None) -> RequestReply:
    async def run() -> RequestReply:
        engine = ENGINES["fake"](EngineOptions(model="m"))
        await engine.open()
        plan = RequestPlan(
            index=0, phase="steady", input_tokens=8, output_tokens=output_tokens, prompt_seed=1
        )
        task = asyncio.ensure_future(engine.send(plan, scheduled_ns=0))
        if cancel_after_s is not None:
            await asyncio.sleep(cancel_after_s)
            task.cancel()
        reply = await task
        await engine.close()
        return reply

    return asyncio.run(run())


def test_the_fake_engine_answers_at_exactly_its_known_times() -> None:
    stamps = ask(3).stamps
    assert stamps.sent_ns is not None
    assert stamps.first_token_ns == stamps.sent_ns + round(FIRST_TOKEN_S * NS_PER_S)
    gaps = [after - before for before, after in zip(stamps.chunk_ns, stamps.chunk_ns[1:], strict=False)]
    assert gaps == [round(STEP_S * NS_PER_S)] * 2


def test_a_cancelled_request_keeps_the_tokens_it_already_has() -> None:
    reply = ask(200, cancel_after_s=0.05)
    assert reply.outcome is Outcome.CANCELLED
    assert 0 < len(reply.stamps.chunk_ns) < 200
