"""Which files a `.gcloudignore` keeps from being uploaded: git's own rules, and the lines that it includes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from untilgreen.build.ignore import Rule
from untilgreen.errors import ConfigError
from untilgreen.model.delivery import Exclusion

GCLOUD_FILE = ".gcloudignore"
GIT_FILE = ".gitignore"

_INCLUDE = "#!include:"
_DEPTH = 5
_TOKEN = re.compile(r"\*\*/|/\*\*$|\*\*|\\.?|\[[!^]?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_NESTING = re.compile(r"([\[&~|])")


@dataclass(frozen=True)
class GitRule(Rule):
    """One line of an ignore file with git's rules.

    Attributes:
        rule_file: the file that it stands in.
        only_folders: whether it ends with a slash.
    """

    rule_file: str
    only_folders: bool


def parse_git_rules(
    text: str, rule_file: str, read: Callable[[str], str | None], depth: int = 0
) -> tuple[GitRule, ...]:
    """Read an ignore file with git's rules.

    Args:
        text: its content.
        rule_file: how messages and exclusions name it.
        read: returns the text of a file beside it, for `#!include:NAME`; None when there is none.
        depth: how many files include this one.

    Raises:
        ConfigError: a pattern cannot be understood, or files include one another without end.
    """
    if depth > _DEPTH:
        raise ConfigError(f"{rule_file}: files include one another {_DEPTH} times over. Remove one of the lines.")
    rules: list[GitRule] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        bare = line.rstrip("\r")
        if bare.startswith(_INCLUDE):
            name = bare.removeprefix(_INCLUDE).strip()
            folder = rule_file.rpartition("/")[0]
            included = read(name)
            if included is None:
                raise ConfigError(f"{rule_file}:{number}: it includes {name}, which is not there. Correct the line.")
            rules += parse_git_rules(included, f"{folder}/{name}".lstrip("/"), read, depth + 1)
        elif rule := _rule(bare, number, rule_file):
            rules.append(rule)
    return tuple(rules)


def _rule(line: str, number: int, rule_file: str) -> GitRule | None:
    pattern = re.sub(r"(?<!\\)\s+$", "", line)
    if not pattern or pattern.startswith("#"):
        return None
    back = pattern.startswith("!")
    cleaned = pattern.removeprefix("!").rstrip("/")
    if not cleaned:
        return None
    # A slash anywhere but at the end ties a pattern to the ignore file's own folder.
    tied = "/" in cleaned
    try:
        compiled = re.compile(("" if tied else "(?:.*/)?") + _regex(cleaned.removeprefix("/")), re.DOTALL)
    except re.error as error:
        raise ConfigError(f"{rule_file}:{number}: {line!r} is no pattern: {error}. Correct it.") from None
    return GitRule(line.strip(), number, back, compiled, rule_file, only_folders=pattern.endswith("/"))


def split_by_git_rules(paths: Iterable[str], rules: Sequence[GitRule]) -> tuple[list[str], list[Exclusion]]:
    """Part the files of a context into those that are uploaded and those that are not."""
    kept: list[str] = []
    excluded: list[Exclusion] = []
    for path in paths:
        rule = _excluding_rule(path, rules)
        if rule is None:
            kept.append(path)
        else:
            excluded.append(Exclusion(path=path, rule=rule.text, rule_file=rule.rule_file, line=rule.line))
    return kept, excluded


def _excluding_rule(path: str, rules: Sequence[GitRule]) -> GitRule | None:
    """Go down from the root: what lies in an excluded folder cannot be brought back."""
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        prefix, is_folder = "/".join(parts[:depth]), depth < len(parts)
        fitting = [r for r in rules if (is_folder or not r.only_folders) and r.pattern.fullmatch(prefix)]
        if fitting and not fitting[-1].brings_back:
            return fitting[-1]
    return None


def _regex(pattern: str) -> str:
    return "".join(_translated(token[0]) for token in _TOKEN.finditer(pattern))


def _translated(token: str) -> str:
    known = {"**/": "(?:.*/)?", "/**": "/.+", "**": "[^/]*", "*": "[^/]*", "?": "[^/]", "[": r"\["}
    if token in known:
        return known[token]
    if token.startswith("[") and len(token) > 1:
        inside = f"^{token[2:]}" if token[1] == "!" else token[1:]
        return "[" + _NESTING.sub(r"\\\1", inside)
    if token.startswith("\\"):
        return re.escape(token[1:] or token)
    return re.escape(token)
