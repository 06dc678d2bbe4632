"""The pairs of functions, and what our own index says of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from untilgreen.ssot.index import NO_STORE, functions
from untilgreen.ssot.likeness import Index
from untilgreen.ssot.shape import Shape

PAIRS = Path(__file__).parent / "pairs"
HOST = Path(__file__).parents[2] / "untilgreen"
"""The tree in which the originals stand: likeness is told against all of it."""


@dataclass(frozen=True)
class Case:
    """Two functions, by their names."""

    kind: str
    """How it was written again."""
    one: str
    other: str


def rewrites() -> list[Case]:
    """Return each rewrite with its original."""
    names = (name for name, _ in sources("rewrites.py"))
    return [Case(name.partition("__")[0], name, name.partition("__")[2]) for name in names]


def inverses() -> list[Case]:
    """Return each function with the one that does the opposite."""
    names = (name for name, _ in sources("inverses.py") if name.startswith("one__"))
    return [Case("opposite", name, name.replace("one__", "other__")) for name in names]


def sources(file: str) -> Iterator[tuple[str, str]]:
    """Go through the functions of a file of pairs: name and text."""
    text = (PAIRS / file).read_text("utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
            file == "originals.py" or "__" in node.name.strip("_")
        ):
            yield node.name, ast.get_source_segment(text, node, padded=True) or ""


def found_by_us(cases: list[Case]) -> set[Case]:
    """Return the rewrites for which our index names the original, among all functions of a tree."""
    names = ("originals.py", "rewrites.py")
    read = {name: functions({name: (PAIRS / name).read_text("utf-8")}, NO_STORE).shapes for name in names}
    index = Index([*_host(), *read["originals.py"]])
    found: set[Case] = set()
    for case in cases:
        # What stands inside a function was pasted there with it.
        mine = [shape for shape in read["rewrites.py"] if case.one in shape.name.split(".")]
        likenesses = [likeness for shape in mine if (likeness := index.closest(shape))]
        if any(likeness.other.name == case.other for likeness in likenesses):
            found.add(case)
    return found


def mistaken_by_us(cases: list[Case]) -> tuple[set[Case], set[Case]]:
    """Return the opposites for which somebody is asked, and those for which a fix is rejected."""
    shapes = functions({"inverses.py": (PAIRS / "inverses.py").read_text("utf-8")}, NO_STORE).shapes
    index, named = Index([*_host(), *shapes]), {shape.name: shape for shape in shapes}
    likeness = {case: index.compare(named[case.one], named[case.other]) for case in cases}
    return {c for c in cases if likeness[c].notable}, {c for c in cases if likeness[c].copied}


def _host() -> list[Shape]:
    files = {str(file.relative_to(HOST)): file.read_text("utf-8") for file in sorted(HOST.rglob("*.py"))}
    return list(functions(files, NO_STORE).shapes)
