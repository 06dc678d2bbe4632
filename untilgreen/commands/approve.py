"""Commands of an approver: say yes or no, read what was said, make a key."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from untilgreen.commands.ledgers import ledger_of
from untilgreen.commands.options import Json, LoopName, Repo
from untilgreen.commands.output import print_json, say
from untilgreen.errors import ConfigError

if TYPE_CHECKING:
    from untilgreen.approval.answer import Answer
    from untilgreen.approval.request import ApprovalRequest
    from untilgreen.ledger import Ledger

Approver = Annotated[str, typer.Option("--approver", metavar="NAME", help="Your name.")]
Hash = Annotated[str, typer.Option("--hash", help="The hash that you read: refused when it is another one now.")]
Key = Annotated[Path | None, typer.Option("--key", help="File of your key; keys/NAME.pem in our home if left out.")]


def approve(
    loop: LoopName = "",
    repo: Repo = Path(),
    *,
    approver: Approver = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    commit: Annotated[str, typer.Option(help="Use this commit of the repository instead of what is offered.")] = "",
    hash_: Hash = "",
    key: Key = None,
    show: Annotated[bool, typer.Option("--show", help="Only print what waits: causes, verdicts, diffs, hash.")] = False,
    sign: Annotated[bool, typer.Option("--sign", help="Only print a signature, for the form in the UI.")] = False,
    log: Annotated[bool, typer.Option("--log", help="Only print and check the audit log.")] = False,
    new_key: Annotated[str, typer.Option(metavar="NAME", help="Only make a key, for approve.signed_by.")] = "",
    as_json: Json = False,
) -> None:
    """Approve the fixes that a loop waits with; at a terminal it shows them and asks.

    Exactly what was shown is applied: base and diffs are bound by a hash. Every decision goes into the audit log.
    """
    if new_key:
        _make_key(new_key, key, as_json)
    elif log:
        _print_log(ledger_of(repo, loop), as_json)
    elif show:
        _show(ledger_of(repo, loop), as_json)
    else:
        given = {"decision": "approve", "approver": approver, "reason": reason, "commit": commit, "hash": hash_}
        _answer(ledger_of(repo, loop), given, key, only_sign=sign, as_json=as_json)


def reject(
    loop: LoopName = "",
    repo: Repo = Path(),
    *,
    approver: Approver = "",
    reason: Annotated[str, typer.Option(help="Why; needed.")] = "",
    hash_: Hash = "",
    key: Key = None,
    sign: Annotated[bool, typer.Option("--sign", help="Only print a signature, for the form in the UI.")] = False,
    as_json: Json = False,
) -> None:
    """Reject the fixes that a loop waits with: nothing is changed, and the loop ends."""
    given = {"decision": "reject", "approver": approver, "reason": reason, "hash": hash_}
    _answer(ledger_of(repo, loop), given, key, only_sign=sign, as_json=as_json)


def _answer(ledger: Ledger, given: dict[str, str], key: Path | None, *, only_sign: bool, as_json: bool) -> None:
    """Check an answer as the loop will, sign it, and hand it over."""
    from untilgreen.adapters import prefect_server  # noqa: PLC0415 - keeps --help fast
    from untilgreen.adapters.prefect_resume import resume  # noqa: PLC0415 - as above
    from untilgreen.approval.answer import troubles  # noqa: PLC0415 - as above
    from untilgreen.settings.people import Approve  # noqa: PLC0415 - as above
    from untilgreen.signing import signed  # noqa: PLC0415 - as above
    from untilgreen.wiring import verifier  # noqa: PLC0415 - as above

    request = _waiting(ledger)
    answer = _asked(ledger, request, given)
    answer = signed(request, answer.model_copy(update={"hash": answer.hash or request.hash}), key)
    rules = Approve.model_validate(ledger.read().settings["approve"])
    if wrong := troubles(answer, request, rules, verifier()):
        raise ConfigError("; ".join(wrong))
    if only_sign:
        print_json({"signature": answer.signature, "hash": request.hash}) if as_json else typer.echo(answer.signature)
        return
    api = prefect_server.find()
    if not api:
        raise ConfigError("No Prefect server answers. `untilgreen up` starts it; the loop still waits.")
    resume(api, request.flow_run, answer.model_dump())
    _told(request, answer, as_json)


def _told(request: ApprovalRequest, answer: Answer, as_json: bool) -> None:
    said = {"loop": request.loop, "cycle": request.cycle, "hash": request.hash, "decision": answer.decision}
    if as_json:
        print_json({**said, "approver": answer.approver, "reason": answer.reason})
        return
    typer.echo(f"{answer.decision}: {request.loop}/{request.cycle} {request.hash[:19]} by {answer.approver}")
    say("The loop checks it once more and goes on; `untilgreen status` shows how.")


def _asked(ledger: Ledger, request: ApprovalRequest, given: dict[str, str]) -> Answer:
    """Return what the options say, or ask when they leave out who says it and somebody sits there."""
    from untilgreen.approval.answer import Answer  # noqa: PLC0415 - keeps --help fast

    if given["approver"] or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return Answer.model_validate({**given, "way": "command"})
    from untilgreen.adapters.console import asked_here  # noqa: PLC0415 - keeps --help fast

    say(_text(ledger, request))
    return asked_here(request).model_copy(update={"way": "command", "commit": given.get("commit", "")})


def _waiting(ledger: Ledger) -> ApprovalRequest:
    """Return what a loop waits with.

    Raises:
        ConfigError: it waits for nobody, the time is over, or it asks elsewhere.
    """
    from untilgreen.approval.pending import pending  # noqa: PLC0415 - keeps --help fast

    request = pending(ledger)
    if request is None:
        raise ConfigError(f"{ledger.loop_id}: nothing waits for approval. `untilgreen status` shows where it stands.")
    if request.until < datetime.now(UTC):
        raise ConfigError(
            f"{ledger.loop_id}: nobody answered until {request.until:%Y-%m-%d %H:%M:%S} UTC, so nothing was changed. "
            f"`untilgreen resume` asks again."
        )
    if request.place == "terminal":
        raise ConfigError(f"{ledger.loop_id}: it asks in the terminal where it runs. Answer there.")
    return request


def _text(ledger: Ledger, request: ApprovalRequest) -> str:
    from untilgreen.approval.show import WHOLE, describe  # noqa: PLC0415 - keeps --help fast

    cycle = ledger.read_cycle(request.cycle)
    return describe(request, cycle, ledger.read().branch, WHOLE) if cycle else ""


def _show(ledger: Ledger, as_json: bool) -> None:
    request = _waiting(ledger)
    text = _text(ledger, request)
    if as_json:
        print_json({**request.model_dump(mode="json", exclude={"offer"}), "text": text})
    else:
        typer.echo(text)


def _print_log(ledger: Ledger, as_json: bool) -> None:
    """Print the whole log of the repository, and fail when it cannot be believed."""
    from untilgreen.approval.audit import told  # noqa: PLC0415 - keeps --help fast
    from untilgreen.approval.pending import audited  # noqa: PLC0415 - as above

    chain, wrong = audited(ledger)
    if as_json:
        print_json({"records": [r.model_dump(mode="json") for r in chain.records], "broken": wrong})
    else:
        for record in chain.records:
            typer.echo(told(record))
        say(wrong or f"{ledger.audit.file}: {len(chain.records)} records, and every one fits the one before")
    if wrong:
        raise SystemExit(4)


def _make_key(name: str, key: Path | None, as_json: bool) -> None:
    from untilgreen.adapters.signing_keys import new_key  # noqa: PLC0415 - keeps --help fast
    from untilgreen.signing import key_file  # noqa: PLC0415 - as above

    file = (key or key_file(name)).expanduser().resolve()
    public = new_key(file)
    if as_json:
        print_json({"name": name, "file": str(file), "public": public})
        return
    typer.echo(f"approve:\n  signed_by:\n    {name}: {public}")
    say(f"The private half is {file}; never commit it. Put the lines above into untilgreen.yaml.")
