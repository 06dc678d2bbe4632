"""The command that holds a loop against all before it, or against another one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from untilgreen.commands.ledgers import ledger_of
from untilgreen.commands.options import Json, LoopName, Repo
from untilgreen.commands.output import print_json
from untilgreen.errors import ConfigError

if TYPE_CHECKING:
    from untilgreen.model.retrospect import Retrospect, Sight


def compare(
    loop: LoopName = "",
    repo: Repo = Path(),
    *,
    other: Annotated[str, typer.Option("--with", metavar="LOOP", help="Show each cause's course there, too.")] = "",
    as_json: Json = False,
) -> None:
    """Show each cause with its age over all loops, figures that jumped, money, and the system's health."""
    from untilgreen.compare.show import document, pairs, table  # noqa: PLC0415 - keeps --help fast

    told, seen = _newest(repo.resolve(), loop)
    there = _newest(repo.resolve(), other) if other else None
    if as_json:
        print_json(document(told, seen, there))
        return
    typer.echo(f"loop {seen.loop}, cycle {seen.cycle} at {seen.commit[:12]}")
    typer.echo("\n".join(table(told, pairs(told.causes, there[0]) if there else None)))


def _newest(repo: Path, loop: str) -> tuple[Retrospect, Sight]:
    """Return what a loop's newest compared cycle tells.

    Raises:
        ConfigError: no cycle of the loop came to compare.
    """
    from untilgreen.compare.retrospect import retrospect_of  # noqa: PLC0415 - keeps --help fast

    ledger = ledger_of(repo, loop)
    for number in reversed(ledger.cycles()):
        if found := retrospect_of(ledger, number):
            return found
    raise ConfigError(f"{ledger.folder}: no cycle was compared yet. `untilgreen status` tells how far it came.")
