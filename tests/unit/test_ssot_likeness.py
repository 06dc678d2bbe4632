"""A rewrite of a function is found, its opposite is not taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from untilgreen.ssot.index import NO_STORE, functions
from untilgreen.ssot.likeness import SAME, Index
from untilgreen.ssot.shape import Shape

PAIRS = Path(__file__).parents[2] / "benchmarks" / "review" / "pairs"


def read(name: str) -> tuple[Shape, ...]:
    """Return the functions of one file of pairs."""
    return functions({name: (PAIRS / name).read_text("utf-8")}, NO_STORE).shapes


ORIGINALS, REWRITES, INVERSES = read("originals.py"), read("rewrites.py"), read("inverses.py")
INDEX = Index([*ORIGINALS, *INVERSES])
BY_NAME = {shape.name.rpartition(".")[2]: shape for shape in (*ORIGINALS, *REWRITES, *INVERSES)}


@pytest.mark.parametrize("name", sorted(n for n, s in BY_NAME.items() if s.path == "rewrites.py" and "__" in n[1:-2]))
def test_rewrites(name: str) -> None:
    """However somebody writes a function again, the function that is there is named."""
    inner = [shape for shape in REWRITES if shape.name.startswith(f"{name}.")]
    found = [likeness for one in (BY_NAME[name], *inner) if (likeness := INDEX.closest(one))]
    assert name.rpartition("__")[2] in {likeness.other.name for likeness in found}


@pytest.mark.parametrize("name", sorted(n for n in BY_NAME if n.startswith("one__")))
def test_inverses(name: str) -> None:
    """A function that does the opposite is no copy: no fix is rejected for it."""
    likeness = INDEX.compare(BY_NAME[name], BY_NAME[name.replace("one__", "other__")])
    assert likeness.dice < SAME


def test_most_inverses_are_not_even_mentioned() -> None:
    """Nobody is asked about a function that does the opposite, but for one in ten."""
    pairs = [(BY_NAME[n], BY_NAME[n.replace("one__", "other__")]) for n in BY_NAME if n.startswith("one__")]
    mentioned = [one.name for one, other in pairs if INDEX.compare(one, other).notable]
    assert len(mentioned) * 10 <= len(pairs)


SAME_WAY = {
    "a guard": ("if x.a > y:\n            continue\n        use(x)", "if x.a <= y:\n            use(x)"),
    "turned round": ("if x.a > y:\n            use(x)", "if y < x.a:\n            use(x)"),
    "not": ("if not x.a:\n            use(x)", "if x.a:\n            continue\n        use(x)"),
    "where equal ones go": ("if x.a > y:\n            use(x)", "if x.a >= y:\n            use(x)"),
}
FRAME = "def f(xs, y):\n    for x in xs:\n        {}\n"


@pytest.mark.parametrize("case", SAME_WAY)
def test_ways_of_writing_a_condition(case: str) -> None:
    """The same condition written otherwise is not the opposite."""
    one, two = (functions({"a.py": FRAME.format(text)}, NO_STORE).shapes[0] for text in SAME_WAY[case])
    shared = one.turns.keys() & two.turns.keys()
    assert shared
    assert all(one.turns[place] & two.turns[place] for place in shared)
