"""Safe YAML in, plain values out, and every place remembered so that a fault can be pointed at.

Values are built without ever constructing a foreign object. Sequences become tuples and mappings become
dicts with text keys. Numbers follow YAML 1.2 where 1.1 surprises (``1e6`` is a number, ``12:30`` is text).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from datetime import date, datetime
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import yaml

from planner.errors import Fault, InputError
from planner.inputs.text_file import read_text, whole_file_error
from planner.records import dataclass

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

MAX_NODES = 500_000  #: after aliases are expanded: the "billion laughs" file stops here
MAX_DEPTH = 100  #: levels of mappings and lists inside each other; the deepest book has seven
MAX_OPEN = 1000  #: brackets or dashes open at once: far more overflow the stack of the parser itself
MAX_DIGITS = 400  #: of a whole number; beyond it nothing is counted, and Python refuses the text at 4,300
SHOWN_TEXT = 30  #: characters of the author's text in a message

Path_ = tuple[str | int, ...]
Mark = tuple[int, int]

_INT = re.compile(r"[-+]?[0-9][0-9_]*$")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?$")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}$")
_BRACKET = re.compile(r"[\[{\]}]")
_LINE_START = re.compile(r"^(?:[-?] | )+", re.MULTILINE)
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed file: its plain data, and where in the file each part of it stands."""

    file: str
    data: Any  # a file may hold anything; the specs say what it should
    root: yaml.Node | None = field(repr=False)

    def mark(self, path: Path_) -> Mark | None:
        """Return line and column (from 1) of the deepest part of ``path`` that exists in the file."""
        node, best = self.root, self.root
        for step in path:
            node = _child(node, step)
            if node is None:
                break
            best = node
        return (best.start_mark.line + 1, best.start_mark.column + 1) if best is not None else None

    def known(self, path: Path_) -> Path_:
        """Return the longest beginning of ``path`` that exists in the data, overrides of the file included."""
        value = self.data
        for length, step in enumerate(path):
            in_list = isinstance(value, tuple) and isinstance(step, int) and step < len(value)
            if not in_list and not (isinstance(value, dict) and step in value):
                return path[:length]
            value = value[step]
        return path

    def key_mark(self, path: Path_) -> Mark | None:
        """Return line and column of the key that ``path`` ends in, or of its deepest existing parent."""
        parent = self.root
        for step in path[:-1]:
            parent = _child(parent, step)
        if isinstance(parent, yaml.MappingNode):
            for key, _ in parent.value:
                if key.value == path[-1]:
                    return key.start_mark.line + 1, key.start_mark.column + 1
        return self.mark(path)


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        child: yaml.Node = node.value[step]
        return child
    return None


def read_yaml(path: Path, *, shown_as: str | None = None) -> Tree:
    """Read one YAML document from a file.

    Parameters
    ----------
    path : the file.
    shown_as : how messages name it; the path itself unless given.

    Raises
    ------
    InputError
        With every fault: unreadable, too large, binary, not UTF-8, not YAML, duplicate keys, foreign tags,
        recursive or exploding aliases.
    """
    name = shown_as or str(path)
    return parse_yaml(read_text(path, name), name)


def parse_yaml(text: str, name: str) -> Tree:
    """Parse YAML text; ``name`` is what messages call it. Raises as :func:`read_yaml` does."""
    if _open_at_once(text) > MAX_OPEN:
        raise whole_file_error(name, f"at most {MAX_DEPTH} levels", "many more")
    try:
        root = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        raise InputError((_syntax_fault(error, text, name),)) from None
    except yaml.YAMLError as error:
        raise whole_file_error(name, "text without control characters", str(error).splitlines()[0]) from None
    builder = _Builder(name)
    data = builder.build(root, ()) if root is not None else None
    if builder.faults:
        raise InputError(tuple(builder.faults))
    return Tree(file=name, data=data, root=root)


def _open_at_once(text: str) -> int:
    """Return a bound of the nesting from brackets and from the dashes, spaces and ``?`` that lines begin with."""
    levels = accumulate(1 if bracket in "[{" else -1 for bracket in _BRACKET.findall(text))
    return max(chain((0,), levels, map(len, _LINE_START.findall(text))))


# what libyaml says -> (what it expected, what it found or None for the text there), in our users' words
_SYNTAX_WORDS: dict[str, tuple[str, str | None]] = {
    "mapping values are not allowed in this context": (
        "one `key: value` a line (quote a text that holds a colon)",
        "a second colon",
    ),
    "but found another document": ("one document", "a second one after `---`"),
    "found undefined alias": ("an alias (`*name`) to an anchor above it", "an alias without its anchor"),
    "found unexpected end of stream": ("a closing quote", "the end of the file"),
    "did not find expected key": ("a key in line with its neighbours (check the indentation)", None),
    "did not find expected ',' or ']'": ("`,` or `]`", None),
    "did not find expected ',' or '}'": ("`,` or `}`", None),
    "did not find expected node content": ("a value", "nothing before the end"),
    "did not find expected '-' indicator": ("an item of the list, `- …` in line with the others", None),
    "found character that cannot start any token": (
        "a value (quote one that starts with @ or `)",
        "that character",
    ),
}


