"""The command about proof: what passed tests are worth, and whether they can fail at all."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from untilgreen.commands.options import Json, LoopName, Repo
from untilgreen.commands.output import print_json
from untilgreen.errors import ConfigError, EvidenceIncomplete

if TYPE_CHECKING:
    from untilgreen.ledger import Ledger
    from untilgreen.model.suite import Proof
    from untilgreen.recontrol import Verdicts

SHOWN = 10
"""Tests named a doubt; --json names all."""
VACUOUS_EXIT = 4


def prove(
    loop: LoopName = "",
    repo: Repo = Path(),
    negative: Annotated[
        bool, typer.Option("--negative", help="Run the last cycle's passed tests against a broken service.")
    ] = False,
    everything: Annotated[
        bool,
        typer.Option("--all", help="With --negative: also tests that have not changed since they were last run so."),
    ] = False,
    as_json: Json = False,
) -> NoReturn:
    """Show what the passed tests of a loop's last cycle are worth, or whether they fail when the service does.

    Exit code 4: a test passes whatever the service answers.
    """
    if everything and not negative:
        raise ConfigError("--all belongs to --negative. Name both.")
    ledger, number = _last(repo.resolve(), loop)
    if negative:
        _control(repo.resolve(), ledger, number, anew=everything, as_json=as_json)
    _show(ledger, number, as_json=as_json)


def _show(ledger: Ledger, number: int, *, as_json: bool) -> NoReturn:
    from untilgreen.model.suite import ProofSummary, Reality  # noqa: PLC0415 - keeps --help fast

    summary, proofs = ledger.recall(number, ProofSummary), ledger.proofs(number)
    if summary is None:
        raise EvidenceIncomplete(f"{ledger.folder}: cycle {number} did not come to step prove.")
    if as_json:
        rows = [proof.model_dump(mode="json") for proof in proofs]
        print_json({"loop": ledger.loop_id, "cycle": number, **summary.model_dump(mode="json"), "proofs": rows})
    else:
        counts = ", ".join(f"{count} {reality}" for reality, count in sorted(summary.counts.items()))
        typer.echo(f"{ledger.loop_id}  cycle {number}: {counts or 'nothing passed'}; {summary.controlled} controlled")
        typer.echo("\n".join([*summary.control_notes, *_doubts(proofs)]) or "no doubts")
    raise SystemExit(VACUOUS_EXIT if summary.counts.get(Reality.VACUOUS) else 0)


def _doubts(proofs: list[Proof]) -> list[str]:
    """Name each doubt with its tests, the most frequent first."""
    from untilgreen.prove.doubts import sentence_of  # noqa: PLC0415 - keeps --help fast

    told = []
    raised = [(sentence_of(doubt), doubt, proof.nodeid) for proof in proofs for doubt in proof.doubts]
    for doubt, count in Counter(sentence for sentence, _, _ in raised).most_common():
        names = [f"{nodeid}{whole.removeprefix(doubt)}" for sentence, whole, nodeid in raised if sentence == doubt]
        more = [f"    and {count - SHOWN} more"] if count > SHOWN else []
        told += [f"{count} x {doubt}", *(f"    {name}" for name in names[:SHOWN]), *more]
    return told


def _control(repo: Path, ledger: Ledger, number: int, *, anew: bool, as_json: bool) -> NoReturn:
    from untilgreen.adapters.console import ConsoleNarrator  # noqa: PLC0415 - keeps --help fast
    from untilgreen.recontrol import recontrol  # noqa: PLC0415 - keeps --help fast

    with ConsoleNarrator(sys.stderr) as narrator:
        found = recontrol(repo, ledger, number, narrator, anew=anew)
    if as_json:
        print_json({"loop": ledger.loop_id, "cycle": number, **found.model_dump(mode="json")})
    else:
        typer.echo("\n".join(_verdicts(found)))
    raise SystemExit(VACUOUS_EXIT if found.vacuous else 0)


def _verdicts(found: Verdicts) -> list[str]:
    passes = [f"VACUOUS {name}  passes under {', '.join(why)}" for name, why in found.vacuous.items()]
    known = f"{found.controlled} of {found.passed} passed tests are controlled; {len(passes)} vacuous"
    return [*found.lines, *passes, known, *found.notes]


def _last(repo: Path, name: str) -> tuple[Ledger, int]:
    from untilgreen.ledger import Ledger, loops  # noqa: PLC0415 - keeps --help fast
    from untilgreen.wiring import STATE  # noqa: PLC0415 - keeps --help fast

    ledger = Ledger(repo / STATE, name) if name else next(loops(repo / STATE), None)
    if ledger is None:
        raise ConfigError(f"{repo / STATE}: no loop yet. `untilgreen run` begins one; --repo names another repository.")
    ledger.read()
    cycles = ledger.cycles()
    if not cycles:
        raise EvidenceIncomplete(f"{ledger.folder}: no cycle was opened, so nothing can be proven.")
    return ledger, cycles[-1]
