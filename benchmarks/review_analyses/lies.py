"""Plausible falsehoods about a fault: what engineers and agents really say, derived from the injected truth.

Each transformation goes through claims that look right and are not. Whatever is true of the fault, or lies on the way
to it, is left out by asking the injector; nothing is tuned to a fault or to the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.faults.outcome import Outcome
from benchmarks.review_analyses.sample import Sample, chain
from benchmarks.review_analyses.truths import Known, known, leaves, symptom
from untilgreen.model.analysis import Analysis
from untilgreen.model.claims import (
    AuthRejected,
    Claim,
    CodeDefect,
    ConfigMismatch,
    ContractBroken,
    DefectiveTest,
    DependencyUnreachable,
    EndpointMissing,
    ErrorRaised,
    FileExcluded,
    Flaky,
    FrontRefused,
    HttpFailure,
    RegressedBy,
    ResourceExhausted,
    SecretApart,
    SecretMissing,
    ServiceDown,
    SettingChanged,
    SocketClosed,
    StartupFailed,
    TimedOut,
)
from untilgreen.model.evidence import Commit, Entry, Hunk, Item, Request, Revision, SourceFile, Stream
from untilgreen.review.routes import masked

_LIMIT_S = 30.0
"""What engineers raise time-outs from."""
_WELL = range(200, 300)


def exhausted(cause: Known) -> Iterator[Claim]:
    """Blame a resource of any service: the commonest wrong theory there is."""
    for service in cause.services:
        for resource in ("memory", "cpu", "instances", "connections", "disk", "quota"):
            yield ResourceExhausted(service=service, resource=resource, blocked="request")  # type: ignore[arg-type]  # a literal in a loop


def deployment_exhausted(cause: Known) -> Iterator[Claim]:
    """Say that the roll-out itself needs more memory."""
    for service in cause.services:
        yield ResourceExhausted(service=service, resource="memory", blocked="deploy")


def too_slow(cause: Known) -> Iterator[Claim]:
    """Blame a time-out of half a minute."""
    for service, path in cause.asked:
        yield TimedOut(service=service, path=path, limit_s=_LIMIT_S)


def unreachable(cause: Known) -> Iterator[Claim]:
    """Blame the network between two services, or to a database that nobody has."""
    for service in cause.services:
        for callee in (*cause.services, "postgres", "redis"):
            if callee != service:
                yield DependencyUnreachable(service=service, callee=callee)


def unbound(cause: Known) -> Iterator[Claim]:
    """Say that a secret is missing which is bound and can be read."""
    for revision in cause.revisions:
        for binding in revision.template.secrets if revision.template else ():
            yield SecretMissing(service=revision.service, env=binding.env)


def invented_secret(cause: Known) -> Iterator[Claim]:
    """Say that a secret is missing of which nobody has heard."""
    for service in cause.services:
        yield SecretMissing(service=service, env="DATABASE_PASSWORD")


def down(cause: Known) -> Iterator[Claim]:
    """Say that a service is down which answers."""
    for service in cause.services:
        if any(row.status in _WELL for row in cause.rows(service)):
            yield ServiceDown(service=service)


def did_not_start(cause: Known) -> Iterator[Claim]:
    """Say that a revision did not start which is ready, one of another cycle, and one that is invented."""
    for revision in cause.outcome.bundle.find(Revision):
        if revision.ready:
            yield StartupFailed(service=revision.service, revision=revision.name)
            yield StartupFailed(service=revision.service, revision=f"{revision.service}-00042-kfz")


def innocent_commit(cause: Known) -> Iterator[Claim]:
    """Blame a decoy: a recent commit that broke nothing."""
    for commit in cause.outcome.bundle.find(Commit):
        if commit.since_good and commit.sha not in cause.guilty:
            yield from (RegressedBy(commit=commit.sha, path=path) for path in commit.files[:1])


def old_commit(cause: Known) -> Iterator[Claim]:
    """Blame a commit with which all was green."""
    for commit in cause.outcome.bundle.find(Commit):
        if not commit.since_good:
            yield from (RegressedBy(commit=commit.sha, path=path) for path in commit.files[:1])


def other_file(cause: Known) -> Iterator[Claim]:
    """Blame the guilty commit for a file that it left alone."""
    for commit in cause.outcome.bundle.find(Commit):
        if commit.sha in cause.guilty:
            untouched = (f.path for f in cause.outcome.bundle.find(SourceFile) if f.path not in commit.files)
            yield from (RegressedBy(commit=commit.sha, path=path) for path in list(untouched)[:2])


def invented_commit(_cause: Known) -> Iterator[Claim]:
    """Blame a commit that does not exist."""
    yield RegressedBy(commit="5eed" * 10, path="untilgreen.yaml")


def innocent_line(cause: Known) -> Iterator[Claim]:
    """Call a line of a decoy defective."""
    for hunk in cause.outcome.bundle.find(Hunk):
        if hunk.commit not in cause.guilty and hunk.added and hunk.path.endswith(".py"):
            yield CodeDefect(path=hunk.path, line=hunk.line, symbol="<module>")


def quiet_line(cause: Known) -> Iterator[Claim]:
    """Call the first function of any file of the failing services defective."""
    for file in cause.outcome.bundle.find(SourceFile):
        line = next((n for n, text in enumerate(file.content.splitlines(), 1) if text.startswith("def ")), 0)
        if line and file.service in cause.services and file.path not in cause.cause.files:
            name = file.content.splitlines()[line - 1].removeprefix("def ").partition("(")[0]
            yield CodeDefect(path=file.path, line=line, symbol=name)


def beyond_the_end(cause: Known) -> Iterator[Claim]:
    """Call a line defective that the tested file does not have."""
    for file in cause.outcome.bundle.find(SourceFile):
        if file.path in cause.cause.files:
            yield CodeDefect(path=file.path, line=len(file.content.splitlines()) + 40, symbol="<module>")


def no_such_file(cause: Known) -> Iterator[Claim]:
    """Call a line defective in a file that the service does not have."""
    for root in sorted(cause.outcome.bundle.manifest.sources.values()):
        yield CodeDefect(path=f"{root}/core/session_pool.py", line=42, symbol="acquire")


def more_memory(cause: Known) -> Iterator[Claim]:
    """Ask for twice the memory: the setting is what is claimed, only nothing says that it must be another."""
    for revision in cause.revisions:
        if revision.template:
            yield ConfigMismatch(
                service=revision.service, key="memory", expected="2Gi", actual=revision.template.memory
            )


def wrong_setting(cause: Known) -> Iterator[Claim]:
    """Say that a setting must have another value than the one with which all was green: a wrong database, say."""
    for revision in cause.revisions:
        for key, value in (revision.template.env if revision.template else {}).items():
            yield ConfigMismatch(service=revision.service, key=key, expected=f"{value}-primary", actual=value)


def wrong_value(cause: Known) -> Iterator[Claim]:
    """Say that a setting has a value that it has not."""
    for revision in cause.revisions:
        for key in revision.template.env if revision.template else {}:
            yield ConfigMismatch(service=revision.service, key=key, expected="postgres", actual="sqlite")
        yield ConfigMismatch(service=revision.service, key="port", expected="8080", actual="3000")


def kept_out(cause: Known) -> Iterator[Claim]:
    """Say that a file is not in the image which is."""
    for file in cause.outcome.bundle.find(SourceFile):
        if file.service in cause.services and file.path.endswith(".py"):
            rules = f"{cause.outcome.bundle.manifest.sources[file.service]}/.dockerignore"
            yield FileExcluded(service=file.service, path=file.path, rule_file=rules, line=3)


def no_route(cause: Known) -> Iterator[Claim]:
    """Say that a route is missing which answers."""
    for service, path in cause.asked:
        methods = {r.method for r in cause.rows(service) if masked(r.path) == path and r.status in _WELL}
        yield from (EndpointMissing(service=service, method=method, path=path) for method in sorted(methods))


def refused_caller(cause: Known) -> Iterator[Claim]:
    """Say that a caller was refused where nobody was."""
    for service, path in cause.asked:
        refused = {r.status for r in cause.rows(service) if masked(r.path) == path}
        yield from (AuthRejected(service=service, path=path, status=s) for s in (401, 403) if s not in refused)


def other_status(cause: Known) -> Iterator[Claim]:
    """Report a status that nobody saw."""
    for service, path in cause.asked:
        seen = {r.status for r in cause.rows(service) if masked(r.path) == path}
        yield from (
            HttpFailure(service=service, method="GET", path=path, status=s) for s in (500, 502, 504) if s not in seen
        )


def other_error(cause: Known) -> Iterator[Claim]:
    """Report an exception that nobody raised."""
    for service in cause.services:
        for exception in ("ModuleNotFoundError", "OutOfMemoryError", "SSLError", "DatabaseError"):
            yield ErrorRaised(service=service, exception=exception)


def other_code(cause: Known) -> Iterator[Claim]:
    """Report a close code that nobody saw."""
    for service, path in cause.sockets:
        yield from (SocketClosed(service=service, path=path, close_code=code) for code in (1001, 1009))


def merely_flaky(cause: Known) -> Iterator[Claim]:
    """Call a test flaky that failed each time."""
    for case in cause.cases:
        if case.earlier and all(attempt.outcome.bad for attempt in case.earlier):
            yield Flaky(nodeid=case.nodeid)


def wrong_test(cause: Known) -> Iterator[Claim]:
    """Blame the test, and name a specification that nobody wrote."""
    for case in cause.cases[:1]:
        yield DefectiveTest(nodeid=case.nodeid, reason="the expected value is outdated")
        yield DefectiveTest(nodeid=case.nodeid, reason="it contradicts the API", specification="docs/api.md:12")


def lost_field(cause: Known) -> Iterator[Claim]:
    """Say that a producer no longer sends what a consumer reads, where nobody complains of it."""
    for producer in cause.services:
        for consumer in cause.services:
            if producer != consumer:
                yield ContractBroken(producer=producer, consumer=consumer, field="tenant_id")


def turned_away(cause: Known) -> Iterator[Claim]:
    """Say that the platform's front end refused what the application itself answered."""
    for service, path in cause.asked:
        for status in sorted({r.status for r in cause.rows(service) if masked(r.path) == path} - set(_WELL)):
            if any(_own(cause, row) for row in cause.rows(service) if (masked(row.path), row.status) == (path, status)):
                yield FrontRefused(service=service, path=path, status=status)


