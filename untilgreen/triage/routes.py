"""Which paths a service knows, and which parts of a path vary."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from untilgreen.triage.masking import segments, variable

_LITERAL = re.compile(r"""["'`](/[^"'`\s]*)["'`]""")
_PARAMETER = re.compile(r"\{.*\}|<.*>|:\w+|\*+|\(.*\)")
_MANY = 8
"""So many different values in one place are values, not names: APIs rarely have as many siblings in use by tests."""

Route = tuple[str, ...]


def literals(text: str) -> set[Route]:
    """Return the path literals of a source text as segments, with `{}` for parameters. Any language will do."""
    return {route_of(found) for found in _LITERAL.findall(text)}


def route_of(literal: str) -> Route:
    """Return a path literal's segments, with `{}` for its parameters."""
    return tuple("{}" if _PARAMETER.search(part) else part for part in segments(literal))


def matches(route: Route, parts: tuple[str, ...]) -> bool:
    """Tell whether a whole path has the form of a route."""
    return len(route) == len(parts) and all(r in ("{}", p) for r, p in zip(route, parts, strict=True))


class Routes:
    """The path literals of some source.

    Args:
        known: literals as segments; any static one may be a prefix of another.
    """

    def __init__(self, known: Iterable[Route]) -> None:
        self._by_length: dict[int, list[Route]] = defaultdict(list)
        for route in sorted(set(known)):
            self._by_length[len(route)].append(route)
        self._prefixes = {r for routes in self._by_length.values() for r in routes if r and "{}" not in r}

    def serving(self, path: str) -> list[Route]:
        """Return the routes that serve a path, alone or behind static prefixes, the most specific first."""
        parts = segments(path)
        found = [
            route
            for length in range(1, len(parts) + 1)
            if _prefixed(self._prefixes, parts[: len(parts) - length])
            for route in self._by_length.get(length, ())
            if matches(route, parts[len(parts) - length :])
        ]
        return sorted(found, key=lambda route: (-sum(r != "{}" for r in route), -len(route), route))


def _prefixed(prefixes: set[Route], parts: tuple[str, ...]) -> bool:
    """Tell whether nothing, one prefix, or two in a row make up these parts."""
    if not parts or parts in prefixes:
        return True
    return any(parts[:cut] in prefixes and parts[cut:] in prefixes for cut in range(1, len(parts)))


class Paths:
    """Gives each path its template, the same for all requests of one route.

    Args:
        seen: all paths that were asked for.
        known: literals of the services' sources; their static parts are never taken for values.
    """

    def __init__(self, seen: Iterable[str], known: Iterable[Route]) -> None:
        known = set(known)
        self._names = {part for route in known for part in route if part != "{}"}
        self._routes = Routes(known)
        self._templates: dict[str, str] = {}
        values: dict[tuple[int, int, Route], set[str]] = defaultdict(set)
        for path in dict.fromkeys(seen):
            shape = self._shape(path)
            for position, part in enumerate(segments(path)):
                if shape[position] == "?":
                    values[len(shape), position, shape].add(part)
        self._varying = {key for key, found in values.items() if len(found) >= _MANY}

    def template(self, path: str) -> str:
        """Return the path with `{}` for each segment that varies; without its query."""
        if path not in self._templates:
            self._templates[path] = self._template(path)
        return self._templates[path]

    def _template(self, path: str) -> str:
        shape, parts = self._shape(path), segments(path)
        serving = self._routes.serving(path) if "?" in shape else []
        told = ("",) * (len(parts) - len(serving[0])) + serving[0] if serving else ("",) * len(parts)
        return "/" + "/".join(
            "{}"
            if mark == "{}" or (mark == "?" and route == "{}") or (len(shape), position, shape) in self._varying
            else part
            for position, (mark, route, part) in enumerate(zip(shape, told, parts, strict=True))
        )

    def _shape(self, path: str) -> Route:
        """Mark each segment: its own name when the source knows it, `{}` for a value, `?` for what could be either."""
        return tuple(
            part if part in self._names else "{}" if variable(part) else "?" if self._names else _guess(position, part)
            for position, part in enumerate(segments(path))
        )


def _guess(position: int, part: str) -> str:
    """Take the first segment for a name when no source tells: it is a mount point more often than a value."""
    return part if position == 0 else "?"
