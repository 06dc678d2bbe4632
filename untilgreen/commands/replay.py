"""The command that judges a bundle again, offline, and says whether anything came out differently."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from untilgreen.commands.options import Json
from untilgreen.commands.output import print_json


def replay(
    bundle: Annotated[Path, typer.Argument(help="A cycle's `bundle` folder, in the ledger.")],
    as_json: Json = False,
) -> None:
    """Judge a cycle's evidence again, without any cloud: the same evidence gives the same verdicts, bit for bit.

    What other analysts had said is taken from the ledger and judged again. Exit code 1: something differs.
    """
    from untilgreen.replay import replay as judge_again  # noqa: PLC0415 - keeps --help fast

    replayed = judge_again(bundle)
    if as_json:
        print_json(replayed.model_dump(mode="json"))
    else:
        typer.echo("\n".join(replayed.lines()))
    raise SystemExit(0 if replayed.same else 1)