def _syntax_fault(error: yaml.MarkedYAMLError, text: str, name: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    expected, found = _SYNTAX_WORDS.get(
        error.problem or "", ("valid YAML", (error.problem or "").removeprefix("found "))
    )
    lines = text.split("\n")
    if mark and mark.line < len(lines) and lines[mark.line][mark.column : mark.column + 1] == "\t":
        expected, found = "spaces for indentation", "a tab"
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    return Fault(
        file=name, key="", line=line, column=column, expected=expected, found=found or _text_at(mark, lines)
    )


def _text_at(mark: yaml.Mark | None, lines: list[str]) -> str:
    """Quote what stands where the parser stopped."""
    rest = lines[mark.line][mark.column :].strip() if mark and mark.line < len(lines) else ""
    if not rest:
        return "the end of the line" if mark and mark.line < len(lines) - 1 else "the end of the file"
    return f'"{rest}"' if len(rest) <= SHOWN_TEXT else f'"{rest[: SHOWN_TEXT - 1]}…"'


class _Builder:
    """Builds plain values from nodes, collecting faults instead of stopping at the first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults: list[Fault] = []
        self.open: set[int] = set()  # nodes being built: meeting one again is recursion
        self.nodes = 0

    def build(self, node: yaml.Node, path: Path_) -> object:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._fault(
                node, path, f"at most {MAX_NODES:,} values once aliases are expanded", "more from here on"
            )
            raise InputError(tuple(self.faults))
        if len(path) > MAX_DEPTH:
            self._fault(node, (), f"at most {MAX_DEPTH} levels", "one more from here on")
            raise InputError(tuple(self.faults))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self.open:
            self._fault(node, path, "an alias to something already complete", "an alias to its own parent")
            return None
        if node.tag.removeprefix(_TAG) not in {"map", "seq"}:
            self._fault(node, path, "a plain mapping or list", f"the tag {node.tag!r}")
            return None
        self.open.add(id(node))
        built = (
            self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._sequence(node, path)
        )
        self.open.discard(id(node))
        return built

    def _sequence(self, node: yaml.Node, path: Path_) -> tuple[object, ...]:
        return tuple(self.build(child, (*path, index)) for index, child in enumerate(node.value))

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, object]:
        built: dict[str, object] = {}
        merged: dict[str, object] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                merged.update(self._merge(value, path))
                continue
            name = self._key(key, path)
            if name in lines:
                self._fault(key, (*path, name), "each key once", f"it again, first on line {lines[name]}")
                continue
            lines[name] = key.start_mark.line + 1
            built[name] = self.build(value, (*path, name))
        return {**merged, **built}

    def _merge(self, value: yaml.Node, path: Path_) -> dict[str, object]:
        if isinstance(value, yaml.MappingNode):
            built = self.build(value, path)
            return built if isinstance(built, dict) else {}
        kind = "a list" if isinstance(value, yaml.SequenceNode) else "a plain value"
        self._fault(value, (*path, "<<"), "an alias to one mapping", kind)
        return {}

    def _key(self, key: yaml.Node, path: Path_) -> str:
        if isinstance(key, yaml.ScalarNode):
            return str(key.value)
        self._fault(key, path, "a plain key", "a mapping or list as key")
        return f"?{id(key)}"

    def _scalar(self, node: yaml.ScalarNode, path: Path_) -> object:
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        if node.style in {"'", '"', "|", ">"}:
            return text
        if kind in {"str", "int", "float"}:
            return _number_or_text(text)
        if kind in {"null", "bool"}:
            return None if kind == "null" else text.lower() in {"true", "yes", "on"}
        if kind == "timestamp":
            return self._date(node, path)
        self._fault(node, path, "a plain value", f"the tag {node.tag!r}")
        return None

    def _date(self, node: yaml.ScalarNode, path: Path_) -> date | str | None:
        text: str = node.value
        try:
            return date.fromisoformat(text) if _DATE.match(text) else datetime.fromisoformat(text)
        except ValueError:
            self._fault(node, path, "a date as YYYY-MM-DD", repr(text))
            return None

    def _fault(self, node: yaml.Node, path: Path_, expected: str, found: str) -> None:
        mark = node.start_mark
        self.faults.append(
            Fault(
                file=self.name,
                key=key_path(path),
                line=mark.line + 1,
                column=mark.column + 1,
                expected=expected,
                found=found,
            )
        )


def _number_or_text(text: str) -> int | float | str:
    if _INT.match(text):
        return int(text.replace("_", "")) if len(text) <= MAX_DIGITS else text
    if text.lower().lstrip("+-") in {".inf", ".nan"}:
        return float(text.replace(".", "", 1))
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    return text


def key_path(path: Path_) -> str:
    """Write a path as people read it: ``models[0].share``."""
    return "".join(_steps(path)).removeprefix(".")


def _steps(path: Path_) -> Iterator[str]:
    for step in path:
        yield f"[{step}]" if isinstance(step, int) else f".{step}"