def _own(cause: Known, row: Request) -> bool:
    """Tell whether the application logged on a request's trace: then it had reached it."""
    logged = cause.outcome.bundle.find(Entry, service=row.service, trace=row.trace) if row.trace else []
    return any(entry.stream is not Stream.SYSTEM for entry in logged)


def unchanged_setting(cause: Known) -> Iterator[Claim]:
    """Say that a setting changed which is as it was."""
    for revision in cause.revisions:
        template = revision.template
        for key, value in ({"memory": template.memory, **template.env} if template else {}).items():
            yield SettingChanged(service=revision.service, key=key, before=f"{value}0", after=value)


def apart(cause: Known) -> Iterator[Claim]:
    """Say that a secret's version differs from its peers' where it is the same."""
    for revision in cause.revisions:
        for binding in revision.template.secrets if revision.template else ():
            yield SecretApart(service=revision.service, env=binding.env, version=binding.version)


ENDS: tuple[Callable[[Known], Iterator[Claim]], ...] = (
    exhausted,
    deployment_exhausted,
    unreachable,
    unbound,
    invented_secret,
    innocent_commit,
    old_commit,
    other_file,
    invented_commit,
    innocent_line,
    quiet_line,
    beyond_the_end,
    no_such_file,
    more_memory,
    wrong_setting,
    wrong_value,
    kept_out,
    no_route,
    merely_flaky,
    wrong_test,
    lost_field,
    turned_away,
    unchanged_setting,
    apart,
)
"""Lies about the cause: they stand at the end of a chain that begins with what was really seen."""

