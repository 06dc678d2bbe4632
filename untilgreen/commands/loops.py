"""Commands about a loop: begin one, look at one."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from untilgreen.commands.options import Focus, Json, LoopName, Repo, Revision, TakeOver
from untilgreen.commands.output import new_name, print_json, say
from untilgreen.errors import ConfigError

if TYPE_CHECKING:
    from untilgreen.ledger import Ledger


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's repository is built.")] = Path(".untilgreen/demo"),
    as_json: Json = False,
) -> None:
    """Watch red become proven green: two services, 1000 tests, a history with real faults, all on this machine."""
    from untilgreen.demo import build_story  # noqa: PLC0415 - keeps --help fast

    name = new_name()
    _finish(name, build_story(folder / name, say), as_json, approve="policy")


def run(
    repo: Repo = Path(),
    revision: Revision = "HEAD",
    approve: Annotated[str | None, typer.Option(help="policy, ask or never; instead of the setting.")] = None,
    max_cycles: Annotated[int | None, typer.Option(min=1, max=50, help="Instead of the setting.")] = None,
    *,
    focus: Focus = "",
    take_over: TakeOver = False,
    as_json: Json = False,
) -> None:
    """Go round until everything is proven green, or a rule says stop."""
    if approve not in (None, "policy", "ask", "never"):
        raise ConfigError(f"--approve {approve}: it is policy, ask or never.")
    wanted = {"revision": revision, "approve": approve, "max_cycles": max_cycles, "focus": focus}
    _finish(new_name(), repo, as_json, **wanted, take_over=take_over)


def resume(
    loop: LoopName = "",
    repo: Repo = Path(),
    max_cycles: Annotated[int | None, typer.Option(min=1, max=50, help="Instead of what was asked for.")] = None,
    *,
    take_over: TakeOver = False,
    as_json: Json = False,
) -> None:
    """Go on with a loop that was killed, interrupted, or left by its approver: no finished step is done again.

    Also after a loop has ended for want of a fix or of cycles, when there is a fix now or more cycles are allowed.
    """
    ledger = _ledger(repo, loop)
    found = ledger.read()
    if found.stop == "green":
        raise ConfigError(f"{found.id} is green: there is nothing to go on with. `untilgreen run` begins another loop.")
    asked = {name: value for name, value in found.request.items() if name not in {"repository", "loop"}}
    more = {"max_cycles": max_cycles} if max_cycles else {}
    _finish(found.id, repo, as_json, **{**asked, **more, "take_over": take_over})


def status(loop: LoopName = "", repo: Repo = Path(), as_json: Json = False) -> None:
    """Show where a loop stands, cycle by cycle."""
    from untilgreen.report.brief import summary_lines  # noqa: PLC0415 - keeps --help fast
    from untilgreen.report.document import render_json  # noqa: PLC0415 - keeps --help fast

    ledger = _ledger(repo, loop)
    found = ledger.read()
    if as_json:
        print_json(render_json(found))
        return
    ending = f"{found.stop}: {found.reason}" if found.stop else "not ended"
    typer.echo(f"{found.id}  {ending}")
    for cycle in found.cycles:
        typer.echo("\n".join(summary_lines(cycle)))
    for line in _approvals(ledger):
        typer.echo(line)


def _approvals(ledger: Ledger) -> list[str]:
    """Say what waits for a person, and whether the log of decisions can be believed."""
    from untilgreen.approval.pending import audited, pending  # noqa: PLC0415 - keeps --help fast

    request, (_, wrong) = pending(ledger), audited(ledger)
    waits = [f"waits for approval until {request.until:%Y-%m-%d %H:%M:%S} UTC: `untilgreen approve`"] if request else []
    if request and request.until < datetime.now(UTC):
        waits = [f"nobody answered until {request.until:%Y-%m-%d %H:%M:%S} UTC; nothing was changed"]
    return [*waits, *([f"audit log: {wrong}"] if wrong else [])]


def report(loop: LoopName = "", repo: Repo = Path(), as_json: Json = False) -> None:
    """Write a loop's reports again and print where they are."""
    from untilgreen.report.document import render_json  # noqa: PLC0415 - keeps --help fast
    from untilgreen.report.step import write  # noqa: PLC0415 - keeps --help fast

    ledger = _ledger(repo, loop)
    found = ledger.read()
    files = write(found, ledger.folder / "report", ledger.results, proofs_of=ledger.proofs)
    if as_json:
        print_json(render_json(found))
        return
    for kind, file in files.items():
        typer.echo(f"{kind:<9}{file}")


def _finish(name: str, repo: Path, as_json: bool, **request: object) -> NoReturn:
    """Run a loop, print what came of it, and leave with its exit code."""
    from untilgreen.adapters.console import ConsoleNarrator  # noqa: PLC0415 - keeps --help fast
    from untilgreen.green import exit_code  # noqa: PLC0415 - keeps --help fast
    from untilgreen.launch import run_loop  # noqa: PLC0415 - keeps --help fast
    from untilgreen.report.brief import summary_lines  # noqa: PLC0415 - keeps --help fast
    from untilgreen.report.document import render_json  # noqa: PLC0415 - keeps --help fast

    try:
        with ConsoleNarrator(sys.stderr) as narrator:
            loop = run_loop(narrator, loop=name, repository=str(repo.resolve()), **request)
    except KeyboardInterrupt:
        say(f"untilgreen: interrupted; what had finished is kept. `untilgreen status --repo {repo}` shows it.")
        raise SystemExit(130) from None
    if as_json:
        print_json(render_json(loop))
    else:
        for cycle in loop.cycles:
            typer.echo("\n".join(summary_lines(cycle)))
        typer.echo(f"{loop.stop}: {loop.reason}")
    raise SystemExit(exit_code(loop))


def _ledger(repo: Path, name: str) -> Ledger:
    from untilgreen.ledger import STATE, Ledger, loops  # noqa: PLC0415 - keeps --help fast

    state = repo.resolve() / STATE
    if name:
        return Ledger(state, name)
    newest = next(loops(state), None)
    if newest is None:
        raise ConfigError(f"{state}: no loop yet. `untilgreen run` begins one; --repo names another repository.")
    return newest
