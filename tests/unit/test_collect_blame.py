"""Where the lines of tracebacks are from."""

from __future__ import annotations

import pytest

from tests.unit.test_collect_log_evidence import WINDOW, entry
from untilgreen.collect.blame import MOST, blames
from untilgreen.collect.gathered import Gathered
from untilgreen.model.evidence import Blame, Item, Raised, SourceFile
from untilgreen.model.suite import Frame
from untilgreen.testing import FakeHistory

OLD = {"backend/app.py": "def get(x):\n    return x\n", "backend/lib/app.py": "def get(x):\n    return x\n"}
NEW = {**OLD, "backend/app.py": "def get(x):\n    return x.name\n"}
HISTORY = FakeHistory(("first", OLD), ("second", NEW))


def raising(*frames: Frame) -> Item:
    """Return a log entry with a traceback."""
    return entry(1, raised=Raised(exception="KeyError", message="x", frames=frames))


def files() -> list[Item]:
    """Return the sources that were collected."""
    return [SourceFile(commit="c", path=path, service="backend", content=text) for path, text in NEW.items()]


def blamed(*items: Item, old: frozenset[str] = frozenset()) -> Gathered:
    """Blame what these items went through."""
    return blames(HISTORY, HISTORY.head, [*items, *files()], old, WINDOW)


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (Frame(path="/srv/app.py", line=2, function="get", source="return x.name"), ("backend/app.py", "second")),
        (Frame(path="/srv/lib/app.py", line=2, function="get", source="return x"), ("backend/lib/app.py", "first")),
        (Frame(path="/srv/app.py", line=1, function="get", source="def get(x):"), ("backend/app.py", "first")),
        (Frame(path="/srv/app.py", line=2, function="get", source="something else"), None),
        (Frame(path="/srv/app.py", line=99, function="get", source="return x"), None),
        (Frame(path="/usr/lib/json.py", line=1, function="get", source="def get(x):"), None),
        (Frame(path="/srv/app.py", line=2, function="get"), None),
    ],
)
def test_frames_of_the_repository(frame: Frame, found: tuple[str, str] | None) -> None:
    """A frame's line is looked up in the file of its name that holds that very line; a library's in none."""
    items = [item for item in blamed(raising(frame)).items if isinstance(item, Blame)]
    assert [(item.path, item.subject) for item in items] == ([found] if found else [])


def test_old_lines_are_told_apart() -> None:
    """A line that is from before the last good commit says so: it cannot have brought the failure."""
    frame = Frame(path="/srv/app.py", line=1, function="get", source="def get(x):")
    first = HISTORY.log(HISTORY.head, 2)[1].sha
    (item,) = blamed(raising(frame), old=frozenset({first})).items
    assert isinstance(item, Blame)
    assert not item.since_good
    assert item.text.endswith("backend/app.py:1 def get(x): (first)")


def test_too_many_lines_are_a_gap() -> None:
    """Beyond a number of lines no more are looked up, and the record says how many there were."""
    text = "".join(f"x{n} = {n}\n" for n in range(MOST + 5))
    history = FakeHistory(("first", {"backend/big.py": text}))
    frames = [Frame(path="big.py", line=n + 1, function="f", source=f"x{n} = {n}") for n in range(MOST + 5)]
    source = SourceFile(commit="c", path="backend/big.py", service="backend", content=text)
    gathered = blames(history, history.head, [raising(*frames), source], frozenset(), WINDOW)
    assert len(gathered.items) == MOST
    assert gathered.coverage[0].gap == f"only {MOST} of {MOST + 5} lines were looked up"
