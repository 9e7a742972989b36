"""Continuous batching on one llama.cpp context, as llama-server's slots do it.

Each step carries one token for every slot that is generating, in the order of the slots, and then, in the order of
arrival, as much of the waiting prompts as the batch has room for. A prompt that ends in a step yields its first token at
the end of that step.

The order matters: with a cache for each slot, llama.cpp computes in one pass only sequences whose numbers follow one
another (``llama_batch_allocr::split_equal``), and every gap costs a pass over all weights.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import field

from planner.engines.llamacpp_session import Row, Session
from planner.records import dataclass
from planner.units import Count

FIRST_ORDINARY_TOKEN = 300  # ids below are control and byte tokens in most vocabularies


@dataclass(kw_only=True, slots=True)  # state: moves on with every step
class SlotRequest:
    """A request and how far it has come."""

    id: int
    input_tokens: int
    output_tokens: int
    read_tokens: int = 0
    written_tokens: int = 0

    @property
    def finished(self) -> bool:
        """Whether every token has been written."""
        return self.written_tokens >= self.output_tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class StepEvent:
    """What a step brought: its end [ns of perf_counter], the requests that got a token, those that are done."""

    ns: Count
    tokens: tuple[int, ...]
    done: tuple[int, ...]


@dataclass(kw_only=True, slots=True)  # state: the slots and who waits for them
class SlotServer:
    """The slots of one context. `add` requests at any time; `step` while there is work."""

    session: Session
    slots: Count
    batch_tokens: int
    clock_ns: Callable[[], int] = time.perf_counter_ns
    _running: dict[int, SlotRequest] = field(default_factory=dict)
    _waiting: deque[SlotRequest] = field(default_factory=deque)
    _drawn: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - token ids, not secrets

    @property
    def busy(self) -> bool:
        """Whether any request is in a slot or waits for one."""
        return bool(self._running or self._waiting)

    def add(self, request: SlotRequest) -> None:
        """Queue a request."""
        self._waiting.append(request)

    def step(self) -> StepEvent:
        """Fill free slots, run one step, and say what it brought."""
        while self._waiting and len(self._running) < self.slots:
            self._running[self._best_slot()] = self._waiting.popleft()
        rows, touched = self._rows()
        self.session.step(rows)
        ns = self.clock_ns()
        for slot in touched:
            self._running[slot].written_tokens += 1
        event = StepEvent(
            ns=ns,
            tokens=tuple(self._running[slot].id for slot in touched),
            done=tuple(self._running[slot].id for slot in touched if self._running[slot].finished),
        )
        for slot in [slot for slot in touched if self._running[slot].finished]:
            del self._running[slot]
            self.session.trim(slot, 0)
        return event

    def _best_slot(self) -> int:
        """Return the free slot that leaves the fewest passes; the lowest of several."""
        free = (slot for slot in range(self.slots) if slot not in self._running)
        return min(free, key=lambda slot: passes({*self._running, slot}))

    def _rows(self) -> tuple[list[Row], list[int]]:
        """Lay out the step; also the slots that get a token from it."""
        rows: list[Row] = []
        touched: list[int] = []
        for slot, request in sorted(self._running.items()):
            if request.read_tokens == request.input_tokens:
                place = request.input_tokens + request.written_tokens - 1
                rows.append(Row(self._token(), place, slot, output=True))
                touched.append(slot)
        prompts = [item for item in self._running.items() if item[1].read_tokens < item[1].input_tokens]
        for slot, request in sorted(prompts, key=lambda item: item[1].id):
            start = request.read_tokens
            stop = min(request.input_tokens, start + self.batch_tokens - len(rows))
            last = request.input_tokens - 1
            rows += [Row(self._token(), place, slot, output=place == last) for place in range(start, stop)]
            request.read_tokens = stop
            if stop == request.input_tokens and stop > start:
                touched.append(slot)
        return rows, touched

    def _token(self) -> int:
        vocabulary = self.session.facts.vocabulary
        return self._drawn.randrange(min(FIRST_ORDINARY_TOKEN, vocabulary - 1), vocabulary)


def passes(slots: Collection[int]) -> int:
    """Return how many runs of consecutive numbers the busy slots make."""
    return sum(slot - 1 not in slots for slot in slots)
