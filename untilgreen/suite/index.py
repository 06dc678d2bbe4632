"""The committed list of expected tests: a test that vanishes is noticed, whoever made it vanish.

One node id a line; lines that begin with `#` are comments. A node id that could not be told from a comment, or does
not fit on a line, is written as a JSON string.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from untilgreen.errors import ConfigError
from untilgreen.ports import History
from untilgreen.settings import FILE, SuiteSettings

DEFAULT = "expected-tests.txt"
"""Where `untilgreen tests --write-index` writes when no setting names a file."""

_HEAD = """\
# Every test that is expected, by node id. One that is missing is never green.
# `untilgreen tests --write-index` writes this file from the newest complete run; look at the difference and commit it.
"""


@dataclass(frozen=True)
class Change:
    """What writing the list again would change."""

    new: tuple[str, ...]
    gone: tuple[str, ...]


def expected(settings: SuiteSettings, history: History, commit: str) -> tuple[str, ...]:
    """Return the tests that a commit expects; none when the settings name no list.

    Raises:
        ConfigError: the commit has no such file, or a line of it cannot be read.
    """
    if not settings.index:
        return ()
    text = history.read(commit, settings.index)
    if text is None:
        raise ConfigError(
            f"{FILE}: suite.index: commit {commit[:12]} has no {settings.index}. `untilgreen tests --write-index` "
            f"writes it; commit it, or remove the setting."
        )
    return parse(text, settings.index)


def parse(text: str, name: str = DEFAULT) -> tuple[str, ...]:
    """Read node ids in their order, each once.

    Raises:
        ConfigError: a quoted line is no JSON string, or there is no node id at all: an empty list expects nothing, and
            would let a suite vanish.
    """
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), start=1)
    found = [_read(line.removesuffix("\r"), f"{name}:{number}") for number, line in lines]
    nodeids = tuple(dict.fromkeys(filter(None, found)))
    if not nodeids:
        raise ConfigError(f"{name}: there is no node id in it. `untilgreen tests --write-index` writes it.")
    return nodeids


def render(nodeids: Iterable[str]) -> str:
    """Return the file's text, sorted, so that a new test is one new line."""
    return _HEAD + "".join(f"{_line(nodeid)}\n" for nodeid in sorted(set(nodeids)))


def change(before: Iterable[str], after: Iterable[str]) -> Change:
    """Return what is new and what is gone, sorted."""
    old, new = set(before), set(after)
    return Change(new=tuple(sorted(new - old)), gone=tuple(sorted(old - new)))


def _read(line: str, where: str) -> str:
    if not line.strip() or line.startswith("#"):
        return ""
    if not line.startswith('"'):
        return line
    try:
        return str(json.loads(line))
    except ValueError:
        raise ConfigError(f"{where}: this is no JSON string. Write the node id as it is, or mend the quotes.") from None


def _line(nodeid: str) -> str:
    plain = nodeid.isprintable() and nodeid == nodeid.strip() and nodeid and nodeid[0] not in '#"'
    return nodeid if plain else json.dumps(nodeid)
