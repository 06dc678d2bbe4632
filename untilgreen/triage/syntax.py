"""Reads Python files of the tested commit as syntax trees."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable

from untilgreen.model.evidence import SourceFile


def parse(file: SourceFile | None) -> ast.Module | None:
    """Return a Python file's syntax tree, or None when it is no Python or does not parse."""
    if file is None or not file.path.endswith(".py"):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(file.content)
    except (SyntaxError, ValueError, RecursionError):
        return None


def python_files(files: Iterable[SourceFile]) -> list[SourceFile]:
    """Return the product's Python files: tests do not show how the product does things."""
    return [f for f in files if f.path.endswith(".py") and not _is_test(f.path)]


def _is_test(path: str) -> bool:
    *folders, name = path.split("/")
    return name.startswith("test_") or name in ("conftest.py", "setup.py") or "tests" in folders
