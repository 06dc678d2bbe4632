"""Docker's ignore rules, line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.build.ignore import excluding_rule, parse_rules, split
from untilgreen.errors import ConfigError

NAMES = st.text("ab.*?", min_size=1, max_size=4)
PATHS = st.lists(st.text("abc.", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


def kept(text: str, *paths: str) -> list[str]:
    """Return the paths that an ignore file lets into the image."""
    return split(paths, parse_rules(text, ".dockerignore"), ".dockerignore")[0]


@pytest.mark.parametrize(
    ("rules", "path", "goes_in"),
    [
        ("*.pyc", "a.pyc", False),
        ("*.pyc", "app/a.pyc", True),
        ("**/*.pyc", "app/deep/a.pyc", False),
        ("**/*.pyc", "a.pyc", False),
        ("**/monitoring/", "app/monitoring/metrics.py", False),
        ("**/monitoring", "monitoring/metrics.py", False),
        ("/docs", "docs/a.md", False),
        ("./docs/", "docs/a.md", False),
        ("docs", "app/docs/a.md", True),
        ("app/**", "app/a/b.py", False),
        ("app/**", "app2/a.py", True),
        ("app/**/b.py", "app/b.py", False),
        ("app/**/b.py", "app/x/y/b.py", False),
        ("?.txt", "a.txt", False),
        ("?.txt", "ab.txt", True),
        ("[ab].txt", "b.txt", False),
        ("[^ab].txt", "b.txt", True),
        (r"a\*.txt", "a*.txt", False),
        (r"a\*.txt", "ab.txt", True),
        ("a.b", "axb", True),
        ("*\n!keep.py", "keep.py", True),
        ("!keep.py\n*", "keep.py", False),
        ("app\n!app/keep.py", "app/keep.py", True),
        ("app\n!app/keep.py\n**/keep.py", "app/keep.py", False),
        ("# *", "a.py", True),
        ("  *.md  ", "a.md", False),
        ("\ufeff*.md", "a.md", False),
        ("\n\n!\n", "a.md", True),
    ],
)
def test_docker_semantics(rules: str, path: str, goes_in: bool) -> None:
    """A file goes into the image exactly when Docker would put it there."""
    assert kept(rules, path) == ([path] if goes_in else [])


def test_exclusion_names_its_line() -> None:
    """An excluded file names the line that kept it out, as it was written."""
    rules = parse_rules("# tidy\n*.md\n**/monitoring/\n!a.md\n", "backend/.dockerignore")
    _, excluded = split(["monitoring/m.py"], rules, "backend/.dockerignore")
    assert [(e.path, e.rule, e.rule_file, e.line) for e in excluded] == [
        ("monitoring/m.py", "**/monitoring/", "backend/.dockerignore", 3)
    ]


def test_bad_pattern_says_where() -> None:
    """A pattern that cannot be understood is an error with file and line, not a pass."""
    with pytest.raises(ConfigError, match=r"backend/\.dockerignore:2: '\[z-a\]'"):
        parse_rules("a\n[z-a]\n", "backend/.dockerignore")


@given(st.lists(NAMES, max_size=4), PATHS)
def test_last_line_wins(lines: list[str], path: str) -> None:
    """Whatever stands before, a last line that matches everything decides."""
    before = "\n".join(lines)
    assert kept(f"{before}\n!**", path) == [path]
    assert kept(f"{before}\n**", path) == []


@given(st.lists(NAMES, max_size=4), st.lists(PATHS, max_size=6))
def test_parts_every_file(lines: list[str], paths: list[str]) -> None:
    """Each file is either in the image or has a line that kept it out."""
    rules = parse_rules("\n".join(lines), "f")
    inside, outside = split(paths, rules, "f")
    assert sorted(inside + [e.path for e in outside]) == sorted(paths)
    assert all(excluding_rule(path, rules) is None for path in inside)
