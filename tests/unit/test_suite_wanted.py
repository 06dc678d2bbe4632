"""Which tests are run, and which of them first, without tearing apart what shares fixtures."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from untilgreen.witness.untilgreen_witness.wanted import arranged, kept


@dataclass
class Item:
    """What pytest knows of a test, as far as it matters here."""

    nodeid: str
    scopes: tuple[str, ...] = ()
    _fixtureinfo: Any = field(init=False)

    def __post_init__(self) -> None:
        fixtures = {f"fixture {scope}": [SimpleNamespace(scope=scope)] for scope in self.scopes}
        self._fixtureinfo = SimpleNamespace(name2fixturedefs=fixtures)


SCOPES = st.sampled_from([(), ("session",), ("module",), ("class",), ("package", "function")])
SUITES = st.lists(st.tuples(st.integers(0, 3), SCOPES), max_size=25).map(
    lambda tests: [Item(f"{file}.py::test_{n}", scopes) for n, (file, scopes) in sorted(enumerate(tests), key=at_file)]
)


def at_file(numbered: tuple[int, tuple[int, tuple[str, ...]]]) -> int:
    """Order tests by file, as a collection does."""
    return numbered[1][0]


def names(items: list[Item]) -> list[str]:
    """Return node ids."""
    return [item.nodeid for item in items]


@given(SUITES, st.data())
def test_nothing_is_lost_and_loose_tests_keep_their_rank(items: list[Item], data: st.DataObject) -> None:
    """Whatever is wanted first, each test stays once, and those that share nothing come in the wanted order."""
    first = data.draw(st.lists(st.sampled_from([*names(items), "gone.py::test_gone"]), unique=True))
    placed, loose = arranged(items, first)
    assert sorted(names(placed)) == sorted(names(items))
    ranks = [first.index(name) for name in names(placed[:loose])]
    assert ranks == sorted(ranks)


@given(SUITES, st.data())
def test_what_shares_fixtures_stays_together(items: list[Item], data: st.DataObject) -> None:
    """The tests of a file in which fixtures are shared stay neighbours, so that none of these is made twice."""
    placed, _ = arranged(items, data.draw(st.permutations(names(items))))
    files = [item.nodeid.split("::")[0] for item in placed]
    for file in {item.nodeid.split("::")[0] for item in items if set(item.scopes) & {"class", "module", "package"}}:
        places = [place for place, name in enumerate(files) if name == file]
        assert places == list(range(places[0], places[-1] + 1))


def test_failed_tests_come_first_within_a_file_too() -> None:
    """A file that shares a module fixture is moved as a whole, and what is wanted first begins it."""
    items = [Item("a.py::x"), Item("b.py::x", ("module",)), Item("b.py::y", ("module",)), Item("c.py::x")]
    placed, loose = arranged(items, ["b.py::y", "c.py::x"])
    assert (names(placed), loose) == (["c.py::x", "b.py::y", "b.py::x", "a.py::x"], 1)


def test_nothing_wanted_first_changes_nothing() -> None:
    """Without a wish, pytest's own order stays."""
    items = [Item("b.py::x"), Item("a.py::x")]
    assert arranged(items, ["c.py::x"]) == (items, 0)


def test_patterns_and_names_are_both_needed() -> None:
    """With node ids and patterns, a test is kept when both want it."""
    items = [Item("a.py::x[1]"), Item("a.py::x[2]"), Item("b.py::y")]
    assert names(kept(items, [], [])) == names(items)
    assert names(kept(items, ["a.py::x[1]", "b.py::y"], ["a.py::*"])) == ["a.py::x[1]"]
    assert names(kept(items, [], ["a.py::x[2]"])) == ["a.py::x[2]"]
