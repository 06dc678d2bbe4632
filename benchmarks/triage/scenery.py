"""A bundle of any size: a thousand failing tests with ten causes among passing ones, and ever more log around them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from untilgreen.collect.bundle import Bundle
from untilgreen.collect.rows import convert
from untilgreen.model.delivery import Template
from untilgreen.model.document import Window, content_id
from untilgreen.model.evidence import (
    Case,
    Commit,
    Coverage,
    Entry,
    Hunk,
    Item,
    Manifest,
    Request,
    Revision,
    SourceFile,
    kind_of,
)
from untilgreen.model.suite import Exchange, Failure, Frame, Outcome

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
SERVICES = ("gateway", "orders", "accounts", "mail")
CAUSES = 10
POISONED = 4
"""Of ten lines in a row this one tells of a message that fails again and again: much noise, and no cause."""
NOISE = (
    "user {n} did {path} in {m} ms",
    "cache {hex} refreshed, {m} of {n} entries kept",
    "sent mail to user{n}@example.com from 10.0.{m}.7:443",
    "GET https://backend.example/api/items/{n}?page={m} status 200",
    "job {uuid} finished at 2026-03-04T09:{mm}:07.123Z with code 0",
)
"""What services log all day, each with the parts that vary."""


@dataclass(frozen=True)
class Size:
    """How large a bundle is.

    Args:
        entries: log entries, at least one for each failing test.
        failing: tests.
        passing: tests.
    """

    entries: int
    failing: int = 1_000
    passing: int = 2_000

    @property
    def tests(self) -> int:
        """Return how many tests there are."""
        return self.failing + self.passing

    def cause(self, test: int) -> int | None:
        """Return what breaks a test: one of ten causes; None for what passes."""
        return test % CAUSES if test < self.failing else None

    def at(self, test: float) -> datetime:
        """Return when a test runs: they fill an hour, whatever their number."""
        return START + timedelta(seconds=test * 3_600 / self.tests)


def scenery(folder: Path, size: Size) -> Path:
    """Write a bundle of a size."""
    window = Window(start=START, end=START + timedelta(hours=1))
    kinds = (Case, Entry, Request, Revision, Commit, Hunk, SourceFile)
    coverage = tuple(
        Coverage(kind=kind_of(k), subject="*", window=window, query="all", rows=1, complete=True) for k in kinds
    )
    manifest = Manifest(
        loop="bench",
        cycle=1,
        commit="c" * 40,
        good_commit="0" * 40,
        window=window,
        revisions={name: f"{name}-2" for name in SERVICES},
        urls={name: f"http://127.0.0.1:{9000 + n}" for n, name in enumerate(SERVICES)},
        sources={name: f"services/{name}" for name in SERVICES},
        coverage=coverage,
        counts={},
        folder="bundle",
    )
    Bundle(manifest, [*_tests(size), *_product()]).save(folder)
    _write(folder, Entry, _entries(size))
    _write(folder, Request, _requests(size))
    return folder


def main() -> None:
    """Write a bundle: folder, entries, failing and passing tests."""
    folder, *sizes = sys.argv[1:]
    scenery(Path(folder), Size(*map(int, sizes)))


def trace(test: int) -> str:
    """Return a test's trace."""
    return hashlib.sha256(f"test {test}".encode()).hexdigest()[:32]


def _tests(size: Size) -> Iterator[Item]:
    frame = Frame(path="e2e/test_it.py", line=9, function="test_it", source="assert answer.status_code == 200")
    for test in range(size.tests):
        broken = size.cause(test) is not None
        status = 500 if broken else 200
        failure = Failure(phase="call", exception="AssertionError", message=f"assert {status} == 200", frames=(frame,))
        exchange = Exchange(
            client="httpcore", method="GET", host="127.0.0.1:9000", path=f"/things/{test % 50}/{test}", status=status,
            latency_ms=20,
        )  # fmt: skip
        yield Case(
            at=size.at(test),
            nodeid=f"e2e/test_it.py::test_it[{test}]",
            outcome=Outcome.FAILED if broken else Outcome.PASSED,
            duration_s=0.1,
            trace=trace(test),
            failure=failure if broken else None,
            exchanges=(exchange,),
        )


