"""Evidence for the review's tests: two services, one revision each under test, a few seconds of traffic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Citation, Why
from untilgreen.model.claims import Claim
from untilgreen.model.delivery import SecretBinding, SecretProblem, SecretStatus, Template
from untilgreen.model.document import Window
from untilgreen.model.evidence import (
    Case,
    Coverage,
    Entry,
    Item,
    Manifest,
    Raised,
    Request,
    Revision,
    Secret,
    SourceFile,
    Stream,
)
from untilgreen.model.suite import Exchange, Failure, Frame, Outcome

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=5))
ALL = ("case", "entry", "request", "revision", "secret", "commit", "hunk", "file", "image", "usage")


def at(seconds: float) -> datetime:
    """Return a moment of the window."""
    return START + timedelta(seconds=seconds)


def bundle(*items: Item, covered: tuple[str, ...] = (), good: str = "") -> Bundle:
    """Return a bundle; the kinds in `covered` were collected completely."""
    coverage = [
        Coverage(kind=kind, subject="*", window=WINDOW, query=f"all {kind}", rows=7, complete=True) for kind in covered
    ]
    manifest = Manifest(
        loop="loop",
        cycle=1,
        commit="c" * 40,
        good_commit=good,
        window=WINDOW,
        revisions={"web": "web-2", "auth": "auth-2"},
        urls={"web": "http://web.test:8001", "auth": "http://auth.test:8002"},
        sources={"web": "services/web", "auth": "services/auth"},
        coverage=tuple(coverage),
        counts={},
        folder="bundle",
    )
    return Bundle(manifest, items)


_numbers = iter(range(1_000_000))


def request(
    path: str, status: int, seconds: float = 1, trace: str = "", service: str = "web", method: str = "GET"
) -> Request:
    """Return a request row of the revision under test."""
    return Request(
        at=at(seconds),
        service=service,
        revision=f"{service}-2",
        method=method,
        path=path,
        status=status,
        latency_s=0.1,
        trace=trace,
        insert_id=f"r{next(_numbers)}",
    )


def entry(message: str, seconds: float = 1, **more: object) -> Entry:
    """Return a log entry of `web`."""
    facts: dict[str, object] = {
        "at": at(seconds),
        "service": "web",
        "revision": "web-2",
        "stream": Stream.STDERR,
        "severity": "ERROR",
        "message": message,
        "insert_id": f"e{next(_numbers)}",
        "log_name": "run.googleapis.com/stderr",
    }
    return Entry.model_validate(facts | more)


def platform(message: str, seconds: float = 1, service: str = "web") -> Entry:
    """Return what the platform itself logged."""
    return entry(message, seconds, service=service, revision=f"{service}-2", stream=Stream.SYSTEM, log_name="varlog")


def raised(exception: str, path: str, line: int, function: str, **more: object) -> Entry:
    """Return an entry with a traceback that ends at this line."""
    frames = (Frame(path="/lib/server.py", line=9, function="run"), Frame(path=path, line=line, function=function))
    message = f"{exception}: it broke"
    return entry(message, raised=Raised(exception=exception, message="it broke", frames=frames), **more)


def case(nodeid: str, outcome: Outcome = Outcome.FAILED, trace: str = "", *exchanges: Exchange) -> Case:
    """Return a test's execution."""
    failure = Failure(phase="call", exception="AssertionError", message="no") if outcome.bad else None
    return Case(
        at=at(0), nodeid=nodeid, outcome=outcome, duration_s=2, trace=trace, failure=failure, exchanges=exchanges
    )


def exchange(path: str, status: int | None = None, host: str = "web.test:8001", **more: object) -> Exchange:
    """Return what a client saw."""
    facts = {"client": "httpcore", "method": "GET", "host": host, "path": path, "status": status, "latency_ms": 5}
    return Exchange.model_validate(facts | more)


def revision(*, ready: bool = True, current: bool = True, service: str = "web", **template: object) -> Revision:
    """Return a revision: `-2` is under test, `-1` was the last good one."""
    return Revision(
        at=at(0),
        service=service,
        name=f"{service}-{2 if current else 1}",
        ready=ready,
        template=Template.model_validate({"service": service, "image": "registry/web@sha256:0"} | template),
        current=current,
    )


def secret(env: str, problem: SecretProblem | None = None) -> Secret:
    """Return how a binding of `web` was found."""
    binding = SecretBinding(env=env, secret=env.lower().replace("_", "-"), version="1")
    return Secret(at=at(0), status=SecretStatus(service="web", binding=binding, account="a@b", problem=problem))


def source(path: str, content: str, service: str = "web") -> SourceFile:
    """Return a file of the tested commit."""
    return SourceFile(commit="c" * 40, path=path, service=service, content=content)


def chain(*claims: Claim, cases: tuple[str, ...] = (), cite: dict[int, tuple[Citation, ...]] | None = None) -> Analysis:
    """Return an analysis whose whys explain one another in this order."""
    last = len(claims)
    return Analysis(
        id="analysis-1",
        author="somebody",
        group="group-1",
        cases=cases,
        whys=tuple(
            Why(
                number=number,
                question="Why?",
                answer="Because.",
                claim=claim,
                citations=(cite or {}).get(number, ()),
                because=number + 1 if number < last else None,
            )
            for number, claim in enumerate(claims, 1)
        ),
        confidence=0.99,
    )


def quote(item: Item, words: str = "") -> Citation:
    """Cite an item, all of it unless told."""
    return Citation(evidence=item.id, quote=words or item.text[:400])
