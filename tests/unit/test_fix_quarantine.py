"""What is taken over of a stranger's work, rule by rule."""

from __future__ import annotations

import pytest

from untilgreen.errors import FixUnusable
from untilgreen.fix.quarantine import Bounds, taken_over
from untilgreen.ports import Harvest, TouchedFile

PLAIN = "100644"


def file(path: str = "web/app.py", before: str = PLAIN, after: str = PLAIN, **more: object) -> TouchedFile:
    """Return a changed file."""
    facts = {"path": path, "mode_before": before, "mode_after": after, "lines": 2}
    return TouchedFile.model_validate(facts | more)


@pytest.mark.parametrize(
    "files",
    [
        [file()],
        [file(before="")],
        [file(after="")],
        [file("web/run.sh", "100755", "100755")],
        [file("web/run.sh", "100755", "")],
        [file(), file("docs/näme.md"), file(".gitignore"), file("web/git/x.py")],
    ],
)
def test_taken(files: list[TouchedFile]) -> None:
    """Plain text files that are changed, added or removed are taken, with the modes that they had."""
    assert taken_over(Harvest(files=tuple(files), diff="the diff"), Bounds()) == "the diff"


REFUSED: dict[str, list[TouchedFile]] = {
    "fixer.nothing": [],
    "fixer.modes": [
        file("a", "", "120000"),
        file("a", "120000", "120000"),
        file("a", "120000", ""),
        file("a", PLAIN, "120000"),
        file("a", "", "160000"),
        file("a", "160000", "160000"),
        file("a", PLAIN, "100755"),
        file("a", "100755", PLAIN),
        file("a", "", "100755"),
    ],
    "fixer.git": [file(p) for p in (".gitattributes", "web/.gitattributes", ".gitmodules", ".GitModules", "x/.git/y")],
    "fixer.names": [file(p) for p in ("a\nb", "a\tb", "a\\b", "a\ufffd", 'a"b', "a\u202eb")],
    "fixer.text": [file(lines=None), file(readable=False)],
    "fixer.line_ends": [file(line_ends=True)],
    "fixer.size": [file(lines=2001)],
}


@pytest.mark.parametrize(("rule", "one"), [(rule, one) for rule, files in REFUSED.items() for one in files or [None]])
def test_refused(rule: str, one: TouchedFile | None) -> None:
    """Anything else is refused, also among files that could be taken; only nothing at all is no refusal."""
    files = (file("ok.py"), one) if one else ()
    with pytest.raises(FixUnusable) as refused:
        taken_over(Harvest(files=files, diff="x"), Bounds())
    assert (refused.value.rule, refused.value.refused) == (rule, rule != "fixer.nothing")


def test_bounds() -> None:
    """Paths, files and lines are bounded by the settings."""
    harvest = Harvest(files=(file("services/web/app.py"), file("services/auth/app.py")), diff="x")
    assert taken_over(harvest, Bounds(paths=("services/*",), most_files=2, most_lines=4))
    for bounds in (Bounds(paths=("services/web/*",)), Bounds(most_files=1), Bounds(most_lines=3)):
        with pytest.raises(FixUnusable):
            taken_over(harvest, bounds)


def test_many_problems_are_counted() -> None:
    """A message names a few problems and counts the others."""
    with pytest.raises(FixUnusable, match="and 4 more"):
        taken_over(Harvest(files=tuple(file(f"{n}/.git") for n in range(7)), diff="x"), Bounds())
