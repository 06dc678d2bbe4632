"""JUnit XML of one cycle, with what JUnit has no word for as properties: trace, reality, attempts."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping

from junitparser import Error, Failure, Properties, Property, Skipped, TestSuite
from junitparser.xunit2 import FlakyError, FlakyFailure, JUnitXml, TestCase

from untilgreen.model.suite import Attempt, Outcome, Proof, Result
from untilgreen.report.text import legible
from untilgreen.suite.outcomes import is_flaky


def render_junit(results: Iterable[Result], proofs: Mapping[str, Proof] | None = None, name: str = "untilgreen") -> str:
    """Return the XML text.

    Args:
        results: one for each collected test.
        proofs: node id -> proof, for the passed tests; a passed one without is `unproven`.
        name: of the suite, for example `cycle 3`.
    """
    suite = TestSuite(legible(name))
    suite.add_testcases([_case(result, (proofs or {}).get(result.nodeid)) for result in results])
    document = JUnitXml("untilgreen")
    document.add_testsuite(suite)
    out = io.BytesIO()
    document.write(out)
    return out.getvalue().decode("utf-8")


def _case(result: Result, proof: Proof | None) -> TestCase:
    path, _, rest = result.nodeid.partition("::")
    *classes, function = rest.split("::") if "[" not in rest else _parts(rest)
    classname = ".".join([path.removesuffix(".py").replace("/", "."), *classes])
    case = TestCase(legible(function or path), legible(classname), sum(a.duration_s for a in result.attempts))
    case.append(_properties(result, proof))  # type: ignore[no-untyped-call] # junitparser has types in part
    if ending := _ending(result):
        case.result = [ending]
    for attempt in result.attempts[:-1] if is_flaky(result) else ():
        if attempt.outcome.bad:
            case.add_interim_result(_interim(attempt))
    return case


def _parts(rest: str) -> list[str]:
    """Split classes from the function; a parameter may hold the separator too."""
    name, bracket, parameters = rest.partition("[")
    *classes, function = name.split("::")
    return [*classes, f"{function}{bracket}{parameters}"]


def _properties(result: Result, proof: Proof | None) -> Properties:
    last = result.last
    values = {
        "outcome": result.outcome.value,
        "attempts": ", ".join(f"{a.number} {a.outcome}" for a in result.attempts),
        "flaky": "true" if is_flaky(result) else "",
        "trace": last.sighting.trace if last and last.sighting else "",
        "reality": proof.reality.value if proof else "unproven" if result.outcome is Outcome.PASSED else "",
        "doubts": "; ".join(proof.doubts) if proof else "",
        "revisions": ", ".join(proof.revisions) if proof else "",
    }
    properties = Properties()  # type: ignore[no-untyped-call] # as above
    for key, value in values.items():
        if value:
            properties.add_property(Property(key, legible(value)))
    return properties


def _ending(result: Result) -> Failure | Error | Skipped | None:
    """Return how it ended. What did not run, or got lost, is never written down as passed."""
    message = legible(_message(result))
    match result.outcome:
        case Outcome.PASSED | Outcome.XPASSED:
            return None
        case Outcome.SKIPPED | Outcome.XFAILED:
            return Skipped(message, result.outcome.value)
        case Outcome.FAILED:
            return _with_text(Failure(message, _exception(result)), result)
    return _with_text(Error(message, _exception(result) or result.outcome.value), result)


def _with_text(ending: Failure | Error, result: Result) -> Failure | Error:
    failure = result.last.failure if result.last else None
    if failure and failure.text:
        ending.text = legible(failure.text)
    return ending


def _interim(attempt: Attempt) -> FlakyFailure | FlakyError:
    kind = FlakyFailure if attempt.outcome is Outcome.FAILED else FlakyError
    failure = attempt.failure
    made = kind(legible(failure.message) if failure else attempt.outcome.value, failure.exception if failure else None)
    made.stack_trace = legible(failure.text) if failure else ""
    return made


def _message(result: Result) -> str:
    failure = result.last.failure if result.last else None
    said = f"{failure.exception}: {failure.message}" if failure else ""
    return said or result.reason or (result.last.skip_reason if result.last else "") or result.outcome.value


def _exception(result: Result) -> str | None:
    failure = result.last.failure if result.last else None
    return failure.exception if failure else None
