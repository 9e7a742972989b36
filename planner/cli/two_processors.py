"""A long list worked off by two processors: the second half in a forked child, which has everything read already."""

from __future__ import annotations

import os
import pickle
import signal
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NoReturn, TypeVar

ItemT = TypeVar("ItemT")
DoneT = TypeVar("DoneT")

WORTH_IT = 100  # chosen: a comparison takes 2 ms and more, a fork with its answer some 50 ms


def in_two(work: Callable[[ItemT], DoneT], items: Sequence[ItemT]) -> list[DoneT]:
    """Return ``work`` of each item, in order; what it returns must not depend on the items before.

    A short list, a single processor or a system without ``fork`` is worked off here. So is the second half where the
    child fails: then its error comes here, with its message.
    """
    if len(items) < WORTH_IT or _processors() < 2:
        return [work(item) for item in items]
    half = len(items) // 2
    reading, writing = os.pipe()
    with warnings.catch_warnings():  # of threads that numpy's library keeps, which the child does not use
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(writing, work, items[half:])
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe, ExitStack() as cut_short:
        cut_short.callback(os.waitpid, child, 0)
        cut_short.callback(os.kill, child, signal.SIGKILL)
        first = [work(item) for item in items[:half]]
        answer = pipe.read()
        cut_short.pop_all()  # an error or an interruption before here ends the child first, and leaves none behind
    _, status = os.waitpid(child, 0)
    if status != 0:
        return first + [work(item) for item in items[half:]]
    second: list[DoneT] = pickle.loads(answer)  # noqa: S301 - of our own child
    return first + second


def _processors() -> int:
    """Return how many processors this process may use; 1 where it cannot be forked."""
    from planner.engines.host import usable_cpus  # only a long list asks

    return usable_cpus() if hasattr(os, "fork") else 1


def _answer(writing: int, work: Callable[[ItemT], DoneT], items: Sequence[ItemT]) -> NoReturn:
    """Work off a list in the child and send what comes out; the child ends here whatever happens."""
    code = 1
    try:
        answer = pickle.dumps([work(item) for item in items])
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(answer)
        code = 0
    finally:
        os._exit(code)
