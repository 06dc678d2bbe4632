"""The command that collects a cycle's evidence again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from untilgreen.commands.options import Json, LoopName, Repo
from untilgreen.commands.output import print_json
from untilgreen.errors import EvidenceIncomplete

if TYPE_CHECKING:
    from untilgreen.model.evidence import Manifest


def collect(loop: LoopName = "", repo: Repo = Path(), as_json: Json = False) -> None:
    """Collect the evidence of a loop's last cycle again, for example when the log was late.

    What the older evidence led to stays as it is until the loop is resumed. Exit code 4: there is nothing to collect.
    """
    from untilgreen.adapters.console import ConsoleNarrator  # noqa: PLC0415 - keeps --help fast
    from untilgreen.commands.ledgers import ledger_of  # noqa: PLC0415 - keeps --help fast
    from untilgreen.recollect import recollect  # noqa: PLC0415 - keeps --help fast

    ledger = ledger_of(repo.resolve(), loop)
    if not ledger.cycles():
        raise EvidenceIncomplete(f"{ledger.folder}: no cycle was opened, so there is nothing to collect.")
    with ConsoleNarrator(sys.stderr) as narrator:
        manifest = recollect(repo.resolve(), ledger, ledger.cycles()[-1], narrator)
    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        typer.echo("\n".join(_lines(manifest)))


def _lines(manifest: Manifest) -> list[str]:
    from untilgreen.report.text import one_line  # noqa: PLC0415 - keeps --help fast

    counts = ", ".join(f"{number} {kind}" for kind, number in manifest.counts.items())
    gaps = [f"not complete: {c.kind} of {c.subject}: {c.gap}" for c in manifest.coverage if not c.complete]
    return [one_line(line, 500) for line in (f"{manifest.loop}  cycle {manifest.cycle}: {counts}", *gaps)]