def _product() -> Iterator[Item]:
    """Go through revisions, sources, and a commit for each cause beside fifty that explain nothing."""
    addresses = {f"{name.upper()}_URL": f"http://127.0.0.1:{9000 + n}" for n, name in enumerate(SERVICES) if n}
    for name in SERVICES:
        template = Template(service=name, image="r/i", env=addresses if name == "gateway" else {})
        yield Revision(service=name, name=f"{name}-2", ready=True, template=template)
        for part in range(CAUSES):
            source = "\n".join(f"def step_{n}(thing):\n    return thing['{name}-{part}-{n}']\n" for n in range(40))
            yield SourceFile(commit="c", path=f"services/{name}/part{part}.py", service=name, content=source)
    for number in range(CAUSES + 50):
        sha = hashlib.sha256(f"commit {number}".encode()).hexdigest()[:40]
        path = f"services/{SERVICES[number % 4]}/part{number % CAUSES}.py"
        added = (f"    return thing['{SERVICES[number % 4]}-{number % CAUSES}-{number}']",)
        if number >= CAUSES:
            path, added = f"docs/page{number}.md", ("words",)
        at = START - timedelta(days=1)
        yield Commit(at=at, sha=sha, subject=f"Change {number}", author="a", files=(path,), depth=number)
        yield Hunk(at=START, commit=sha, path=path, line=2 + 3 * number, added=added)


def _entries(size: Size) -> Iterator[dict[str, Any]]:
    """Go through the log in the order of time: half of it on traces of tests, a tenth one fault again and again."""
    rest = size.entries - size.failing
    failed = 0
    for number in range(rest):
        test = number * size.tests // rest
        at, service = size.at(number * size.tests / rest), SERVICES[number % 4]
        while failed < size.failing and failed <= test:
            yield _failed(size, failed)
            failed += 1
        if number % 10 == POISONED:
            text = f"job {number} failed\n{_text('mail', 39, 9)}"
            yield _entry(f"p{number}", at, "mail", text, raised=_raised("mail", 39, 9))
        else:
            yield _entry(f"n{number}", at, service, _noise(number), test=test if number % 2 else None)
    for test in range(failed, size.failing):
        yield _failed(size, test)


def _failed(size: Size, test: int) -> dict[str, Any]:
    why = size.cause(test) or 0
    service = SERVICES[why % 4]
    text = f"request {test} failed\n{_text(service, why, why)}"
    return _entry(f"e{test}", size.at(test), service, text, test=test, raised=_raised(service, why, why))


def _requests(size: Size) -> Iterator[dict[str, Any]]:
    """Go through the request log: each test asks the gateway, and that asks one other service."""
    for test in range(size.tests):
        why = size.cause(test)
        own, called = f"/things/{test % 50}/{test}", SERVICES[(why or 0) % 4]
        for number, (service, path) in enumerate((("gateway", own), (called, f"/do/{why or 0}"))):
            yield {
                "at": _iso(size.at(test) + timedelta(milliseconds=number)),
                "kind": "request",
                "service": service,
                "revision": f"{service}-2",
                "method": "GET",
                "path": path,
                "status": 200 if why is None else 500,
                "latency_s": 0.02,
                "trace": trace(test),
                "insert_id": f"r{test}-{number}",
                "said": "",
            }


def _iso(at: datetime) -> str:
    """Write a time as our documents do: an id is made of every letter."""
    return at.isoformat().replace("+00:00", "Z")


def _noise(number: int) -> str:
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    uuid = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
    words = {
        "n": number,
        "m": number % 250,
        "mm": f"{number % 60:02d}",
        "hex": digest[:16],
        "uuid": uuid,
        "path": f"/api/items/{number}",
    }
    return NOISE[number % len(NOISE)].format(**words)


def _text(service: str, step: int, part: int) -> str:
    path, line = f"/srv/part{part}.py", 2 + 3 * step
    return (
        f'Traceback (most recent call last):\n  File "{path}", line {line}, in step_{step}\n'
        f"    return thing['{service}-{part}-{step}']\nKeyError: '{service}-{part}-{step}'"
    )


def _raised(service: str, step: int, part: int) -> dict[str, Any]:
    name = f"{service}-{part}-{step}"
    line, source = 2 + 3 * step, f"return thing['{name}']"
    frame = {"path": f"/srv/part{part}.py", "line": line, "function": f"step_{step}", "source": source}
    return {"exception": "KeyError", "message": f"'{name}'", "frames": [frame]}


def _entry(
    number: str,
    at: datetime,
    service: str,
    message: str,
    *,
    test: int | None = None,
    raised: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "at": _iso(at),
        "kind": "entry",
        "service": service,
        "revision": f"{service}-2",
        "stream": "stdout",
        "severity": "ERROR" if raised else "INFO",
        "message": message,
        "raised": raised,
        "trace": "" if test is None else trace(test),
        "insert_id": number,
        "log_name": "projects/p/logs/run.googleapis.com%2Fstdout",
    }


def _write(folder: Path, kind: type[Item], rows: Iterator[dict[str, Any]]) -> None:
    """Write rows without making an object of each: the scenery is not what is measured."""
    name = kind_of(kind)
    lines = folder / f"{name}.jsonl"
    with lines.open("w", encoding="utf-8") as out:
        for row in rows:
            text = json.dumps(row, separators=(",", ":"))
            out.write(f'{{"id":"{content_id(name, text)}",{text[1:]}\n')
    convert(lines, folder / f"{name}.parquet", kind)
    lines.unlink()


if __name__ == "__main__":
    main()
