"""An examination as plain lines."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.doctor.findings import Examination, Finding, Result

_INDENT = " " * 26


def lines(found: Examination) -> Iterator[str]:
    """Yield what was seen, what to do where something is wrong, and the count of each result."""
    for finding in found.findings:
        yield from _finding(finding)
    yield ", ".join(_counted(found.count(result), result) for result in Result)


def _counted(number: int, result: Result) -> str:
    many = "s" if result in (Result.WARNING, Result.PROBLEM) and number != 1 else ""
    return f"{number} {result.value.replace('_', ' ')}{many}"


def _finding(finding: Finding) -> Iterator[str]:
    first, *more = finding.seen.splitlines() or [""]
    yield f"{finding.result.value.replace('_', ' '):<12}{finding.check:<14}{first}"
    yield from (f"{_INDENT}{line}" for line in more)
    yield from (f"{_INDENT}-> {line}" for line in finding.advice.splitlines())
