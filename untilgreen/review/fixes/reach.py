"""What a fix may touch."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath

from untilgreen.errors import ConfigError
from untilgreen.model.analysis import Finding, Truth
from untilgreen.review.fixes.change import Change, ask, stop
from untilgreen.settings import FILE, Service, Settings, parse

_LINES = 400
_FILES = 20
"""More than anybody reads with care before saying yes."""

_MODES = re.compile(r"^(?:new file|deleted file|old|new) mode (\d+)$", re.MULTILINE)
_BINARY = re.compile(r"^(?:GIT binary patch|Binary files .* differ)$", re.MULTILINE)
_GIT = frozenset({".git", ".gitattributes", ".gitmodules"})
_RUNNER = frozenset({"conftest.py", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "noxfile.py"})
_START_UP = frozenset({"sitecustomize.py", "usercustomize.py"})
_CI = (".github/", ".circleci/", ".ci/", ".gitlab-ci.yml", "Jenkinsfile", "azure-pipelines.yml", "cloudbuild.y")


def names_a_why(change: Change) -> Iterator[Finding]:
    """It says which why it breaks, and the analysis has that why."""
    for why in change.analysis.whys:
        if change.fix.breaks == f"{why.claim.type} {why.claim.subject}":
            message = f"breaks why {why.number}: {change.fix.breaks}"
            yield Finding(rule="fix.names", truth=Truth.SUPPORTED, message=message, why=why.number)
            return
    yield stop("names", f"says that it breaks {change.fix.breaks!r}, which is no why of {change.analysis.id}")


def changes_something(change: Change) -> Iterator[Finding]:
    """It changes at least one file."""
    if not change.touched:
        yield stop("empty", "changes nothing: the tree with it is the tree without it")


def stays_inside(change: Change) -> Iterator[Finding]:
    """It changes plain text files of the repository: no links, no modes, no binaries, nothing of git's own."""
    for path in change.touched:
        parts = PurePosixPath(path).parts
        if path.startswith("/") or ".." in parts or "\\" in path:
            yield stop("paths", f"{path} lies outside the repository", path)
        elif _GIT & set(parts):
            yield stop("paths", f"{path} steers git itself, which no fix of a service needs", path)
    for mode in sorted(set(_MODES.findall(change.fix.diff)) - {"100644"}):
        what = {"120000": "a symbolic link", "160000": "a submodule"}.get(mode, f"file mode {mode}")
        yield stop("paths", f"brings or changes {what}; a fix may change plain files only")
    if _BINARY.search(change.fix.diff):
        yield stop("paths", "changes a binary file, which nobody can review")


def has_a_readable_size(change: Change) -> Iterator[Finding]:
    """It is small enough to be read."""
    lines, files = len(change.added) + len(change.removed), len(change.touched)
    if lines > _LINES or files > _FILES:
        message = f"changes {lines} lines in {files} files; more than {_LINES} lines or {_FILES} files need a reader"
        yield ask("size", message)


def leaves_tests_alone(change: Change) -> Iterator[Finding]:
    """It does not touch what would tell whether it works: tests, their runner, CI."""
    finding = ask if change.analysis.leaf.claim.type == "test_defect" else stop
    for path in change.touched:
        if change.is_test(path) or _steers_tests(change, path):
            yield finding("tests", f"{path} belongs to the tests or to what runs them; mend the product instead", path)


def _steers_tests(change: Change, path: str) -> bool:
    name = PurePosixPath(path).name
    if name == "pyproject.toml":
        return _pytest_table(change.before.get(path, "")) != _pytest_table(change.after.get(path, ""))
    return name in _RUNNER | _START_UP or name.endswith(".pth") or path.startswith(_CI)


def _pytest_table(text: str) -> object:
    """Return what a pyproject tells pytest; one that cannot be read is not equal to any other."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return error
    plugins = data.get("project", {}).get("entry-points", {}).get("pytest11")
    return data.get("tool", {}).get("pytest"), plugins


def leaves_the_loop_alone(change: Change) -> Iterator[Finding]:
    """It does not change who judges it: in the loop's settings it may change services only."""
    if FILE not in change.touched:
        return
    try:
        after = parse(change.after.get(FILE, ""))
    except ConfigError as error:
        yield stop("settings", f"leaves settings that cannot be used: {error}", FILE)
        return
    for name in type(after).model_fields:
        if name != "services" and getattr(after, name) != getattr(change.settings, name):
            yield stop("settings", f"changes {name} in {FILE}: a fix may not change how it is judged", FILE)
    yield from _weaker_services(change.settings, after)


def _weaker_services(before: Settings, after: Settings) -> Iterator[Finding]:
    for name, old in before.services.items():
        new = after.services.get(name)
        if new is None:
            yield stop("settings", f"removes the service {name} from {FILE}", FILE)
        elif _weaker(old, new):
            yield ask("settings", f"services.{name} in {FILE} is checked less or otherwise than before", FILE)


def _weaker(old: Service, new: Service) -> bool:
    return bool(set(old.needs) - set(new.needs)) or old.health != new.health
