"""Scenario files in: parsed, overridden by ``--set``, validated, with the sizes of their prompt files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from planner.errors import Fault, InputError, UsageError
from planner.inputs.validate import shown, validate
from planner.inputs.yaml_marks import Path_, Tree, key_path, parse_yaml, read_yaml
from planner.records import dataclass
from planner.specs.scenario.scenario import Scenario
from planner.specs.scenario.workload import CharacterKinds, TextSize

MAX_SCENARIO_BYTES = 1024 * 1024  #: a scenario is some kilobytes: what is larger is no scenario
MAX_PROMPT_BYTES = 16 * 1024 * 1024  #: the text of some four million tokens
_SET = re.compile(r"([A-Za-z_][\w.\[\]-]*)=(.*)", re.DOTALL)
_DOTTED_INDEX = re.compile(r"\.(\d+)(?=[.\[]|$)")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
SUFFIXES = (".yaml", ".yml")
# What tokenizers treat alike, by code point; the symbols are what is left.
KINDS = {
    "letters": re.compile(r"[A-Za-z]|(?<!\s)\s"),
    "digits": re.compile(r"[0-9]"),
    "other_letters": re.compile(r"[\u00aa-\u1fff]"),
    "wide": re.compile(r"[\u2e80-\U0010ffff]"),
    "further_spaces": re.compile(r"(?<=\s)\s"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioFile:
    """A validated scenario, the file it came from, and the measured sizes of its prompt files."""

    scenario: Scenario
    tree: Tree
    path: Path
    texts: dict[str, TextSize]

    @property
    def folder(self) -> Path:
        """The folder that the scenario's own paths start from and may not leave."""
        return self.path.parent


