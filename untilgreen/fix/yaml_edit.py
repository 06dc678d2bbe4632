"""One value of a YAML file changed or added, and not one other character: comments and order stay.

A round trip through a parser, even one that keeps comments, reflows quotes, indents and flow lists; the reader of the
diff should see the one line that matters.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from untilgreen.errors import ConfigError

_PLAIN = re.compile(r"[A-Za-z_/][\w./:-]*")


def with_value(text: str, path: tuple[str, ...], value: str | int) -> str:
    """Return the text with a value at a path of keys.

    Args:
        text: YAML whose root is a mapping.
        path: keys from the root on; those that are missing are added.
        value: to put there.

    Raises:
        ConfigError: the file is written in a way that cannot be edited so, for example with an alias in between.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError("The file holds no settings. Write it by hand.")
    expected = _expected(yaml.safe_load(text), path, value)
    node, depth = _deepest(root, path)
    made = _replaced(text, node, _scalar(value)) if depth == len(path) else _added(text, node, path[depth:], value)
    if _loaded(made) != expected:
        raise ConfigError(f"{'.'.join(path)} cannot be set without rewriting the file. Set it by hand.")
    return made


def _deepest(node: yaml.Node, path: tuple[str, ...]) -> tuple[yaml.Node, int]:
    """Return the last node on the way that is there, and how many keys lead to it."""
    for depth, key in enumerate(path):
        entries = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next((value for name, value in entries if name.value == key), None)
        if found is None:
            return node, depth
        node = found
    return node, len(path)


def _replaced(text: str, node: yaml.Node, written: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    lead = " " if text[start - 1 : start] == ":" else ""
    return f"{text[:start]}{lead}{written}{text[end:]}"


def _added(text: str, node: yaml.Node, keys: tuple[str, ...], value: str | int) -> str:
    if not isinstance(node, yaml.MappingNode):  # `secrets:` without a value
        return _replaced(text, node, _flow(keys, value))
    if node.flow_style:
        before = text[: node.end_mark.index - 1].rstrip()
        comma = "" if before.endswith(("{", ",")) else ", "
        return f"{before}{comma}{_flow(keys, value)[1:-1]}{text[node.end_mark.index - 1 :]}"
    return _below(text, node, keys, value)


def _below(text: str, node: yaml.MappingNode, keys: tuple[str, ...], value: str | int) -> str:
    """Add lines after the last entry of a block."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    column = node.value[0][0].start_mark.column
    names = [f"{' ' * (column + 2 * depth)}{_scalar(key)}:" for depth, key in enumerate(keys)]
    last = len(text[: _end(node)].rstrip())
    at = text.find("\n", last)
    place = len(text) if at < 0 else at + 1
    lead = "" if text[:place].endswith("\n") else line_end
    return f"{text[:place]}{lead}{line_end.join(names)} {_scalar(value)}{line_end}{text[place:]}"


def _end(node: yaml.Node) -> int:
    """Return where a node's last word ends; a block's own end mark lies after the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _flow(keys: tuple[str, ...], value: str | int) -> str:
    inner = _scalar(value)
    for key in reversed(keys):
        inner = f"{{{_scalar(key)}: {inner}}}"
    return inner


def _scalar(value: str | int) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and _loaded(f"{{k: {value}}}") == {"k": value}:
        return value  # quotes around `secret:3` would make it look like a credential
    return json.dumps(value, ensure_ascii=False)


def _expected(data: Any, path: tuple[str, ...], value: str | int) -> Any:
    """Return what the file should say: every mapping on the way is a new one, so that an alias is not edited."""
    if not path:
        return value
    if data is not None and not isinstance(data, dict):
        raise ConfigError(f"{path[0]} cannot be set in what is no mapping. Set it by hand.")
    inside = data or {}
    return {**inside, path[0]: _expected(inside.get(path[0]), path[1:], value)}


def _loaded(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
