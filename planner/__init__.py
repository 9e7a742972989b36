"""Capacity planning and cost estimation for LLM systems."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: reading package metadata costs 30 ms that most commands save."""
    if name != "__version__":
        raise AttributeError(f"module 'planner' has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("llm-capacity-planner")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+source"
