"""Evidence for triage's tests: services with source and history, and tests that passed or failed against them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Group, Triage
from untilgreen.model.delivery import Exclusion, SecretBinding, Template
from untilgreen.model.document import Window
from untilgreen.model.evidence import (
    Case,
    Commit,
    Coverage,
    Entry,
    HealthSeen,
    Hunk,
    ImageContent,
    Item,
    Manifest,
    Raised,
    Request,
    Revision,
    SourceFile,
    Stream,
)
from untilgreen.model.suite import Exchange, Failure, Frame, Outcome
from untilgreen.triage.step import triage

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=30))
GOOD = "0" * 40


def sha(word: str) -> str:
    """Return a commit's id that a test can name."""
    return hashlib.sha256(word.encode()).hexdigest()[:40]


class World:
    """A repository, its deployment and a test run, made piece by piece."""

    def __init__(self, good: str = GOOD, salt: str = "") -> None:
        self.items: list[Item] = []
        self.roots: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        self.revisions: dict[str, str] = {}
        self._good = good
        self._salt = salt
        self._clock = 0.0
        self._rows = 0

    def service(
        self, name: str, source: dict[str, str] | None = None, *, suffix: str = "00007", **template: Any
    ) -> None:
        """Deploy a service whose build context is `apps/<name>`."""
        ready, message = template.pop("ready", True), template.pop("message", "")
        self.roots[name] = f"apps/{name}"
        self.urls[name] = f"http://127.0.0.1:{9000 + len(self.urls)}"
        self.revisions[name] = f"{name}-{suffix}"
        self.items += [
            SourceFile(commit="c", path=f"apps/{name}/{path}", service=name, content=text)
            for path, text in (source or {}).items()
        ]
        self.items.append(self._revision(name, self.revisions[name], ready=ready, message=message, **template))

    def good(self, name: str, **template: Any) -> None:
        """Say what the last good revision of a service looked like."""
        self.items.append(self._revision(name, f"{name}-00001", ready=True, message="", current=False, **template))

    def _revision(
        self, name: str, revision: str, *, ready: bool, message: str, current: bool = True, **template: Any
    ) -> Revision:
        secrets = tuple(
            SecretBinding(env=env, secret=s.split(":")[0], version=s.partition(":")[2] or "1")
            for env, s in template.pop("secrets", {}).items()
        )
        made = Template(service=name, image="r/i", secrets=secrets, **template)
        return Revision(service=name, name=revision, ready=ready, message=message, template=made, current=current)

    def commit(
        self, subject: str, path: str, *, removed: tuple[str, ...] = (), added: tuple[str, ...] = (), line: int = 1
    ) -> str:
        """Add a commit since the last good one; later calls are newer."""
        self._clock += 1
        at = START - timedelta(days=1) + timedelta(seconds=self._clock)
        self.items.append(Commit(at=at, sha=sha(subject), subject=subject, author="a", files=(path,)))
        self.items.append(Hunk(at=at, commit=sha(subject), path=path, line=line, removed=removed, added=added))
        return sha(subject)

    def trace(self, test: str) -> str:
        """Return the trace of a test."""
        return hashlib.sha256(f"{self._salt}{test}".encode()).hexdigest()[:32]

    def test(
        self,
        name: str,
        service: str,
        path: str,
        status: int | None,
        *,
        method: str = "GET",
        close: int | None = None,
        error: str = "AssertionError",
        message: str = "",
        text: str = "",
        latency: float = 0.02,
        outcome: Outcome = Outcome.FAILED,
        row: bool = True,
        before: tuple[Exchange, ...] = (),
    ) -> str:
        """Run one test with one exchange, and let the platform log its row.

        Returns:
            Its trace.
        """
        self._clock += 1
        seen = Exchange(
            client="httpcore",
            method=method,
            host=self.urls[service].split("//")[1],
            path=path,
            status=status,
            close_code=close,
            latency_ms=latency * 1000,
        )
        frame = Frame(path="e2e/test_it.py", line=10, function=f"test_{name}", source="assert r.status == 200")
        said = message or f"assert {status} == 200"
        failure = Failure(phase="call", exception=error, message=said, frames=(frame,), text=text)
        self.items.append(
            Case(
                at=self.now,
                nodeid=f"e2e/test_it.py::test_{name}",
                outcome=outcome,
                duration_s=latency + 0.1,
                trace=self.trace(name),
                failure=failure if outcome.bad else None,
                exchanges=(*before, seen),
            )
        )
        if row:
            self.row(name, service, path, status or 504, method="GET" if method == "WS" else method, latency=latency)
        return self.trace(name)

    def row(
        self,
        test: str,
        service: str,
        path: str,
        status: int,
        *,
        method: str = "GET",
        latency: float = 0.02,
        revision: str = "",
    ) -> None:
        """Add a row of the request log."""
        self._rows += 1
        self.items.append(
            Request(
                at=self.now,
                service=service,
                revision=revision or self.revisions[service],
                method=method,
                path=path,
                status=status,
                latency_s=latency,
                trace=self.trace(test),
                insert_id=f"{self._salt}r{self._rows:06}",
            )
        )

    def log(
        self,
        service: str,
        message: str,
        *,
        test: str = "",
        severity: str = "ERROR",
        stream: Stream = Stream.STDERR,
        raised: Raised | None = None,
    ) -> None:
        """Add a log entry, on a test's trace or on none."""
        self._rows += 1
        self.items.append(
            Entry(
                at=self.now + timedelta(milliseconds=5),
                service=service,
                revision=self.revisions[service],
                stream=stream,
                severity=severity,
                message=message,
                raised=raised,
                trace=self.trace(test) if test else "",
                insert_id=f"{self._salt}e{self._rows:06}",
                log_name=f"run.googleapis.com/{stream.value}",
            )
        )

    def raises(self, service: str, exception: str, message: str, *places: tuple[str, int, str], test: str = "") -> None:
        """Log a traceback whose frames lie in the service's container; a place is path, line and function."""
        frames = tuple(
            Frame(
                path=f"/srv/{p}" if not p.startswith("/") else p, line=n, function=f, source=self._source(service, p, n)
            )
            for p, n, f in places
        )
        body = "\n".join(f'  File "{f.path}", line {f.line}, in {f.function}\n    {f.source}' for f in frames)
        text = f"request failed\nTraceback (most recent call last):\n{body}\n{exception}: {message}"
        self.log(service, text, test=test, raised=Raised(exception=exception, message=message, frames=frames))

    def _source(self, service: str, path: str, line: int) -> str:
        for item in self.items:
            if isinstance(item, SourceFile) and item.path == f"apps/{service}/{path}":
                return item.content.splitlines()[line - 1].strip()
        return "library code"

    def image(self, service: str, *excluded: tuple[str, str, str, int]) -> None:
        """Say what an image holds: each exclusion is path, rule, rule file and line."""
        kept_out = tuple(Exclusion(path=p, rule=r, rule_file=f, line=n) for p, r, f, n in excluded)
        self.items.append(ImageContent(service=service, digest="sha256:0", commit="c", files=(), excluded=kept_out))

    def health(self, service: str, *, ok: bool) -> None:
        """Add a health check."""
        self.items.append(
            HealthSeen(service=service, url=f"{self.urls[service]}/health", ok=ok, status=200 if ok else 503)
        )

    @property
    def now(self) -> datetime:
        """Return the moment of the last test."""
        return START + timedelta(seconds=self._clock * 10)

    def bundle(self) -> Bundle:
        """Return everything as a completely collected bundle."""
        kinds = ("case", "entry", "request", "revision", "secret", "commit", "hunk", "file", "image", "health", "usage")
        coverage = tuple(
            Coverage(kind=k, subject="*", window=WINDOW, query=f"all {k}", rows=9, complete=True) for k in kinds
        )
        manifest = Manifest(
            loop="l",
            cycle=1,
            commit="c",
            good_commit=self._good,
            window=WINDOW,
            revisions=self.revisions,
            urls=self.urls,
            sources=self.roots,
            coverage=coverage,
            counts={},
            folder="bundle",
        )
        return Bundle(manifest, self.items)

    def triage(self) -> Triage:
        """Run the step."""
        return triage(self.bundle())

    def analysis(self) -> tuple[Group, Analysis]:
        """Return the one group there must be, and its analysis."""
        done = self.triage()
        assert len(done.groups) == 1, [group.key for group in done.groups]
        return done.groups[0], done.analyses[0]


def types(analysis: Analysis) -> list[str]:
    """Return the claim types of a chain, in its order."""
    return [why.claim.type for why in analysis.whys]
