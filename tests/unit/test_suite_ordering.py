"""What is ordered: which interpreter, against which services."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from untilgreen.errors import ConfigError
from untilgreen.model.cycle import Run
from untilgreen.settings import SuiteSettings
from untilgreen.suite.ordering import interpreter, suite_order


def test_the_order_names_hosts_and_fills_in_urls(tmp_path: Path) -> None:
    """Tests learn where the services are by their environment, and only bytes to these hosts count."""
    run = Run(loop="l", cycle=2, commit="c", root=str(tmp_path), state=str(tmp_path))
    wanted = SuiteSettings(env={"API": "{api.url}/v1"}, workers=3)
    made = suite_order(wanted, run, {"web": "https://WEB.example", "api": "http://127.0.0.1:80"}, tmp_path / "cycle-02")
    assert (made.run_id, made.env, made.hosts) == (
        "l/2",
        {"API": "http://127.0.0.1:80/v1"},
        ("127.0.0.1:80", "web.example"),
    )
    assert (made.root, made.folder) == (str(tmp_path / "cycle-02/checkout"), str(tmp_path / "cycle-02/suite"))


def test_an_interpreter_begins_at_the_repository(tmp_path: Path) -> None:
    """A relative path is one of the user's repository, where their environment is, and a link stays a link."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    assert interpreter(".venv/bin/python", tmp_path) == str(tmp_path / ".venv/bin/python")
    assert interpreter(sys.executable, tmp_path) == sys.executable
    assert interpreter("", tmp_path) == sys.executable
    assert Path(interpreter("sh", tmp_path)).is_absolute()


@pytest.mark.parametrize(
    "python", [".venv/bin/python", "/nowhere/python", "no-such-python", ".", "~nobody-at-all/python"]
)
def test_an_interpreter_that_is_missing_is_named(tmp_path: Path, python: str) -> None:
    """Nobody is left to guess where it was looked for."""
    with pytest.raises(ConfigError, match=r"suite\.python: there is no"):
        interpreter(python, tmp_path)
