"""pytest's report log, one JSON record a line, becomes cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

from untilgreen.importing.failures import failure_of, trace_in
from untilgreen.importing.intake import Counting, Intake
from untilgreen.importing.records import records
from untilgreen.model.evidence import Case
from untilgreen.model.suite import Failure, Outcome
from untilgreen.ports import Redaction

_KIND = "$report_type"


def read_report_log(file: Path, redaction: Redaction) -> tuple[list[Case], Intake]:
    """Read what pytest-reportlog wrote.

    Args:
        file: one JSON record a line.
        redaction: takes secrets out of what tests printed.
    """
    account = Counting(file)
    phases: dict[str, list[dict[str, Any]]] = defaultdict(list)
    broken: list[dict[str, Any]] = []
    finished = False
    for record in records(file, account):
        kind = record.get(_KIND)
        if not isinstance(kind, str):
            account.refuse("no record of a report log")
            continue
        account.keep()
        finished = finished or kind == "SessionFinish"
        if kind == "TestReport" and isinstance(record.get("nodeid"), str):
            phases[record["nodeid"]].append(record)
        elif kind == "CollectReport" and record.get("outcome") == "failed":
            broken.append(record)
    if not finished:
        account.gap = account.gap or "the session does not end in it: what came later is not known"
    cases = [_case(nodeid, reports, redaction) for nodeid, reports in phases.items()]
    return [*cases, *(_uncollected(record, redaction) for record in broken)], account.done()


def _case(nodeid: str, reports: list[dict[str, Any]], redaction: Redaction) -> Case:
    """Put the phases of a test's last attempt together."""
    last = reports[max(n for n, report in enumerate(reports) if report.get("when") == "setup" or n == 0) :]
    outcome, decisive = _outcome(last)
    failure = _failure(decisive, redaction) if decisive and outcome.bad else None
    said = "\n".join(_sections(last))
    properties = "\n".join(f"trace={value}" for name, value in _properties(last) if "trace" in name.lower())
    return Case(
        at=_moment(last[0].get("start")),
        nodeid=redaction.scrub(nodeid),
        outcome=outcome,
        duration_s=sum(_seconds(report.get("duration")) for report in last),
        trace=trace_in(properties) or trace_in(failure.text if failure else "") or trace_in(said),
        failure=failure,
    )


def _outcome(reports: list[dict[str, Any]]) -> tuple[Outcome, dict[str, Any] | None]:
    """Return how a test ended, and the phase that decided. One without its teardown is lost: nobody saw its end."""
    for report in reports:
        if report.get("outcome") == "failed":
            return (Outcome.FAILED if report.get("when") == "call" else Outcome.ERROR), report
    for report in reports:
        if "wasxfail" in report and report.get("when") != "teardown":
            return (Outcome.XPASSED if report.get("outcome") == "passed" else Outcome.XFAILED), report
        if report.get("outcome") == "skipped":
            return Outcome.SKIPPED, report
    ended = any(report.get("when") == "teardown" for report in reports)
    return (Outcome.PASSED if ended else Outcome.LOST), None


def _failure(report: dict[str, Any], redaction: Redaction) -> Failure:
    text, message = _longrepr(report.get("longrepr"))
    return failure_of(redaction.scrub(text), redaction.scrub(message), str(report.get("when") or "collect"))


def _longrepr(longrepr: Any) -> tuple[str, str]:
    """Return what pytest printed, and its summary. It is a text, or a chain of tracebacks that holds lines."""
    if not isinstance(longrepr, dict):
        text = longrepr if isinstance(longrepr, str) else ""
        return text, text.strip().split("\n")[0]
    chain = [link for link in longrepr.get("chain") or [] if isinstance(link, list) and link]
    parts = [_printed(link) for link in chain] or [_printed([longrepr.get("reprtraceback"), None, None])]
    crash = longrepr.get("reprcrash")
    return "\n\n".join(parts), str(crash.get("message", "")) if isinstance(crash, dict) else ""


def _printed(link: list[Any]) -> str:
    lines: list[str] = []
    traceback = link[0] if isinstance(link[0], dict) else {}
    for entry in traceback.get("reprentries") or []:
        data = entry.get("data") if isinstance(entry, dict) else None
        if not isinstance(data, dict):
            continue
        lines += [str(line) for line in data.get("lines") or []]
        place = data.get("reprfileloc")
        if isinstance(place, dict):
            lines.append(f"{place.get('path')}:{place.get('lineno')}: {place.get('message')}")
    joint = link[-1] if isinstance(link[-1], str) else ""
    return "\n".join([*lines, *(("", joint) if joint else ())])


def _uncollected(record: dict[str, Any], redaction: Redaction) -> Case:
    """Make an error of a file that could not be collected: its tests vanished, and nobody counts those."""
    text, message = _longrepr(record.get("longrepr"))
    failure = failure_of(redaction.scrub(text), redaction.scrub(message), "setup", "CollectError")
    nodeid = redaction.scrub(str(record.get("nodeid") or "collection"))
    return Case(nodeid=nodeid, outcome=Outcome.ERROR, failure=failure)


def _sections(reports: list[dict[str, Any]]) -> Iterator[str]:
    for report in reports:
        for section in report.get("sections") or []:
            if isinstance(section, list) and len(section) > 1:
                yield str(section[1])


def _properties(reports: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for report in reports:
        for pair in report.get("user_properties") or []:
            if isinstance(pair, list) and len(pair) > 1:
                yield str(pair[0]), str(pair[1])


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < inf else 0.0
