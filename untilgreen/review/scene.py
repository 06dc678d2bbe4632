"""What the queries look at: the revision under test, the tests that failed, and what carries their traces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from untilgreen.collect.bundle import Bundle
from untilgreen.model.evidence import Case, Commit, Entry, GateSeen, Hunk, Request, Revision, SourceFile, Stream
from untilgreen.model.suite import Exchange, Frame, Outcome

Seen = TypeVar("Seen", Entry, Request)
Given = ParamSpec("Given")
Found = TypeVar("Found")

_memory: WeakKeyDictionary[Bundle, dict[tuple[Any, ...], Any]] = WeakKeyDictionary()


def once(query: Callable[Given, Found]) -> Callable[Given, Found]:
    """Ask a bundle only once: with a million entries, each look at all of them takes seconds."""

    @wraps(query)
    def asked(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        bundle: Any = args[0]
        known = _memory.setdefault(bundle, {})
        key = (query.__name__, *args[1:])
        if key not in known:
            known[key] = query(*args, **kwargs)
        found: Found = known[key]
        return found

    return asked


@once
def failed_cases(bundle: Bundle) -> list[Case]:
    """Return the tests that failed, errored or got lost."""
    return [case for case in bundle.find(Case) if case.outcome.bad]


@once
def current(bundle: Bundle, kind: type[Seen], service: str) -> list[Seen]:
    """Return a service's rows from the revision under test; what an older revision did says nothing about this one."""
    return _tested(bundle, service, bundle.find(kind, service=service))


def _tested(bundle: Bundle, service: str, rows: Iterable[Seen]) -> list[Seen]:
    revision = bundle.manifest.revisions.get(service, "")
    return [row for row in rows if not revision or row.revision in (revision, "")]


@once
def saying(bundle: Bundle, service: str, words: str) -> list[Entry]:
    """Return what the revision under test, or the platform about it, logged with these words, whatever their case."""
    return _tested(bundle, service, bundle.find(Entry, service=service, containing=words))


def of_failures(bundle: Bundle, rows: Iterable[Seen]) -> list[Seen]:
    """Keep the rows that a failing test caused, and those that nobody can tell: a passing test may expect a 404."""
    traces = failing_traces(bundle)
    return [row for row in rows if not traces or not row.trace or trace_id(row.trace) in traces]


def of_passes(bundle: Bundle, rows: Iterable[Seen]) -> list[Seen]:
    """Keep the rows that a passing test caused."""
    traces = {trace_id(case.trace) for case in bundle.find(Case) if case.trace and case.outcome is Outcome.PASSED}
    return [row for row in rows if row.trace and trace_id(row.trace) in traces]


@once
def failing_traces(bundle: Bundle) -> frozenset[str]:
    """Return the traces of the tests that failed."""
    return frozenset(trace_id(case.trace) for case in failed_cases(bundle) if case.trace)


def trace_id(trace: str) -> str:
    """Return the bare id: the platform writes it with and without `projects/P/traces/` before it."""
    return trace.rpartition("/")[2]


@once
def platform_says(bundle: Bundle, service: str) -> list[Entry]:
    """Return what the platform itself logged: an application can print the same words, but not into this log."""
    return _tested(bundle, service, bundle.find(Entry, service=service, stream=Stream.SYSTEM))


@once
def application_says(bundle: Bundle, service: str) -> list[Entry]:
    """Return the exceptions that the service's own code logged."""
    return [entry for entry in errors(bundle, service) if entry.stream is not Stream.SYSTEM]


def revision_under_test(bundle: Bundle, service: str) -> Revision | None:
    """Return the revision that this cycle rolled out, ready or not."""
    name = bundle.manifest.revisions.get(service, "")
    found = [r for r in bundle.find(Revision, service=service) if r.current and name in (r.name, "")]
    return found[-1] if found else None


@once
def gate_saw(bundle: Bundle) -> list[GateSeen]:
    """Return for what the image gate refused the rollout; its warnings explain no failure."""
    return [seen for seen in bundle.find(GateSeen) if seen.finding.blocking]


@once
def errors(bundle: Bundle, service: str = "") -> list[Entry]:
    """Return the entries with an exception in them: of all services and revisions, or of one under test."""
    logged = bundle.find(Entry, service=service, raised=True)
    return _tested(bundle, service, logged) if service else logged


@once
def exchanges(bundle: Bundle, service: str) -> list[tuple[Case, Exchange]]:
    """Return what the tests of the bundle exchanged with a service, as the client saw it."""
    host = host_of(bundle, service)
    return [(case, e) for case in bundle.find(Case) for e in case.exchanges if not host or e.host == host]


def host_of(bundle: Bundle, service: str) -> str:
    """Return host:port of a service, or an empty string when its address is not known."""
    host = bundle.manifest.urls.get(service, "").partition("://")[2].partition("/")[0]
    default = {"https": ":443", "http": ":80"}.get(bundle.manifest.urls.get(service, "").partition("://")[0], "")
    return host if ":" in host or not host else host + default


@once
def services(bundle: Bundle) -> frozenset[str]:
    """Return the names of all services that this cycle knows or has seen."""
    manifest = bundle.manifest
    seen = {service for kind in (Entry, Request) for service, _ in bundle.tally(kind, "service")}
    return frozenset({*manifest.sources, *manifest.revisions, *manifest.urls, *seen} - {""})


@once
def standing(bundle: Bundle) -> list[Hunk]:
    """Return the changes since the last good commit of which the tested source still has something.

    What a later commit took back is in no file any more, and broke nothing.
    """
    old = {commit.sha for commit in bundle.find(Commit) if not commit.since_good}
    lines = {file.path: set(file.content.splitlines()) for file in bundle.find(SourceFile)}
    new = [hunk for hunk in bundle.find(Hunk) if hunk.commit not in old]
    return [h for h in new if not h.added or h.path not in lines or not lines[h.path].isdisjoint(h.added)]


def in_file(bundle: Bundle, path: str, frame: Frame) -> bool:
    """Tell whether a frame lies in a file of the repository; inside an image the build context's prefix is gone."""
    inner = [path.removeprefix(f"{root}/") for root in bundle.manifest.sources.values()]
    return any(frame.path == end or frame.path.endswith(f"/{end}") for end in {path, *inner})
