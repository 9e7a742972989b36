"""A slow simulator that loops over every step and every block: what the fast one must agree with.

It is written from vLLM's scheduler, not from ``planner.simulation``: requests are objects, blocks have identities,
the pool is a list of blocks, least recently used first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from planner.simulation.step import StepCosts
from planner.specs.answers.simulation import EngineLimits, RequestBatch


@dataclass
class Request:
    number: int
    arrival_s: float
    input_tokens: int
    output_tokens: int
    hashes: list[int]
    computed: int = 0
    generated: int = 0
    blocks: list[int] = field(default_factory=list)
    scheduled_s: float = float("nan")
    first_token_s: float = float("nan")
    last_token_s: float = float("nan")
    preemptions: int = 0
    cached_tokens: int = 0
    in_prefill: bool = True

    @property
    def tokens(self) -> int:
        """Return all tokens known so far: the prompt and what was generated."""
        return self.input_tokens + self.generated


class BlockPool:
    """Blocks by number; free ones in the order in which they will be used again."""

    def __init__(self, blocks: int) -> None:
        self.free: OrderedDict[int, None] = OrderedDict((block, None) for block in range(blocks))
        self.text: dict[int, int] = {}
        self.by_text: dict[int, int] = {}
        self.users = [0] * blocks

    def use(self) -> int:
        block, _ = self.free.popitem(last=False)
        if block in self.text:
            del self.by_text[self.text.pop(block)]
        self.users[block] = 1
        return block

    def share(self, block: int) -> None:
        self.free.pop(block, None)
        self.users[block] += 1

    def name(self, block: int, text: int) -> bool:
        if text in self.by_text:
            return False
        self.by_text[text] = block
        self.text[block] = text
        return True

    def release(self, blocks: list[int]) -> None:
        for block in reversed(blocks):
            self.users[block] -= 1
            if self.users[block] == 0:
                self.free[block] = None


class ReferenceEngine:
    """One engine, step by step."""

    def __init__(
        self, batch: RequestBatch, costs: StepCosts, limits: EngineLimits, clients: int | None = None
    ) -> None:
        starts = batch.prefix_starts
        self.requests = [
            Request(
                number,
                float(batch.arrival_s[number]),
                int(batch.input_tokens[number]),
                int(batch.output_tokens[number]),
                [] if starts is None else batch.prefix_hashes[starts[number] : starts[number + 1]].tolist(),
            )
            for number in range(batch.size)
        ]
        self.costs, self.limits = costs, limits
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.late: list[Request] = []
        unbounded = sum(request.tokens + request.output_tokens for request in self.requests)
        size = limits.block_tokens
        self.capacity = (unbounded if limits.pool_tokens is None else limits.pool_tokens) // size
        self.pool = BlockPool(self.capacity + (len(self.requests) if limits.pool_tokens is None else 0))
        self.to_come = [request for request in self.requests if self.is_servable(request)]
        self.unsent: list[Request] = []
        if clients is not None:
            self.to_come, self.unsent = self.to_come[:clients], self.to_come[clients:]
        self.now = self.seen = 0.0
        self.most_used = 0
        self.tokens_computed = 0

    def run(self) -> list[Request]:
        while self.to_come or self.waiting or self.running:
            self.receive()
            if not self.running and not self.waiting and not self.to_come:
                break
            if not self.running and not self.waiting:
                self.settle()
                self.now = self.seen = max(self.now, self.to_come[0].arrival_s)
                continue
            if not self.running:
                self.settle()
                self.seen = self.now
                self.receive()
            self.step()
        return self.requests

    def settle(self) -> None:
        for request in self.late:
            self.pool.release(request.blocks)
        self.late = []

    def receive(self) -> None:
        while self.to_come and self.to_come[0].arrival_s <= self.seen:
            request = self.to_come.pop(0)
            self.waiting.append(request)

    def is_servable(self, request: Request) -> bool:
        longest = request.input_tokens + request.output_tokens - 1
        if self.limits.slot_tokens is not None and longest > self.limits.slot_tokens:
            return False
        if not self.limits.chunked_prefill and longest > self.limits.max_num_batched_tokens:
            return False
        return self.limits.pool_tokens is None or -(-longest // self.limits.block_tokens) <= self.capacity

    def send_next(self, when_s: float) -> None:
        if self.unsent:
            self.unsent[0].arrival_s = when_s
            self.to_come.append(self.unsent.pop(0))

    def grab(self, request: Request, upto: int) -> bool:
        wanted = -(-upto // self.limits.block_tokens) - len(request.blocks)
        if wanted > len(self.pool.free):
            return False
        for _ in range(wanted):
            request.blocks.append(self.pool.use())
        self.publish(request, upto)
        return True

    def publish(self, request: Request, upto: int) -> None:
        if not self.limits.prefix_caching:
            return
        for index in range(upto // self.limits.block_tokens):
            block = request.blocks[index]
            is_late = index < len(request.hashes) and not request.in_prefill
            if block not in self.pool.text and (
                is_late or not self.pool.name(block, self.text_of(request, index))
            ):
                break

    def text_of(self, request: Request, index: int) -> int:
        """Return the number of a block's text: a shared prefix, or what only this request holds there."""
        if index < len(request.hashes):
            return request.hashes[index]
        return -1 - (request.number * 100_000 + index)

    def preempt(self) -> Request:
        request = self.running.pop()
        self.pool.release(request.blocks)
        request.blocks, request.computed, request.in_prefill = [], 0, True
        request.preemptions += 1
        self.waiting.insert(0, request)
        return request

    def step(self) -> None:
        budget = self.limits.max_num_batched_tokens
        work: list[tuple[Request, int]] = []
        preempted = False
        index = 0
        while index < len(self.running) and budget > 0:
            request = self.running[index]
            chunk = min(request.tokens - request.computed, budget)
            gone = False
            while not self.grab(request, request.computed + chunk):
                preempted = True
                if self.preempt() is request:
                    gone = True
                    break
            if gone:
                break
            work.append((request, chunk))
            budget -= chunk
            index += 1
        if not preempted:
            self.admit(budget, work)
        if work:
            self.execute(work)

    def admit(self, budget: int, work: list[tuple[Request, int]]) -> None:
        while self.waiting and budget > 0 and len(self.running) + len(self.late) < self.limits.max_num_seqs:
            request = self.waiting[0]
            hits = self.find_prefix(request)
            cached = len(hits) * self.limits.block_tokens
            chunk = min(request.tokens - cached, budget)
            if not self.limits.chunked_prefill and chunk < request.tokens - cached:
                break
            idle = sum(block in self.pool.free for block in hits)
            upto = request.tokens if self.limits.reserve_full_input else cached + chunk
            if -(-upto // self.limits.block_tokens) - len(hits) + idle > len(self.pool.free):
                break
            for block in hits:
                self.pool.share(block)
            request.blocks, request.computed = list(hits), cached
            assert self.grab(request, cached + chunk)
            self.waiting.pop(0)
            self.running.append(request)
            if np.isnan(request.scheduled_s):
                request.scheduled_s = self.now
                request.cached_tokens = cached
            work.append((request, chunk))
            budget -= chunk

    def find_prefix(self, request: Request) -> list[int]:
        hits: list[int] = []
        if self.limits.prefix_caching:
            for index in range((request.tokens - 1) // self.limits.block_tokens):
                text = self.text_of(request, index)
                if text not in self.pool.by_text:
                    break
                hits.append(self.pool.by_text[text])
        return hits

    def execute(self, work: list[tuple[Request, int]]) -> None:
        decoding = [request for request, _ in work if not request.in_prefill]
        prompts = [(request, chunk) for request, chunk in work if request.in_prefill]
        pairs = sum(chunk * request.computed + chunk * (chunk + 1) / 2 for request, chunk in prompts)
        tokens = sum(chunk for _, chunk in work)
        context = sum(request.tokens for request in decoding)
        self.tokens_computed += tokens
        self.most_used = max(self.most_used, self.capacity - len(self.pool.free))
        start = self.now
        self.now += self.step_time_s(tokens, len(work), context, pairs, prefill=bool(prompts))
        self.seen = start if self.limits.async_scheduling else self.now
        self.settle()
        for request, chunk in work:
            request.computed += chunk
            if request.computed == request.tokens:
                self.emit(request)
        if not self.limits.async_scheduling:
            self.settle()

    def emit(self, request: Request) -> None:
        request.generated += 1
        request.in_prefill = False
        if request.generated == 1:
            request.first_token_s = self.now
        if request.generated == request.output_tokens:
            request.last_token_s = self.now
            self.running.remove(request)
            self.late.append(request)
            self.send_next(self.now)

    def step_time_s(self, tokens: int, sequences: int, context: int, pairs: float, *, prefill: bool) -> float:
        costs = self.costs
        compute = 0.0 if costs.compute_s is None else float(costs.compute_s[tokens])
        memory = 0.0 if costs.memory_s is None else float(costs.memory_s[tokens])
        time = float(costs.serial_s[tokens]) + costs.sequence_s * sequences
        time += costs.kv_token_s * context + costs.pair_s * pairs + costs.prefill_overhead_s * prefill
        return time + max(compute + costs.compute_pair_s * pairs, memory + costs.memory_kv_s * context)
