"""The command line. Thin: every command calls one function; heavy imports happen inside the commands."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import uuid4

import typer

if TYPE_CHECKING:
    from untilgreen.ledger import Ledger

from untilgreen import __version__
from untilgreen.errors import ConfigError, UntilgreenError

app = typer.Typer(
    name="untilgreen",
    help="Deploys to Cloud Run, proves that your e2e tests were real, finds the cause, fixes it, "
    "and goes round until everything is green.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Repo = Annotated[Path, typer.Option("--repo", help="The git repository that holds untilgreen.yaml.")]
Name = Annotated[str, typer.Argument(help="A loop's name; the newest when left out.")]


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's repository is built.")] = Path(".untilgreen/demo"),
    as_json: Json = False,
) -> None:
    """Watch red become proven green: two services, 1000 tests, a history with real faults, all on this machine."""
    from untilgreen.demo import build_story  # noqa: PLC0415 - keeps --help fast

    name = _new_name()
    _finish(name, build_story(folder / name, _say), as_json, approve="policy")


@app.command()
def run(
    repo: Repo = Path(),
    revision: Annotated[str, typer.Option(help="Commit, tag or branch to begin with.")] = "HEAD",
    approve: Annotated[str | None, typer.Option(help="policy, ask or never; instead of the setting.")] = None,
    max_cycles: Annotated[int | None, typer.Option(min=1, max=50, help="Instead of the setting.")] = None,
    as_json: Json = False,
) -> None:
    """Go round until everything is proven green, or a rule says stop."""
    if approve not in (None, "policy", "ask", "never"):
        raise ConfigError(f"--approve {approve}: it is policy, ask or never.")
    _finish(_new_name(), repo, as_json, revision=revision, approve=approve, max_cycles=max_cycles)


@app.command()
def status(loop: Name = "", repo: Repo = Path(), as_json: Json = False) -> None:
    """Show where a loop stands, cycle by cycle."""
    from untilgreen.report.brief import summary_lines  # noqa: PLC0415 - keeps --help fast
    from untilgreen.report.document import render_json  # noqa: PLC0415 - keeps --help fast

    found = _ledger(repo, loop).read()
    if as_json:
        _print_json(render_json(found))
        return
    ending = f"{found.stop}: {found.reason}" if found.stop else "not ended"
    typer.echo(f"{found.id}  {ending}")
    for cycle in found.cycles:
        typer.echo("\n".join(summary_lines(cycle)))


@app.command()
def report(loop: Name = "", repo: Repo = Path(), as_json: Json = False) -> None:
    """Write a loop's reports again and print where they are."""
    from untilgreen.report.document import render_json  # noqa: PLC0415 - keeps --help fast
    from untilgreen.report.step import write  # noqa: PLC0415 - keeps --help fast

    ledger = _ledger(repo, loop)
    found = ledger.read()
    files = write(found, ledger.folder / "report", ledger.results, proofs_of=ledger.proofs)
    if as_json:
        _print_json(render_json(found))
        return
    for kind, file in files.items():
        typer.echo(f"{kind:<9}{file}")


@app.command()
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


def _finish(name: str, repo: Path, as_json: bool, **request: object) -> NoReturn:
    """Run a loop, print what came of it, and leave with its exit code."""
    from untilgreen.adapters.console import ConsoleNarrator  # noqa: PLC0415 - keeps --help fast
    from untilgreen.green import exit_code  # noqa: PLC0415 - keeps --help fast
    from untilgreen.launch import run_loop  # noqa: PLC0415 - keeps --help fast
    from untilgreen.report.brief import summary_lines  # noqa: PLC0415 - keeps --help fast
    from untilgreen.report.document import render_json  # noqa: PLC0415 - keeps --help fast

    with ConsoleNarrator(sys.stderr) as narrator:
        loop = run_loop(narrator, loop=name, repository=str(repo.resolve()), **request)
    if as_json:
        _print_json(render_json(loop))
    else:
        for cycle in loop.cycles:
            typer.echo("\n".join(summary_lines(cycle)))
        typer.echo(f"{loop.stop}: {loop.reason}")
    raise SystemExit(exit_code(loop))


def _ledger(repo: Path, name: str) -> Ledger:
    from untilgreen.ledger import Ledger, loops  # noqa: PLC0415 - keeps --help fast
    from untilgreen.wiring import STATE  # noqa: PLC0415 - keeps --help fast

    state = repo.resolve() / STATE
    if name:
        return Ledger(state, name)
    newest = next(loops(state), None)
    if newest is None:
        raise ConfigError(f"{state}: no loop yet. `untilgreen run` begins one; --repo names another repository.")
    return newest


def _new_name() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=1, ensure_ascii=False))


def _sleep_for_ever() -> None:
    import threading  # noqa: PLC0415 - keeps --help fast

    threading.Event().wait()


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
        _say(f"untilgreen: {error}")
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        _say("untilgreen: interrupted; what had finished is kept. `untilgreen status` shows it.")
        raise SystemExit(130) from None
    except Exception as error:  # noqa: BLE001 - the last resort: a defect of ours is a message, too
        _say(
            f"untilgreen: {type(error).__name__}: {error}. A defect of untilgreen; {_keep_traceback()} has the details."
        )
        raise SystemExit(2) from None


def _keep_traceback() -> Path:
    import tempfile  # noqa: PLC0415 - only in a defect
    import traceback  # noqa: PLC0415 - as above

    with tempfile.NamedTemporaryFile("w", prefix="untilgreen-", suffix=".txt", delete=False) as file:
        file.write(traceback.format_exc())
    return Path(file.name)
