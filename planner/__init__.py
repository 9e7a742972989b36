"""Capacity planning and cost estimation for LLM systems."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("llm-capacity-planner")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+source"
