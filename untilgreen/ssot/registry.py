"""The registry that a repository declares: read from its settings or their own file, and held against the code."""

from __future__ import annotations

import builtins
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from untilgreen.errors import ConfigError
from untilgreen.settings import FILE, Settings, read_part
from untilgreen.settings.ssot import Canonical, Registry
from untilgreen.ssot.callees import is_meant
from untilgreen.ssot.modules import Code
from untilgreen.ssot.names import identity
from untilgreen.ssot.sinks import calls

_LOUD = frozenset({"this", "antigravity"})
"""Modules that do something when they are imported."""


@dataclass(frozen=True)
class Declared:
    """A registry and where it stands.

    Args:
        registry: what it says.
        file: `untilgreen.yaml`, or the file that its `ssot:` names.
        text: of that file, for the lines of messages.
    """

    registry: Registry
    file: str
    text: str

    def where(self, entry: str) -> str:
        """Return `file:line` of the first line that names an entry."""
        named = re.compile(rf"(?<![\w./]){re.escape(entry)}(?![\w./])")
        lines = self.text.splitlines()
        start = next((n for n, line in enumerate(lines) if line.startswith("ssot:")), 0)
        number = next((n for n, line in enumerate(lines[start:], start + 1) if named.search(line)), None)
        return f"{self.file}:{number}" if number else self.file


def declared(settings: Settings, texts: Mapping[str, str]) -> Declared:
    """Return what a repository declares.

    Args:
        settings: its own.
        texts: path -> text; the file that the settings name is among them.

    Raises:
        ConfigError: that file is missing or is no registry, with the line of each mistake.
    """
    name = settings.ssot.file
    if not name:
        return Declared(settings.ssot, FILE, texts.get(FILE, ""))
    if name not in texts:
        raise ConfigError(f"{FILE}: ssot.file names {name}, which is not there. Add the file, or correct its path.")
    return Declared(read_part(Registry, texts[name], name), name, texts[name])


def verify(found: Declared, code: Code) -> tuple[str, ...]:
    """Return what a registry names though it does not exist, a message each with the line to mend.

    What comes from outside the repository and the standard library cannot be looked up, so it is taken at its word.
    """
    return tuple(_problems(found, code))


def usable(settings: Settings, texts: Mapping[str, str], code: Code) -> Declared:
    """Return what a repository declares, sure that it points at something.

    Raises:
        ConfigError: it cannot be read, or names what does not exist.
    """
    found = declared(settings, texts)
    if problems := verify(found, code):
        raise ConfigError("\n".join(problems))
    return found


def _problems(found: Declared, code: Code) -> Iterator[str]:
    registry = found.registry
    for symbol, canonical in registry.canonical.items():
        yield from _missing(found, code, symbol)
        yield from _of_canonical(found, code, canonical)
    for primitive in registry.banned:
        yield from _missing(found, code, primitive)
    for name, homes in registry.constants.items():
        for home in homes:
            yield from _missing(found, code, f"{home}:{name}", name)
    for name, homes in registry.env.items():
        for home in homes:
            if home not in code.texts:
                yield f"{found.where(name)}: {name}: there is no {home}. Name the file that reads it."
            elif name not in code.texts[home]:
                yield f"{found.where(name)}: {home} does not read {name}. Name the file that does, or remove the line."


def _of_canonical(found: Declared, code: Code, canonical: Canonical) -> Iterator[str]:
    for name in canonical.replaces:
        yield from _missing(found, code, name)
    for sink in canonical.sinks:
        if ":" in sink.call:
            yield from _missing(found, code, sink.call)
        elif not any(_calls(code, sink.call)):
            yield f"{found.where(sink.call)}: nothing here calls {sink.call}. Correct its name, or remove the line."


def _calls(code: Code, sink: str) -> Iterator[bool]:
    for scope, call, _ in calls(code, sink):
        if is_meant(identity(code, scope, call.func), sink):
            yield True


def _missing(found: Declared, code: Code, name: str, entry: str = "") -> Iterator[str]:
    path, colon, symbol = name.partition(":")
    where = found.where(entry or name)
    if colon and path not in code.texts:
        yield f"{where}: there is no product file {path}. Correct the path, or remove the line."
    elif colon and (module := code.module(path)) is None:
        yield f"{where}: {path} is no Python that can be read, so nobody knows whether it has {symbol}."
    elif colon and module and not ({symbol} & ({*module.functions} | {*module.classes} | {*module.values})):
        yield f"{where}: {path} has no {symbol}. Correct the name, or remove the line."
    elif not colon and not _outside(name):
        yield f"{where}: Python's standard library has no {name}. Correct the name, or remove the line."


def _outside(name: str) -> bool:
    """Tell whether the standard library has a name; one that is not about it is taken at its word."""
    first, _, rest = name.partition(".")
    if not rest or first not in sys.stdlib_module_names or first in _LOUD:
        return True
    value: object = builtins if first == "builtins" else None
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        return _has(value, parts[length:])
    return False


def _has(value: object, names: list[str]) -> bool:
    for name in names:
        if not hasattr(value, name):
            return False
        value = getattr(value, name)
    return True
