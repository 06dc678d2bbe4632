"""Parses Python sources through ruff, which knows the syntax of every version and not only of the one it runs on."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from untilgreen.errors import BuildFailed, ConfigError
from untilgreen.ports import Diagnostic

_LIMIT_S = 300
_FOUND = 1
"""ruff's exit code when it reports something."""

_RULES = "E902,F404,F622,F701,F702,F704,F706,F707"
"""What cannot be read, and what the compiler, not the parser, calls a syntax error, such as `return` in a module."""

_NAMES = "F401,F811,F821,F822,F823"
"""Imports that nothing uses, definitions that another one replaces, names that nothing defines."""


class RuffChecker:
    """Runs the ruff that is installed beside untilgreen, untouched by anybody's configuration."""

    def check(self, folder: Path, files: Sequence[str], python: str) -> tuple[Diagnostic, ...]:
        """Return what does not parse.

        Raises:
            ConfigError: ruff does not know this Python.
            BuildFailed: ruff does not run.
        """
        return _asked(folder, files, python, _RULES)

    def names(self, folder: Path, files: Sequence[str], python: str) -> tuple[Diagnostic, ...]:
        """Return names that nothing defines or uses, and what does not parse.

        Raises:
            ConfigError: ruff does not know this Python.
            BuildFailed: ruff does not run.
        """
        return _asked(folder, files, python, f"{_RULES},{_NAMES}")


def _asked(folder: Path, files: Sequence[str], python: str, rules: str) -> tuple[Diagnostic, ...]:
    if not files:
        return ()
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as listed:
        # Folders would be searched by ruff's own rules of what to leave out; a list of files is taken as it is.
        listed.writelines(f"./{path}\n" for path in files)
        listed.flush()
        done = _run(folder, _command(python, listed.name, rules))
    if done.returncode not in (0, _FOUND):
        raise _refused(done.stderr, python)
    return tuple(_diagnostic(folder, row) for row in json.loads(done.stdout))


def _command(python: str, listed: str, rules: str) -> list[str]:
    version = f"--target-version=py{python.replace('.', '')}"
    flags = ("--isolated", "--no-cache", "--ignore-noqa", "--output-format=json", f"--select={rules}", version)
    return [sys.executable, "-m", "ruff", "check", *flags, f"@{listed}"]


def _run(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - our own interpreter, no shell
            command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"ruff, which parses the sources, did not run: {error}. Try again.") from None


def _refused(said: str, python: str) -> Exception:
    if "--target-version" in said:
        return ConfigError(
            f"The installed ruff cannot check sources for Python {python}. Install a newer one, or set "
            f"services.NAME.python to a version that it knows."
        )
    return BuildFailed(f"ruff, which parses the sources, did not run: {said.strip()[-500:]}. Install it again.")


def _diagnostic(folder: Path, row: dict[str, Any]) -> Diagnostic:
    path = Path(row["filename"]).resolve().relative_to(folder.resolve()).as_posix()
    rule = row["code"] if row["code"] in _NAMES.split(",") else ""
    return Diagnostic(path=path, line=row["location"]["row"], message=row["message"], rule=rule)
