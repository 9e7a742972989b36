"""Frozen dataclasses that cost little to define: the standard library's, whose methods are made when first needed.

:func:`dataclasses.dataclass` writes and compiles six functions for every frozen class, 0.3 ms on a quick machine and
0.7 ms on a slow one. An estimate knows 190 such classes, makes objects of half of them, and has half a second in all.
Here a class shares its comparison, hash and text with all others, and its ``__init__`` is compiled with its first
object. Everything else, fields, slots, ``replace``, ``asdict``, is the standard library's. A type checker sees
:func:`dataclasses.dataclass` itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass

    from _typeshed import DataclassInstance
else:

    def dataclass(
        *, frozen: bool = False, kw_only: bool = False, slots: bool = False, eq: bool = True
    ) -> Callable[[type], type]:
        """Return a decorator that does what :func:`dataclasses.dataclass` does.

        Parameters
        ----------
        frozen, kw_only, slots, eq : as there; only frozen classes without bases and ``__post_init__`` are made the
            quick way.
        """

        def made(cls: type) -> type:
            if not frozen or cls.__bases__ != (object,) or hasattr(cls, "__post_init__"):
                return dataclasses.dataclass(frozen=frozen, kw_only=kw_only, slots=slots, eq=eq)(cls)
            plain = dataclasses.dataclass(
                init=False, repr=False, eq=False, match_args=False, kw_only=kw_only, slots=slots
            )
            shared = SHARED | COMPARED if eq else SHARED
            record = plain(cls)
            for name, method in shared.items():
                if name not in vars(cls):
                    setattr(record, name, method)
            return record

        return made


def _first_init(self: DataclassInstance, *args: object, **values: object) -> None:
    cls = type(self)
    init = _written_init(cls)
    setattr(cls, "__init__", init)  # noqa: B010 - a method, put back
    init(self, *args, **values)


def _written_init(cls: type[DataclassInstance]) -> Callable[..., None]:
    """Return the ``__init__`` of a class: one parameter and one assignment a field."""
    names: dict[str, Any] = {"_set": object.__setattr__, "_absent": _ABSENT}
    parameters, lines = [], []
    for field in dataclasses.fields(cls):
        value = field.name
        if field.default is not dataclasses.MISSING:
            names[f"_default_{field.name}"] = field.default
            parameters.append((field.kw_only, f"{field.name}=_default_{field.name}"))
        elif field.default_factory is not dataclasses.MISSING:
            names[f"_make_{field.name}"] = field.default_factory
            parameters.append((field.kw_only, f"{field.name}=_absent"))
            value = f"_make_{field.name}() if {field.name} is _absent else {field.name}"
        else:
            parameters.append((field.kw_only, field.name))
        lines.append(f"    _set(self, {field.name!r}, {value})")
    by_place = [text for is_keyword, text in parameters if not is_keyword]
    by_name = [text for is_keyword, text in parameters if is_keyword]
    signature = ", ".join(["self", *by_place, *(["*", *by_name] if by_name else [])])
    exec(f"def __init__({signature}):\n" + "\n".join(lines or ["    pass"]), names)  # noqa: S102 - as dataclasses do
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _compared(record: DataclassInstance) -> tuple[object, ...]:
    return tuple(getattr(record, field.name) for field in dataclasses.fields(record) if field.compare)


def _eq(self: DataclassInstance, other: object) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _compared(self) == _compared(other)


def _hash(self: DataclassInstance) -> int:
    return hash(_compared(self))


def _repr(self: DataclassInstance) -> str:
    shown = (field.name for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _refuse_set(self: DataclassInstance, name: str, value: object) -> None:  # noqa: ARG001 - as object's
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: DataclassInstance, name: str) -> None:  # noqa: ARG001 - as object's
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: DataclassInstance) -> list[object]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: DataclassInstance, state: list[object]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_ABSENT = object()
SHARED = {
    "__init__": _first_init,
    "__repr__": _repr,
    "__setattr__": _refuse_set,
    "__delattr__": _refuse_delete,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}
COMPARED = {"__eq__": _eq, "__hash__": _hash}
