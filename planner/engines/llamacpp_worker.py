"""The process that holds one llama.cpp context and answers commands, one JSON line each: open, measure, serve, close.

``python -m planner.engines.llamacpp_worker``. A context lives in a process of its own so that no thread pool of an earlier
one is left to spin against it, and so that running out of memory ends a point and not the run.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import IO

from planner.engines.base import JsonObject
from planner.engines.llamacpp_session import LlamaCppSession, LlamaCppSettings, Session
from planner.engines.llamacpp_slots import SlotRequest, SlotServer
from planner.engines.llamacpp_work import measure
from planner.errors import EngineError, PlannerError
from planner.specs.measured.step_point import StepPoint

SessionMaker = Callable[[LlamaCppSettings], Session]


def serve(commands: IO[str], answers: IO[str], make_session: SessionMaker) -> None:
    """Answer commands until `close` or the end of the input."""
    session: Session | None = None
    settings: LlamaCppSettings | None = None
    for line in commands:
        message = json.loads(line)
        try:
            if message["command"] == "close":
                break
            if message["command"] == "serve" and session and settings:
                serve_slots(session, settings, commands, answers)
                break
            if message["command"] == "open":
                settings = LlamaCppSettings(**message["settings"])
                session = make_session(settings)
                answer: JsonObject = {"facts": asdict(session.facts)}
            else:
                answer = _measure(session, settings, message)
        except PlannerError as error:
            answer = {"error": error.message, "cure": error.cure}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    if session:
        session.close()


def serve_slots(session: Session, settings: LlamaCppSettings, requests: IO[str], answers: IO[str]) -> None:
    """Serve requests, one JSON line each, until their end; write one line for each step."""
    server = SlotServer(session=session, slots=settings.sequences, batch_tokens=settings.batch_tokens)
    inbox: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_forward, args=(requests, inbox), daemon=True).start()
    while _take(server, inbox):
        try:
            event = asdict(server.step())
        except PlannerError as error:
            event = {"error": error.message}
        answers.write(json.dumps(event) + "\n")
        answers.flush()
        if "error" in event:
            return


def _forward(lines: IO[str], inbox: queue.SimpleQueue[str | None]) -> None:
    for line in lines:
        inbox.put(line)
    inbox.put(None)


def _take(server: SlotServer, inbox: queue.SimpleQueue[str | None]) -> bool:
    """Move what has arrived into the server, waiting when it is idle; ``False`` when no more will come."""
    while not server.busy or not inbox.empty():
        line = inbox.get()
        if line is None:
            return False
        server.add(SlotRequest(**json.loads(line)))
    return True


def _measure(session: Session | None, settings: LlamaCppSettings | None, message: JsonObject) -> JsonObject:
    if session is None or settings is None:
        raise EngineError("the worker has no model open", cure="send the command open first")
    point = StepPoint(**message["point"])
    times_s, use = measure(session, point, batch_tokens=settings.batch_tokens, seed=message["seed"])
    return {"times_s": times_s, "use": asdict(use)}


def main() -> None:
    """Serve on stdin and stdout. What the library itself prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers, LlamaCppSession)


if __name__ == "__main__":
    main()
