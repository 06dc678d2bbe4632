"""The command line: which commands there are, and what becomes of an error."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from untilgreen import __version__
from untilgreen.commands import (
    approve,
    cloud,
    collect,
    compare,
    explain,
    import_,
    loops,
    project,
    prove,
    replay,
    review,
    ssot,
    tests,
    triage,
    up,
)
from untilgreen.commands.output import say
from untilgreen.errors import UntilgreenError

app = typer.Typer(
    name="untilgreen",
    help="Deploys to Cloud Run, proves that your e2e tests were real, finds the cause, fixes it, "
    "and goes round until everything is green.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

COMMANDS = (
    (project.init, "untilgreen init --repo ../shop"),
    (project.doctor, "untilgreen doctor --repo ../shop"),
    (loops.demo, "untilgreen demo"),
    (loops.run, "untilgreen run --repo ../shop --max-cycles 3"),
    (loops.resume, "untilgreen resume"),
    (approve.approve, "untilgreen approve 20260315-020000-4f1c --approver Ada"),
    (approve.reject, "untilgreen reject --approver Ada --reason 'mends the spot, not the class'"),
    (up.up, "untilgreen up --repo ../shop"),
    (up.down, "untilgreen down"),
    (loops.status, "untilgreen status --json"),
    (loops.report, "untilgreen report 20260315-020000-4f1c"),
    (compare.compare, "untilgreen compare 20260315-020000-4f1c --json"),
    (tests.tests, "untilgreen tests --flaky"),
    (prove.prove, "untilgreen prove --negative"),
    (explain.explain, "untilgreen explain test_login"),
    (collect.collect, "untilgreen collect"),
    (import_.import_, "untilgreen import --tests report.xml --log log.json --repo . --good v1.2"),
    (triage.triage, "untilgreen triage evidence --json"),
    (ssot.ssot, "untilgreen ssot suggest --repo ../shop"),
    (review.review, "untilgreen review --fix change.diff --sarif review.sarif"),
    (replay.replay, "untilgreen replay .untilgreen/loops/20260315-020000-4f1c/cycle-01/bundle"),
    (cloud.deploy, "untilgreen deploy --dry-run"),
    (cloud.emulator, "untilgreen emulator --port 8790"),
)
"""Each with an example that its help shows."""

for command, example in COMMANDS:
    app.command(command.__name__.rstrip("_"), epilog=f"Example: {example}")(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Options before the command."""


def main() -> None:
    """Run the command line: messages instead of tracebacks, and the exit codes of the design."""
    try:
        app()
    except UntilgreenError as error:
        say(f"untilgreen: {error}")
        raise SystemExit(error.exit_code) from None
    except Exception as error:  # noqa: BLE001 - the last resort: a defect of ours is a message, too
        say(
            f"untilgreen: {type(error).__name__}: {error}. A defect of untilgreen; {_keep_traceback()} has the details."
        )
        raise SystemExit(2) from None


def _keep_traceback() -> Path:
    import tempfile  # noqa: PLC0415 - only in a defect
    import traceback  # noqa: PLC0415 - as above

    with tempfile.NamedTemporaryFile("w", prefix="untilgreen-", suffix=".txt", delete=False) as file:
        file.write(traceback.format_exc())
    return Path(file.name)
