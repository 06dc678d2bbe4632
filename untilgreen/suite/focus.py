"""A part of the suite: by path, by feature, or by marker. It tells much faster, and is never green."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from glob import escape
from itertools import pairwise
from pathlib import PurePosixPath

from untilgreen.errors import ConfigError
from untilgreen.ports import SuiteOrder
from untilgreen.settings import SuiteSettings
from untilgreen.suite.markers import MAY_MARK, expression_of, may_match, spelled


def focus(settings: SuiteSettings, order: SuiteOrder) -> SuiteOrder:
    """Return the order for the part that `settings.focus` names; the order itself when it names none.

    Args:
        settings: as `settle` returned them.
        order: for the whole suite.
    """
    wanted = settings.focus
    if not wanted:
        return order
    if wanted in settings.features:
        return order.model_copy(update={"select": settings.features[wanted]})
    if _is_place(wanted):
        path, _, rest = wanted.partition("::")
        return order.model_copy(update={"path": path, "select": _named(path, rest)})
    return order.model_copy(update={"args": _marked(order.args, wanted)})


def settle(settings: SuiteSettings, files: Collection[str], read: Callable[[str], str | None]) -> SuiteSettings:
    """Check `settings.focus` against a commit before anything is deployed.

    A path that is not there is looked for where the tests are: node ids begin at pytest's root, which may be their
    own folder.

    Args:
        settings: of that commit, with what was asked for.
        files: all paths of the commit.
        read: gives the text of one of them.

    Returns:
        The settings with a path that begins at the repository's root.

    Raises:
        ConfigError: there is no such path, it is no marker expression, or no test can be marked so; with what is there.
    """
    wanted = settings.focus
    if not wanted or wanted in settings.features:
        return settings
    if not _is_place(wanted):
        _check_markers(settings, files, read)
        return settings
    path, colons, rest = wanted.partition("::")
    found = _there(path, settings.path, files)
    if not found:
        raise ConfigError(f"--focus {wanted}: the commit has no {path}.{_similar(path, files)}")
    return settings.model_copy(update={"focus": f"{found}{colons}{rest}"})


def told(settings: SuiteSettings) -> str:
    """Say which part was asked for, and what that was taken for; empty for the whole suite."""
    wanted = settings.focus
    if not wanted:
        return ""
    if wanted in settings.features:
        return f"--focus {wanted}, the tests that match {' or '.join(settings.features[wanted])}"
    if _is_place(wanted):
        return f"--focus {wanted}"
    return f"--focus {wanted}, which is {_neither(settings)}, so the tests marked so"


def _is_place(wanted: str) -> bool:
    return "/" in wanted or "::" in wanted or wanted.endswith(".py")


def _named(path: str, rest: str) -> tuple[str, ...]:
    """Return patterns for a test of a file, its parameters, or a class's tests, wherever node ids begin."""
    if not rest:
        return ()
    name = escape(f"{PurePosixPath(path).name}::{rest}")
    return tuple(f"{before}{name}{after}" for before in ("", "*/") for after in ("", "[[]*", "::*"))


def _marked(args: Sequence[str], wanted: str) -> tuple[str, ...]:
    """Narrow what the settings select by markers already: of several -m, pytest hears the last one only."""
    given = [after for before, after in pairwise(args) if before == "-m"]
    given += [arg[2:].removeprefix("=") for arg in args if arg.startswith("-m") and arg != "-m"]
    return (*args, "-m", " and ".join(f"({part})" for part in (*given[-1:], wanted)) if given else wanted)


def _check_markers(settings: SuiteSettings, files: Collection[str], read: Callable[[str], str | None]) -> None:
    """Refuse what is no expression, and one that no test of the commit can match: before the deployment, not after."""
    wanted = settings.focus
    expression = expression_of(wanted)
    if expression is None:
        raise ConfigError(
            f"--focus {wanted}: {_neither(settings)}, and no marker expression such as `api and not slow`."
        )
    near = f"{settings.path.rstrip('/')}/"
    texts = (text for file in sorted(files, key=lambda f: not f.startswith(near)) if (text := _text(file, read)))
    there, marks = spelled(expression.markers, texts)
    if not may_match(expression, there):
        unknown = [name for name in expression.markers if name not in there]
        close = difflib.get_close_matches(unknown[0], sorted(marks), n=1) if unknown else []
        hint = (
            f" Do you mean {close[0]}?"
            if close
            else f" Its tests are marked {', '.join(sorted(marks))}."
            if marks
            else ""
        )
        raise ConfigError(f"--focus {wanted}: {_neither(settings)}, and the commit marks no test so.{hint}")


def _text(file: str, read: Callable[[str], str | None]) -> str | None:
    return read(file) if file.endswith(MAY_MARK) else None


def _there(path: str, tests: str, files: Collection[str]) -> str:
    """Return which path of the commit is meant; empty when there is none."""
    asked = PurePosixPath(path)
    folders = [PurePosixPath(), *(place for place in (PurePosixPath(tests), *PurePosixPath(tests).parents))]
    for candidate in (str(folder / asked) for folder in folders):
        if any(file == candidate or file.startswith(f"{candidate}/") for file in files):
            return candidate
    return ""


def _similar(path: str, files: Collection[str]) -> str:
    names = {PurePosixPath(file).name: file for file in files if file.endswith(".py")}
    close = difflib.get_close_matches(PurePosixPath(path).name, names, n=1)
    return f" Do you mean {names[close[0]]}?" if close else ""


def _neither(settings: SuiteSettings) -> str:
    features = f" ({', '.join(sorted(settings.features))})" if settings.features else ""
    return f"no path and no feature{features}"
