"""The engines that answer requests, by name. A new one is one module and one line here."""

from __future__ import annotations

from collections.abc import Callable

from planner.engines.base import Engine, EngineOptions
from planner.engines.fake import FakeEngine
from planner.engines.llamacpp_engine import LlamaCppEngine
from planner.engines.openai_http import OpenAIHttpEngine
from planner.engines.vllm import VllmEngine

ENGINES: dict[str, Callable[[EngineOptions], Engine]] = {
    "fake": FakeEngine,
    "llamacpp": LlamaCppEngine,
    "openai": OpenAIHttpEngine,
    "vllm": VllmEngine,
}

STARTED_HERE = frozenset({"llamacpp", "vllm"})
"""Engines whose processes are ours, so that all others on the machine disturb them."""