def find_scenarios(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the scenario files that the paths name; a folder stands for the YAML files in it, sorted.

    Raises
    ------
    UsageError
        When a folder holds no YAML file, or one path is given twice.
    """
    found: list[Path] = []
    for path in paths:
        files = sorted(f for f in path.iterdir() if f.suffix in SUFFIXES) if path.is_dir() else [path]
        if not files:
            raise UsageError(f"no scenario in {path}", cure="name a folder that holds .yaml files, or a file")
        found.extend(files)
    return tuple(dict.fromkeys(found))


def read_scenario(path: Path, sets: tuple[str, ...] = ()) -> ScenarioFile:
    """Read one scenario file.

    Parameters
    ----------
    path : the file.
    sets : overrides such as ``models[0].share=0.5``; the value is read as YAML.

    Raises
    ------
    InputError
        With every fault of the file, also those of the prompt files that it names.
    UsageError
        When an override is not of the form ``key=value`` or its place does not exist.
    """
    if path.is_file() and path.stat().st_size > MAX_SCENARIO_BYTES:
        size = f"{path.stat().st_size:,} bytes"
        raise InputError((Fault(file=str(path), key="", expected="a scenario of at most 1 MiB", found=size),))
    tree = read_yaml(path)
    if not isinstance(tree.data, dict):
        found = "an empty file" if tree.data is None else shown(tree.data)
        raise InputError(
            (Fault(file=str(path), key="", line=1, column=1, expected="a mapping of keys", found=found),)
        )
    scenario = overridden(tree, sets)
    return ScenarioFile(scenario=scenario, tree=tree, path=path, texts=_prompt_files(scenario, tree, path))


def overridden(tree: Tree, sets: tuple[str, ...]) -> Scenario:
    """Return the scenario that a parsed mapping holds, with overrides put into it.

    Raises as :func:`read_scenario`.
    """
    put_overrides(tree, sets)
    try:
        return validate(Scenario, tree)
    except InputError as error:
        raise InputError(tuple(blamed(fault, sets) for fault in error.faults), cure=error.cure) from None


def put_overrides(tree: Tree, sets: tuple[str, ...]) -> None:
    """Put overrides into a parsed mapping.

    Raises
    ------
    UsageError
        When one is not of the form ``key=value`` or its place does not exist.
    """
    for override in sets:
        _override(tree.data, override)


def _override(data: dict[str, object], text: str) -> None:
    match = _SET.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--set {text!r} is not of the form key=value", cure="--set traffic.requests_per_day=20000"
        )
    steps: list[str | int] = [
        int(index or name) if (index or name).isdigit() else name for name, index in _STEP.findall(match[1])
    ]
    value = parse_yaml(match[2], f"--set {match[1]}").data
    _place(data, steps, value, match[1])


def blamed(fault: Fault, sets: tuple[str, ...]) -> Fault:
    """Name the override, not a line of the file, where a value came from the command line."""
    for override in reversed(sets):
        key = _DOTTED_INDEX.sub(r"[\1]", override.partition("=")[0])
        if fault.key == key or fault.key.startswith((f"{key}.", f"{key}[")):
            return replace(fault, file=f"--set {override}", line=None, column=None)
    return fault


def _place(holder: object, steps: list[str | int], value: object, key: str) -> None:
    """Put ``value`` where ``steps`` lead, making mappings on the way; lists are tuples, so they are rebuilt."""
    step, rest = steps[0], steps[1:]
    if not isinstance(holder, dict) or not isinstance(step, str):
        raise UsageError(f"--set {key}: there is no such place in the scenario")
    if not rest:
        holder[step] = value
        return
    if isinstance(rest[0], int):
        holder[step] = _replaced(holder.get(step), rest, value, key)
        return
    if isinstance(holder.get(step), tuple):
        raise UsageError(f"--set {key}: {step} is a list", cure=f"name an entry: {step}[0]")
    if not isinstance(holder.get(step), dict):
        holder[step] = {}
    _place(holder[step], rest, value, key)


def _replaced(items: object, steps: list[str | int], value: object, key: str) -> tuple[object, ...]:
    index, rest = steps[0], steps[1:]
    if not isinstance(items, tuple) or not isinstance(index, int) or index >= len(items):
        length = len(items) if isinstance(items, tuple) else 0
        raise UsageError(f"--set {key}: the list there has {length} entries, counted from 0")
    if rest:
        _place(items[index], rest, value, key)
        return items
    return (*items[:index], value, *items[index + 1 :])


def _prompt_files(scenario: Scenario, tree: Tree, path: Path) -> dict[str, TextSize]:
    """Measure each prompt file, collecting the faults of all of them."""
    sizes: dict[str, TextSize] = {}
    faults: list[Fault] = []
    for name, part in (scenario.prompt.parts or {}).items():
        if part.file is None:
            continue
        at: Path_ = ("prompt", "parts", name, "file")
        found = measure(part.file, path.parent)
        if isinstance(found, TextSize):
            sizes[name] = found
        else:
            faults.append(fault_at(tree, at, *found))
    if faults:
        raise InputError(tuple(faults))
    return sizes


def measure(name: str, folder: Path) -> TextSize | tuple[str, str]:
    """Return the size of a prompt file, or what was expected of it and what was found."""
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        return "a path inside the scenario's folder", repr(name)
    if not file.is_file():
        return "a file that exists beside the scenario", f"nothing at {name!r}"
    if file.stat().st_size > MAX_PROMPT_BYTES:
        return f"a prompt file of at most {MAX_PROMPT_BYTES // 1024**2} MiB", f"{file.stat().st_size:,} bytes"
    raw = file.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "a prompt file in UTF-8", f"{name!r} in another encoding, or binary"
    return TextSize(
        file=name,
        characters=len(text),
        words=len(text.split()),
        sha256=hashlib.sha256(raw).hexdigest(),
        kinds=character_kinds(text),
    )


def character_kinds(text: str) -> CharacterKinds:
    """Return the characters of a text by how finely tokenizers split them."""
    found = {name: len(pattern.findall(text)) for name, pattern in KINDS.items()}
    return CharacterKinds(**found, symbols=len(text) - sum(found.values()))


def fault_at(tree: Tree, path: Path_, expected: str, found: str, nearest: str | None = None) -> Fault:
    """Return a fault at a place of a parsed file."""
    line, column = tree.mark(path) or (None, None)
    key = key_path(path)
    return Fault(
        file=tree.file, key=key, line=line, column=column, expected=expected, found=found, nearest=nearest
    )
