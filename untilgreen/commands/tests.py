# ruff: noqa: PT028 - `tests` is a command with defaults, and no test
"""The command about tests over all loops: which are flaky, slow or broken, and which are expected."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from untilgreen.commands.options import Json, Repo
from untilgreen.commands.output import print_json

MOST = 20
"""Lines of a listing that a person reads; `--json` has all."""


def tests(
    repo: Repo = Path(),
    *,
    flaky: Annotated[bool, typer.Option("--flaky", help="Only flaky tests, all of them.")] = False,
    slow: Annotated[int, typer.Option(min=0, metavar="N", help="How many of the slowest.")] = 10,
    write_index: Annotated[
        bool, typer.Option("--write-index", help="Write the list of expected tests from the newest complete run.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what each test did in all cycles so far: flaky, slow, broken, with numbers.

    Flaky is what failed and passed on the same revision. Exit code 4: the history cannot be read.
    """
    if write_index:
        _write_index(repo.resolve(), as_json=as_json)
    else:
        _show(repo.resolve(), flaky=flaky, slow=slow, as_json=as_json)


def _show(repo: Path, *, flaky: bool, slow: int, as_json: bool) -> None:
    from untilgreen.suite.history import read_history  # noqa: PLC0415 - keeps --help fast
    from untilgreen.suite.show import document, lines, listings  # noqa: PLC0415 - keeps --help fast
    from untilgreen.wiring import STATE  # noqa: PLC0415 - keeps --help fast

    history = read_history(repo / STATE)
    chosen = listings(history, flaky_only=flaky, slow=slow)
    if as_json:
        print_json(document(history, chosen))
    elif not history:
        typer.echo(f"No test was run here yet: {repo / STATE} has no results. `untilgreen run` makes the first ones.")
    else:
        typer.echo("\n".join(lines(history, chosen, None if flaky else max(MOST, slow))))


def _write_index(repo: Path, *, as_json: bool) -> None:
    from untilgreen.suite.renewal import renew  # noqa: PLC0415 - keeps --help fast
    from untilgreen.wiring import STATE  # noqa: PLC0415 - keeps --help fast

    written = renew(repo, repo / STATE)
    if as_json:
        print_json(written.model_dump(mode="json"))
        return
    typer.echo(f"{written.file}: {written.tests} tests, from cycle {written.cycle} of loop {written.loop}")
    for what, nodeids in (("new", written.new), ("gone", written.gone)):
        typer.echo(f"{len(nodeids)} {what}")
        typer.echo("".join(f"  {what}  {nodeid}\n" for nodeid in nodeids[:MOST]), nl=False)
        if len(nodeids) > MOST:
            typer.echo(f"  and {len(nodeids) - MOST} more; --json shows all")
    typer.echo(f"next: {written.advice}")
