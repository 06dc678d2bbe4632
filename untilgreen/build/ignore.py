"""Which files a `.dockerignore` keeps out of a build context, and by which line.

Docker's own rules: patterns are anchored at the context's root, `**` spans folders, the last line that matches a file
or one of its parents wins, and `!` brings back.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from untilgreen.errors import ConfigError
from untilgreen.model.delivery import Exclusion

IGNORE_FILE = ".dockerignore"

_TOKEN = re.compile(r"\*\*/?|\\.?|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
"""Two stars, an escaped character, a character class, or anything else."""

_NESTING = re.compile(r"([\[&~|])")
"""What Python, and not Docker, reserves inside a character class."""


@dataclass(frozen=True)
class Rule:
    """One line of an ignore file.

    Attributes:
        text: the line as written, trimmed.
        line: its number, from 1.
        brings_back: whether it starts with `!`.
        pattern: matches a whole path.
    """

    text: str
    line: int
    brings_back: bool
    pattern: re.Pattern[str]


def parse_rules(text: str, rule_file: str) -> tuple[Rule, ...]:
    """Read an ignore file.

    Raises:
        ConfigError: a pattern cannot be understood.
    """
    rules = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        bare = line.strip()
        if line.startswith("#") or not bare or bare == "!":
            continue
        cleaned = _cleaned(bare.removeprefix("!").strip())
        try:
            rules.append(Rule(bare, number, bare.startswith("!"), re.compile(_regex(cleaned), re.DOTALL)))
        except re.error as error:
            raise ConfigError(f"{rule_file}:{number}: {bare!r} is no pattern: {error}. Correct it.") from None
    return tuple(rules)


def split(paths: Iterable[str], rules: tuple[Rule, ...], rule_file: str) -> tuple[list[str], list[Exclusion]]:
    """Part the files of a context into those that go into the image and those that do not.

    Args:
        paths: relative to the context, with slashes.
        rules: from `parse_rules`.
        rule_file: how exclusions name the file the rules came from.
    """
    kept: list[str] = []
    excluded: list[Exclusion] = []
    for path in paths:
        rule = excluding_rule(path, rules)
        if rule is None:
            kept.append(path)
        else:
            excluded.append(Exclusion(path=path, rule=rule.text, rule_file=rule_file, line=rule.line))
    return kept, excluded


def excluding_rule(path: str, rules: tuple[Rule, ...]) -> Rule | None:
    """Return the line that keeps a file out, or None when it goes into the image."""
    parts = path.split("/")
    prefixes = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    decided: Rule | None = None
    for rule in rules:
        if any(rule.pattern.fullmatch(prefix) for prefix in prefixes):
            decided = None if rule.brings_back else rule
    return decided


def _cleaned(pattern: str) -> str:
    """Normalise as Docker does: `/a`, `./a` and `a/` all mean `a`."""
    cleaned = posixpath.normpath(pattern) if pattern else ""
    return cleaned.lstrip("/") or cleaned


def _regex(pattern: str) -> str:
    """Translate Docker's wildcards."""
    return "".join(_translated(token[0], last=token.end() == len(pattern)) for token in _TOKEN.finditer(pattern))


def _translated(token: str, *, last: bool) -> str:
    if token.startswith("**"):
        return ".*" if last else "(?:.*/)?"
    if token.startswith("[") and len(token) > 1:
        return "[" + _NESTING.sub(r"\\\1", token[1:])
    if token.startswith("\\"):
        return re.escape(token[1:] or token)
    return {"*": "[^/]*", "?": "[^/]", "[": "["}.get(token) or re.escape(token)
