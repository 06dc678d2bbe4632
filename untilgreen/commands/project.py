"""Commands about a project: look it over, begin its settings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from untilgreen.commands.options import Json, Repo
from untilgreen.commands.output import print_json

if TYPE_CHECKING:
    pass


def doctor(repo: Repo = Path(), as_json: Json = False) -> NoReturn:
    """Look at a project, its tests, its cloud and this machine, and say what to do.

    Nothing is deployed and no test is run. Exit code 0: a loop can run. 2: the project has a problem. 3: only the
    cloud has one.
    """
    from untilgreen.adapters.console import ConsoleNarrator  # noqa: PLC0415 - keeps --help fast
    from untilgreen.checkup import examine  # noqa: PLC0415 - keeps --help fast
    from untilgreen.doctor.show import lines  # noqa: PLC0415 - keeps --help fast

    with ConsoleNarrator(sys.stderr) as narrator:
        found = examine(repo.resolve(), narrator)
    if as_json:
        print_json({**found.model_dump(mode="json"), "exit_code": found.exit_code})
    else:
        typer.echo("\n".join(lines(found)))
    raise SystemExit(found.exit_code)
