"""JUnit XML becomes cases, whichever runner wrote it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from pathlib import Path

from untilgreen.importing.failures import failure_of, trace_in
from untilgreen.importing.intake import Counting, Intake
from untilgreen.model.evidence import Case
from untilgreen.model.suite import Failure, Outcome
from untilgreen.ports import Redaction

_TRACES = ("trace", "trace_id", "traceid", "traceparent", "x-cloud-trace-context")


def read_junit(file: Path, redaction: Redaction) -> tuple[list[Case], Intake]:
    """Read the test cases of a report.

    Args:
        file: the XML.
        redaction: takes secrets out of what tests printed.
    """
    account = Counting(file)
    found: dict[str, Case] = {}
    promised = 0
    for element in _elements(file, account):
        if element.tag == "testsuite":
            promised += _whole_number(element.get("tests"))
        elif not element.get("name"):
            account.refuse("a test case without a name")
        else:
            case = _case(element, redaction)
            found[case.nodeid] = _worse(found.get(case.nodeid), case)
            account.keep()
    if account.kept < promised and not account.gap:
        account.gap = f"the report says that it has {promised} tests, and holds {account.kept}"
    return list(found.values()), account.done()


def _elements(file: Path, account: Counting) -> Iterator[ET.Element]:
    """Go through suites and cases as their ends come; what was read before a break is kept."""
    try:
        for _, element in ET.iterparse(file, events=("end",)):  # noqa: S314 - expat limits what entities expand to, and fetches nothing
            element.tag = element.tag.rpartition("}")[2]
            if element.tag == "testcase":
                yield element
                element.clear()
            elif element.tag == "testsuite":
                yield element
    except ET.ParseError as error:
        account.gap = f"the XML breaks off: {error}"


def _case(element: ET.Element, redaction: Redaction) -> Case:
    properties = {(p.get("name") or "").lower(): p.get("value") or "" for p in element.iter("property")}
    outcome, failure = _ending(element, properties.get("outcome", ""), redaction)
    said = "\n".join(filter(None, (element.findtext("system-out"), element.findtext("system-err"))))
    named = "\n".join(f"trace={properties[name]}" for name in _TRACES if properties.get(name))
    return Case(
        nodeid=redaction.scrub(_nodeid(element)),
        outcome=outcome,
        duration_s=_seconds(element.get("time")),
        trace=trace_in(named) or trace_in(failure.text if failure else "") or trace_in(said),
        failure=failure,
    )


def _ending(element: ET.Element, told: str, redaction: Redaction) -> tuple[Outcome, Failure | None]:
    """Return how a case ended; a property `outcome`, as our own reports have it, knows more words than JUnit."""
    for tag, outcome in (("failure", Outcome.FAILED), ("error", Outcome.ERROR)):
        if (found := element.find(tag)) is not None:
            message, text = redaction.scrub(found.get("message") or ""), redaction.scrub(found.text or "")
            phase = next((p for p in ("setup", "teardown") if outcome is Outcome.ERROR and p in message), "call")
            return _told(told, outcome), failure_of(text, message, phase, found.get("type") or "")
    if (skipped := element.find("skipped")) is not None:
        expected = "xfail" in (skipped.get("type") or "")
        return _told(told, Outcome.XFAILED if expected else Outcome.SKIPPED), None
    return _told(told, Outcome.PASSED), None


def _told(told: str, otherwise: Outcome) -> Outcome:
    with suppress(ValueError):
        return Outcome(told)
    return otherwise


def _nodeid(element: ET.Element) -> str:
    """Put a node id together as pytest has it, as far as the report tells."""
    name, classname, file = (element.get(key) or "" for key in ("name", "classname", "file"))
    if not file and (path := _path_of(classname)):
        return "::".join([*path, name])
    module = file.removesuffix(".py").replace("/", ".")
    inner = classname.removeprefix(module).strip(".").split(".") if file and classname.startswith(module) else []
    return "::".join(part for part in (file or classname, *inner, name) if part)


def _path_of(classname: str) -> list[str]:
    """Return the file and the classes in a dotted name such as `e2e.test_it.TestLogin`; else nothing."""
    parts = classname.split(".")
    # A class is capitalised, a module is not.
    count = next((n for n, part in enumerate(parts) if n and part[:1].isupper()), len(parts))
    module = parts[count - 1]
    if not (module.startswith("test") or module.endswith("_test")) or not all(part.isidentifier() for part in parts):
        return []
    return ["/".join(parts[:count]) + ".py", *parts[count:]]


def _worse(known: Case | None, case: Case) -> Case:
    """Of two records of one test, such as its call and its teardown, the one that went wrong counts."""
    return known if known and known.outcome.bad and not case.outcome.bad else case


def _seconds(text: str | None) -> float:
    try:
        seconds = float((text or "0").replace(",", ""))
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < inf else 0.0


def _whole_number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def looks_like_junit(beginning: str) -> bool:
    """Tell whether a file begins as XML does."""
    return beginning.lstrip("\ufeff \t\r\n").startswith("<")
