"""The event loop as machine code, when numba is there.

The kernel is ordinary Python over flat sequences. Here its functions are copied, compiled in the order in which they
call each other, and handed arrays. Results are the same to the last bit; only the speed differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from types import CodeType, FunctionType, ModuleType

from planner.errors import UsageError
from planner.simulation import kernel, memory, prefix_cache, step

KERNEL_MODULES = (step, prefix_cache, memory, kernel)
ENTRY = "run_engine"
# Python serves about so many while the first use is compiled (some 20 s, then kept in numba's cache).
WORTH_COMPILING_REQUESTS = 500_000


def is_worth_compiling(requests: int) -> bool:
    """Say whether machine code would be sooner done than Python: it is loaded, or the job is long enough."""
    if compiled_kernel.cache_info().currsize:
        return True
    return requests >= WORTH_COMPILING_REQUESTS and find_spec("numba") is not None


@cache
def compiled_kernel() -> Callable[..., None]:
    """Return ``run_engine`` as machine code.

    Raises
    ------
    UsageError
        If numba is not installed.
    """
    if find_spec("numba") is None:
        raise UsageError("numba is not installed", cure="pip install 'llm-capacity-planner[fast]'")
    import numba  # noqa: PLC0415 - an extra, and a second to import

    namespace: dict[str, object] = {}
    for module in KERNEL_MODULES:
        namespace.update(vars(module))
    functions = [function for module in KERNEL_MODULES for function in _functions_of(module)]
    edition = _edition(functions)
    for function in functions:
        namespace[function.__name__] = numba.njit(inline="always")(_copied(function, namespace, edition))
    entry_source = next(function for function in functions if function.__name__ == ENTRY)
    entry: Callable[..., None] = numba.njit(cache=True)(_copied(entry_source, namespace, edition))
    return entry


def _functions_of(module: ModuleType) -> list[FunctionType]:
    return [
        value
        for value in vars(module).values()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    ]


def _copied(function: FunctionType, namespace: dict[str, object], edition: str) -> FunctionType:
    """Return the function over another namespace, where its callees are compiled ones.

    The edition in its name keeps numba's file cache from pairing it with callees of another release.
    """
    copy = FunctionType(function.__code__, namespace, function.__name__)
    copy.__qualname__ = f"{function.__name__}_{edition}"
    copy.__module__ = function.__module__
    return copy


def _edition(functions: list[FunctionType]) -> str:
    return hashlib.sha256(b"".join(_fingerprint(function.__code__) for function in functions)).hexdigest()[
        :12
    ]


def _fingerprint(code: CodeType) -> bytes:
    constants = [constant for constant in code.co_consts if not isinstance(constant, CodeType)]
    return code.co_code + repr((constants, code.co_names)).encode()
