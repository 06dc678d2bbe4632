"""Files that lie beside a service and that it does not run: tests, examples, templates."""

from __future__ import annotations

_SIDE = frozenset(
    {"test", "tests", "testing", "docs", "doc", "examples", "scripts", "tools", "benchmarks", "templates"}
)


def is_side_file(path: str) -> bool:
    """Tell whether a Python file is hardly part of the running service, or cannot be imported at all."""
    *folders, name = path.split("/")
    stem = name.removesuffix(".py")
    beside = stem.startswith("test_") or stem.endswith("_test") or stem in ("conftest", "setup")
    return beside or not all(part.isidentifier() for part in (*folders, stem)) or bool(_SIDE & set(folders))