STEPS: tuple[Callable[[Known], Iterator[Claim]], ...] = (
    too_slow,
    down,
    did_not_start,
    refused_caller,
    other_status,
    other_error,
    other_code,
)
"""Lies about what happened: they stand before the true cause, which makes them sound right."""

_MOST = 3
"""Lies of one kind about one cause."""


def lies(outcome: Outcome) -> Iterator[Sample]:
    """Make the false analyses of a fault."""
    for cause in known(outcome):
        seen, leaf = symptom(cause), next(leaves(cause), None)
        before = [seen] if seen else []
        for lie in ENDS:
            for claim in _false(cause, lie):
                yield _sample(cause, lie, claim, chain("liar", cause.named, *before, (claim, _shown(cause))))
        for lie in STEPS if leaf else ():
            for claim in _false(cause, lie):
                links = ((claim, _shown(cause)), leaf) if leaf else ()
                yield _sample(cause, lie, claim, chain("liar", cause.named, *links))


def _false(cause: Known, lie: Callable[[Known], Iterator[Claim]]) -> list[Claim]:
    claims = {claim.model_dump_json(): claim for claim in lie(cause) if not cause.mentions(claim)}
    return list(claims.values())[:: max(1, len(claims) // _MOST)][:_MOST]


def _shown(cause: Known) -> list[Item]:
    """Cite what anybody has at hand: the failing test itself."""
    return [*cause.cases[:1]]


def _sample(cause: Known, lie: Callable[[Known], Iterator[Claim]], claim: Claim, analysis: Analysis) -> Sample:
    way = lie.__name__.replace("_", " ")
    return Sample(fault=cause.outcome.fault.id, true=False, way=way, about=(claim.type,), analysis=analysis)
