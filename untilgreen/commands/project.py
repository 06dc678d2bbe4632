"""Commands about a project: begin its settings, look it over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from untilgreen.commands.options import Json, Repo
from untilgreen.commands.output import print_json
from untilgreen.errors import ConfigError

if TYPE_CHECKING:
    from untilgreen.init.draft import Target
    from untilgreen.model.delivery import ServiceState


def init(
    repo: Annotated[Path, typer.Option("--repo", help="The project's folder.")] = Path(),
    *,
    force: Annotated[bool, typer.Option("--force", help="Write over settings that are there.")] = False,
    from_emulator: Annotated[
        str, typer.Option("--from-emulator", metavar="HOST:PORT", help="Take over what runs in this emulator.")
    ] = "",
    project: Annotated[str, typer.Option(help="Take over what runs in this Google Cloud project.")] = "",
    region: Annotated[str, typer.Option(help="Of that project, for example europe-west1.")] = "",
    as_json: Json = False,
) -> None:
    """Look at a project and write a commented untilgreen.yaml, its guesses marked.

    Of services that run already, names, images, accounts and secret references are taken over; values are not.
    """
    from untilgreen.init.draft import Target  # noqa: PLC0415 - keeps --help fast
    from untilgreen.init.step import begin  # noqa: PLC0415 - keeps --help fast

    if bool(project) != bool(region):
        raise ConfigError("--project and --region belong together. Name both.")
    target = Target(project=project, region=region, endpoint=from_emulator)
    begun = begin(repo.resolve(), target, _deployed(target), force=force)
    if as_json:
        print_json(begun.model_dump(mode="json"))
        return
    typer.echo(f"wrote {' and '.join(begun.files)}: {', '.join(begun.services)}; tests in {begun.suite or '?'}")
    for guess in begun.guesses:
        typer.echo(f"{begun.files[0]}:{guess.line}: guess: {guess.why}")
    typer.echo("next: look at the guesses, commit, then `untilgreen doctor` and `untilgreen run`")


def doctor(repo: Repo = Path(), as_json: Json = False) -> NoReturn:
    """Look at a project, its tests, its cloud and this machine, and say what to do.

    Nothing is deployed and no test is run. Exit code 0: a loop can run. 2: the project has a problem. 3: only the
    cloud has one.
    """
    from untilgreen.adapters.console import ConsoleNarrator  # noqa: PLC0415 - keeps --help fast
    from untilgreen.checkup.visit import examine  # noqa: PLC0415 - keeps --help fast
    from untilgreen.doctor.show import lines  # noqa: PLC0415 - keeps --help fast

    with ConsoleNarrator(sys.stderr) as narrator:
        found = examine(repo.resolve(), narrator)
    if as_json:
        print_json({**found.model_dump(mode="json"), "exit_code": found.exit_code})
    else:
        typer.echo("\n".join(lines(found)))
    raise SystemExit(found.exit_code)


def _deployed(target: Target) -> tuple[ServiceState, ...]:
    """Ask the cloud that was named; nothing when none was."""
    if not (target.project or target.endpoint):
        return ()
    from untilgreen.adapters.cloud_run_listing import deployed  # noqa: PLC0415 - Google's clients take 1.5 s
    from untilgreen.settings import Cloud  # noqa: PLC0415 - keeps --help fast

    usual = Cloud()
    return deployed(target.project or usual.project, target.region or usual.region, target.endpoint)
