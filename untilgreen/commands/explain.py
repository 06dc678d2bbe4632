"""The command about one failing test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from untilgreen.commands.options import Json, LoopName, Repo
from untilgreen.commands.output import print_json
from untilgreen.errors import ConfigError

if TYPE_CHECKING:
    from untilgreen.explain.explanation import Explanation


def explain(
    test: Annotated[str, typer.Argument(help="A node id, its end, or any part of it that only one test has.")],
    loop: LoopName = "",
    repo: Repo = Path(),
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="A folder with evidence, instead of a loop's newest cycle.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Explain one failing test: why, what was logged on its own trace, the change behind it, who fails with it.

    Of a loop, the newest cycle in which the test failed is taken.
    """
    from untilgreen.explain.show import lines  # noqa: PLC0415 - keeps --help fast

    if bundle and loop:
        raise ConfigError("--bundle and a loop's name exclude each other. Name one.")
    found = _of_folder(bundle, test) if bundle else _of_loop(repo.resolve(), loop, test)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        typer.echo("\n".join(lines(found)))


def _of_folder(folder: Path, test: str) -> Explanation:
    from untilgreen.explain.sources import of_folder  # noqa: PLC0415 - keeps --help fast

    return of_folder(folder, test)


def _of_loop(repo: Path, loop: str, test: str) -> Explanation:
    from untilgreen.commands.ledgers import ledger_of  # noqa: PLC0415 - keeps --help fast
    from untilgreen.explain.sources import of_loop  # noqa: PLC0415 - keeps --help fast

    return of_loop(ledger_of(repo, loop), test)
