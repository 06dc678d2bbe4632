"""Each touched source is read as the Python reads it that will run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from untilgreen.fix.sources import compared
from untilgreen.model.analysis import Fix
from untilgreen.ports import Diagnostic
from untilgreen.settings import Settings, parse
from untilgreen.testing import FakeChecker
from untilgreen.testing.history import diff_of

YAML = """
services:
  web: {source: web, image: r/web, python: "3.12"}
  api: {source: web/api, image: r/api, builder: {kind: command, command: docker}}
  job: {source: job, image: r/job}
"""


class Asked(FakeChecker):
    """Remembers which Python it was asked for."""

    def __init__(self) -> None:
        self.pythons: set[str] = set()

    def names(self, folder: Path, files: object, python: str) -> tuple[Diagnostic, ...]:  # noqa: ARG002 - not looked at
        """Find nothing."""
        self.pythons.add(python)
        return ()


@pytest.mark.parametrize(
    ("path", "beside", "python"),
    [
        ("web/a.py", {}, "3.12"),
        ("web/api/a.py", {"web/api/Dockerfile": "FROM python:3.10-slim\n"}, "3.10"),
        ("web/api/a.py", {"web/Dockerfile": "FROM python:3.10-slim\n"}, "3.14"),
        ("tools/deep/a.py", {"tools/pyproject.toml": '[project]\nrequires-python = ">=3.13"\n'}, "3.13"),
        ("tools/a.py", {}, "3.14"),
    ],
)
def test_which_python(tmp_path: Path, path: str, beside: dict[str, str], python: str) -> None:
    """The service's own Python is taken, else what the nearest folder tells, else the newest."""
    for name, text in {path: "a = 1\n", **beside}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    diff = diff_of({}, {path: "a = 1\n"})
    fix = Fix(id="f", author="", title="", analysis="", breaks="", diff=diff)
    checker, settings = Asked(), parse(YAML)
    assert isinstance(settings, Settings)
    compared(tmp_path, tmp_path, fix, settings, checker)
    assert checker.pythons == {python}
