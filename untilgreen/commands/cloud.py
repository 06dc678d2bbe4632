"""Commands about the cloud alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from untilgreen.commands.options import Json


def emulator(
    state: Annotated[Path, typer.Option(help="Where images, logs and services are kept.")] = Path(
        ".untilgreen/emulator"
    ),
    port: Annotated[int, typer.Option(help="0 takes any free one.")] = 0,
    seed: Annotated[Path | None, typer.Option(help="A YAML file with the secrets to begin with.")] = None,
    as_json: Json = False,
) -> None:
    """Run the embedded cloud alone, until Ctrl-C."""
    from untilgreen.adapters.local_cloud import emulator as running  # noqa: PLC0415 - keeps --help fast

    with running(state, seed, port) as endpoint:
        line = json.dumps({"endpoint": endpoint}) if as_json else f"cloud.endpoint: {endpoint}   (Ctrl-C ends it)"
        typer.echo(line)
        sys.stdout.flush()
        _sleep_for_ever()


def _sleep_for_ever() -> None:
    import threading  # noqa: PLC0415 - keeps --help fast

    threading.Event().wait()
