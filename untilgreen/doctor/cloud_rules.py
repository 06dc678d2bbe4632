"""Rules about credentials, APIs, permissions and secrets. Each reads one part of the facts."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.doctor.facts import ApiProblem, ApiSeen, CloudSeen
from untilgreen.doctor.findings import Remark, Result
from untilgreen.model.secrets import SecretStatus, Severity

_MEND = {
    ApiProblem.PERMISSION: "Grant whoever runs untilgreen {needs}.",
    ApiProblem.DISABLED: "`gcloud services enable {api} --project PROJECT`, then wait a minute.",
    ApiProblem.UNREACHABLE: "Look at the network, a proxy, and cloud.endpoint.",
    ApiProblem.REFUSED: "Correct cloud.project and cloud.region.",
}


def cloud_is_reached(seen: CloudSeen) -> Iterator[Remark]:
    """There are credentials for Google Cloud, or an emulator answers."""
    if seen.error:
        yield Remark(result=Result.PROBLEM, seen=seen.error, advice=_way_in(seen))
    elif seen.endpoint:
        yield Remark(result=Result.OK, seen=f"{seen.target} at {seen.endpoint}, project {seen.project}")
    else:
        who = seen.identity or "an identity that the credentials do not name"
        yield Remark(result=Result.OK, seen=f"{seen.target}, project {seen.project}, as {who}")


def _way_in(seen: CloudSeen) -> str:
    if seen.target == "gcp":
        return "Run `gcloud auth application-default login`, or set cloud.target to emulator."
    if seen.endpoint:
        return "Start it (`untilgreen emulator`), or remove cloud.endpoint so that a loop starts its own."
    return ""  # it was started for this, and its own words say why it ended


def apis_answer(seen: tuple[ApiSeen, ...]) -> Iterator[Remark]:
    """Each API that a loop calls answers, and lets us in."""
    for call in seen:
        if call.problem is None:
            yield Remark(result=Result.OK, seen=f"{call.api} answers")
        else:
            # A permission that a loop can do without is worth a word, not a stop.
            spared = not call.needed and call.problem is ApiProblem.PERMISSION
            yield Remark(
                result=Result.WARNING if spared else Result.PROBLEM,
                seen=f"{call.api}: {call.problem}: {call.message}".rstrip(": "),
                advice=_MEND[call.problem].format(api=call.api, needs=call.needs),
            )


def secrets_are_usable(seen: tuple[SecretStatus, ...]) -> Iterator[Remark]:
    """Each service's runtime account can start with each of its secrets."""
    for status in seen:
        bound = status.binding
        what = f"{status.service} {bound.env} <- {bound.secret}:{bound.version}".removesuffix(" <- :")
        if not status.findings:
            yield Remark(result=Result.OK, seen=what)
        for found in status.findings:
            result = Result.PROBLEM if found.severity is Severity.BLOCKING else Result.WARNING
            # The message says what to do: it comes from whoever asked the platform.
            yield Remark(result=result, seen=f"{what}: {found.problem}", advice=found.message)
    if not seen:
        yield Remark(result=Result.OK, seen="no service binds a secret")
