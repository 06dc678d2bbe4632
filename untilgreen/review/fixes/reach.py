"""What a fix may touch."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath

from untilgreen.errors import ConfigError
from untilgreen.model.analysis import Finding, Truth
from untilgreen.review.fixes.change import Change, ask, forbid, stop
from untilgreen.settings import FILE, Service, Settings, parse

_LINES = 400
_FILES = 20
"""More than anybody reads with care before saying yes."""

_LONG = 2_000
"""Characters of a line: what is longer was made by a machine for a machine."""

_RUNNER = frozenset(
    {"conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg", "noxfile.py",
     ".coveragerc", ".importlinter", ".pre-commit-config.yaml", "Jenkinsfile", ".travis.yml", ".drone.yml",
     "bitbucket-pipelines.yml", "azure-pipelines.yml", ".gitlab-ci.yml", "cloudbuild.yaml", "cloudbuild.yml",
     "codecov.yml", ".codecov.yml"}
)  # fmt: skip
_START_UP = frozenset({"sitecustomize.py", "usercustomize.py"})
_CI = (".github/", ".circleci/", ".ci/", ".gitlab/", ".buildkite/", ".woodpecker/")
_OTHER_TESTS = re.compile(
    r".*[._-](?:test|spec)\.[cm]?[jt]sx?|.*_test\.go|.*Tests?\.(?:java|kt|cs)|(?:jest|vitest|playwright|cypress|karma)\.config\.\w+"
)


def names_a_why(change: Change) -> Iterator[Finding]:
    """It says which why it breaks, and the analysis has that why."""
    if change.analysis is None:
        return
    for why in change.analysis.whys:
        if change.fix.breaks == f"{why.claim.type} {why.claim.subject}":
            message = f"breaks why {why.number}: {change.fix.breaks}"
            yield Finding(rule="fix.names", truth=Truth.SUPPORTED, message=message, why=why.number)
            return
    said = f"says that it breaks {change.fix.breaks!r}" if change.fix.breaks else "does not say what it breaks"
    yield stop(
        "names",
        f"{said}, which is no why of {change.analysis.id}"
        if change.fix.breaks
        else f"{said}; name a why of {change.analysis.id}",
    )


def changes_something(change: Change) -> Iterator[Finding]:
    """It changes at least one file."""
    if not change.touched:
        yield stop("empty", "changes nothing: the tree with it is the tree without it")


def has_a_readable_size(change: Change) -> Iterator[Finding]:
    """It is small enough to be read."""
    lines, files = len(change.added) + len(change.removed), len(change.touched)
    if lines > _LINES or files > _FILES:
        message = f"changes {lines} lines in {files} files; more than {_LINES} lines or {_FILES} files need a reader"
        yield ask("size", message)
    for line in change.added:
        if len(line.text) > _LONG:
            where = f"{line.path}:{line.number}"
            yield ask("size", f"{where} has {len(line.text):,} characters, which nobody reads", where)
            return


def leaves_tests_alone(change: Change) -> Iterator[Finding]:
    """It does not touch what would tell whether it works: tests, their runner, CI."""
    finding = ask if change.tests_may_change else stop
    for path in change.touched:
        steers = _steers_tests(change, path)
        if steers or change.is_test(path) or _OTHER_TESTS.fullmatch(path):
            if not steers and _only_adds_tests(change, path):
                continue
            yield finding("tests", f"{path} belongs to the tests or to what runs them; mend the product instead", path)


def _only_adds_tests(change: Change, path: str) -> bool:
    """Tell whether a diff that nobody gave a cause for brings tests and takes nothing away: that is anybody's right."""
    alone = change.analysis is None and path in change.after
    return alone and not any(line.path == path for line in change.removed)


def _steers_tests(change: Change, path: str) -> bool:
    name = PurePosixPath(path).name
    if name == "pyproject.toml":
        return _pytest_table(change.before.get(path, "")) != _pytest_table(change.after.get(path, ""))
    return name in _RUNNER | _START_UP or name.endswith(".pth") or path.startswith(_CI)


def _pytest_table(text: str) -> object:
    """Return what a pyproject tells who judges; one that cannot be read is not equal to any other."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return error
    plugins = data.get("project", {}).get("entry-points", {}).get("pytest11")
    return [data.get("tool", {}).get(name) for name in ("pytest", "coverage", "tox", "importlinter")], plugins


def leaves_the_loop_alone(change: Change) -> Iterator[Finding]:
    """It does not change who judges it: in the loop's settings it may change services only."""
    for path in change.touched:
        if _judges(change.settings, path):
            yield forbid(change, "settings", f"changes {path}: a fix may not change how it is judged", path)
    if FILE not in change.touched:
        return
    if FILE not in change.before:
        yield ask("settings", f"brings {FILE}, which says how everything after it is judged", FILE)
        return
    try:
        after = parse(change.after.get(FILE, ""))
    except ConfigError as error:
        yield stop("settings", f"leaves settings that cannot be used: {error}", FILE)
        return
    for name in type(after).model_fields:
        if name != "services" and getattr(after, name) != getattr(change.settings, name):
            message = f"changes {name} in {FILE}: a fix may not change how it is judged"
            yield forbid(change, "settings", message, FILE)
    yield from _weaker_services(change, change.settings, after)


def _judges(settings: Settings, path: str) -> bool:
    """Tell whether a file takes part in judging: knowledge, recorded analyses, the queue of fixes."""
    files = {settings.knowledge, *(getattr(analyst, "file", "") for analyst in settings.analysts)} - {""}
    folders = [PurePosixPath(folder) for fixer in settings.fixers if (folder := getattr(fixer, "folder", ""))]
    return path in files or any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _weaker_services(change: Change, before: Settings, after: Settings) -> Iterator[Finding]:
    for name, old in before.services.items():
        new = after.services.get(name)
        if new is None:
            yield forbid(change, "settings", f"removes the service {name} from {FILE}", FILE)
        elif _weaker(old, new):
            yield ask("settings", f"services.{name} in {FILE} is checked less or otherwise than before", FILE)


def _weaker(old: Service, new: Service) -> bool:
    return bool(set(old.needs) - set(new.needs)) or old.health != new.health
