"""Commands about the machine that loops run on: everything up, everything down."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from untilgreen.commands.options import Json, Repo
from untilgreen.commands.output import print_json, say


def up(
    repo: Repo = Path(),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the server; 4270, or any free one, if left out.")] = 0,
    as_json: Json = False,
) -> None:
    """Start Prefect's server, the deployments and a worker on this machine, and say where to look.

    Only this machine reaches them. What runs already is left alone; `untilgreen down` ends what this started.
    """
    from untilgreen import station  # noqa: PLC0415 - keeps --help fast

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it so leaves nothing behind, either
    try:
        page = station.up(repo.resolve(), port, say)
    except KeyboardInterrupt:
        say("untilgreen: interrupted; what had been started was ended again.")
        raise SystemExit(130) from None
    if as_json:
        print_json({"page": page, "repository": str(repo.resolve())})
        return
    typer.echo(f"{page}/deployments: press Run at by-hand; nightly runs by itself. `untilgreen down` ends it all.")


def down(as_json: Json = False) -> None:
    """End the server and the worker that `untilgreen up` started, and nothing else."""
    from untilgreen import station  # noqa: PLC0415 - keeps --help fast

    stopped = station.down(say)
    if as_json:
        print_json({"stopped": stopped})
        return
    typer.echo(f"{stopped} processes ended" if stopped else "nothing was up")
