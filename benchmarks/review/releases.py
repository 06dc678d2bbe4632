"""Successive releases of public packages: their new functions repeat nothing, or so we count it."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from untilgreen.model.analysis import Fix
from untilgreen.review.fixes.change import Change
from untilgreen.review.fixes.duplicates import duplicates, new_functions
from untilgreen.settings import parse
from untilgreen.ssot.index import NO_STORE, functions
from untilgreen.ssot.shape import Shape

RELEASES = {
    "django": ("4.2.11", "5.0.6", "5.1.4"),
    "sphinx": ("7.2.6", "7.3.7", "7.4.7"),
    "pydantic": ("2.7.4", "2.8.2", "2.9.2"),
}
"""The thresholds were looked at with rich, starlette and aiohttp; none of these had a say."""
REPETITIONS = frozenset(
    {
        # Asynchronous twins of the function that is named.
        "aget_list_or_404",
        "SessionBase.aget_expiry_age",
        "SessionBase.aget_expiry_date",
        "SessionBase.aset_expiry",
        # The same lines in another class or module.
        "user_passes_test.decorator._redirect_to_login",
        "DefinitionParser._parse_logical_or_expression._parse_bin_op_expr",
        "PyObject._toc_entry_name",
        "_format_literal_arg_restify",
        "MockCoreSchema._get_built",
        "MockCoreSchema.rebuild",
    }
)
"""New functions of these releases that do repeat what they are said to: both were read side by side."""
SETTINGS = parse("services: {all: {source: ., image: none}}\nsuite: {path: tests}\n")


@dataclass(frozen=True)
class Step:
    """From one release to the next.

    Args:
        name: of the package, and both releases.
        tree: the later one, path -> text without its tests.
        new: functions that it adds, large enough to be told apart.
        changed: those that it changes.
        flagged: `path:line name` of the functions that our gate takes for repetitions -> what it says.
    """

    name: str
    tree: dict[str, str]
    new: tuple[Shape, ...]
    changed: tuple[Shape, ...]
    flagged: dict[str, str]


def steps(folder: Path, python: Path) -> Iterator[Step]:
    """Download the source distributions and go through their steps.

    Args:
        folder: where they stay.
        python: one that has pip.
    """
    for package, versions in RELEASES.items():
        trees = {version: _tree(folder, python, f"{package}=={version}") for version in versions}
        for old, later in pairwise(versions):
            yield _step(f"{package} {old} -> {later}", trees[old], trees[later])


def _step(name: str, before: dict[str, str], after: dict[str, str]) -> Step:
    change = Change(Fix(id="", author="", title="", analysis="", breaks="", diff=""), None, before, after, SETTINGS)
    left, right = (functions(change.product_python(tree), NO_STORE).shapes for tree in (before, after))
    known = {(shape.path, shape.name) for shape in left}
    fresh = new_functions(left, right)
    return Step(
        name,
        change.product_python(after),
        tuple(shape for shape in fresh if (shape.path, shape.name) not in known),
        tuple(shape for shape in fresh if (shape.path, shape.name) in known),
        {finding.evidence[1]: finding.message for finding in duplicates(change) if len(finding.evidence) > 1},
    )


def _tree(folder: Path, python: Path, release: str) -> dict[str, str]:
    place = folder / release
    words = [str(python), "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(place)]
    if not place.exists():
        subprocess.run([*words, release], check=True, capture_output=True)
    (archive,) = place.glob("*.tar.gz")
    texts: dict[str, str] = {}
    with tarfile.open(archive) as content:
        for member in content:
            _, _, path = member.name.partition("/")
            file = content.extractfile(member) if path.endswith(".py") and member.isfile() else None
            if file:
                texts[path] = file.read().decode("utf-8", "surrogateescape")
    return texts
