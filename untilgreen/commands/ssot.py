"""The command about what has one home: begin a registry, and hold the working tree against it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from untilgreen.commands.options import Json, Repo
from untilgreen.commands.output import print_json, say


class What(StrEnum):
    """What to do."""

    SUGGEST = "suggest"
    CHECK = "check"


def ssot(
    what: Annotated[What, typer.Argument(help="suggest: begin a registry. check: what deviates from it now.")],
    repo: Repo = Path(),
    *,
    as_json: Json = False,
) -> None:
    """Show what has one home in a repository: the functions, constants and variables that others go through.

    `suggest` prints YAML for untilgreen.yaml, with its evidence. `check` lists every place past the declared homes.
    Exit code of `check`: 0 none, 1 some, 4 a file cannot be read.
    """
    if what is What.SUGGEST:
        _suggest(repo.resolve(), as_json=as_json)
    else:
        _check(repo.resolve(), as_json=as_json)


def _suggest(root: Path, *, as_json: bool) -> None:
    from untilgreen.ssot.check import suggested  # noqa: PLC0415 - keeps --help fast

    found = suggested(root)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    typer.echo(found.yaml, nl=False)
    for problem in found.unreadable:
        say(f"not read: {problem}")
    say(f"{len(found.suggestions)} suggestions from {found.files} files. Keep what you agree with, then `ssot check`.")


def _check(root: Path, *, as_json: bool) -> None:
    from untilgreen.ssot.check import check  # noqa: PLC0415 - keeps --help fast

    found = check(root)
    if as_json:
        print_json({**found.model_dump(mode="json"), "exit_code": found.exit_code})
    else:
        for place in found.deviations:
            typer.echo(f"{place.rule:<9} {'' if place.sure else '? '}{place.message}")
        for problem in found.unreadable:
            typer.echo(f"unread    {problem}")
        say(f"{found.registry}: {found.entries} entries, {found.files} files, {len(found.deviations)} places past them")
    raise SystemExit(found.exit_code)
