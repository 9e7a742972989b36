"""Where each key of a file stands: the line numbers that findings and explanations point at."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from planner.inputs.yaml_marks import Path_, Tree, key_path


def key_lines(tree: Tree) -> dict[str, int]:
    """Return the line of every key and list entry of a parsed file by its path, such as ``models[0].share``."""
    if tree.root is None:
        return {}
    return {key_path(path): line for path, line in _lines(tree.root, (), set())}


def _lines(node: yaml.Node, path: Path_, above: set[int]) -> Iterator[tuple[Path_, int]]:
    """Walk down; an alias is walked wherever it stands, at the line of what it names."""
    if id(node) in above:
        return
    inside = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            at = (*path, str(key.value))
            yield at, key.start_mark.line + 1
            yield from _lines(value, at, inside)
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            at = (*path, index)
            yield at, child.start_mark.line + 1
            yield from _lines(child, at, inside)
