"""Claims about the tests themselves."""

from __future__ import annotations

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import DefectiveTest, Flaky
from untilgreen.model.evidence import Case, Coverage, Item, SourceFile
from untilgreen.model.suite import Outcome
from untilgreen.review.judgement import Check, nothing


def _executions(claim: Flaky | DefectiveTest, bundle: Bundle) -> list[Case]:
    return [case for case in bundle.find(Case) if case.nodeid == claim.nodeid]


def _outcomes(cases: list[Case]) -> list[Outcome]:
    """Return how each execution of a test ended; one bundle holds one revision."""
    return [outcome for case in cases for outcome in (*(e.outcome for e in case.earlier), case.outcome)]


def _both(claim: Flaky, bundle: Bundle) -> list[Case]:
    """Find a failure and a pass of one test."""
    seen = _executions(claim, bundle)
    outcomes = _outcomes(seen)
    return seen if Outcome.PASSED in outcomes and any(outcome.bad for outcome in outcomes) else []


def _always_failed(claim: Flaky, bundle: Bundle) -> list[Case]:
    """Find two failures and no pass: one execution alone proves neither."""
    seen = _executions(claim, bundle)
    outcomes = _outcomes(seen)
    return seen if len(outcomes) > 1 and all(outcome.bad for outcome in outcomes) else []


def _failed(claim: DefectiveTest, bundle: Bundle) -> list[Item]:
    """Find the failing test and, where one is named, the specification that it is said to contradict."""
    failed = [case for case in _executions(claim, bundle) if case.outcome.bad]
    path, line = _place(claim)
    written = [file for file in _specification(claim, bundle) if line <= len(file.content.splitlines())]
    return [*failed, *written] if written or not path else []


def _place(claim: DefectiveTest) -> tuple[str, int]:
    path, _, line = claim.specification.rpartition(":")
    return (path, int(line)) if path and line.isdigit() else (claim.specification, 0)


def _specification(claim: DefectiveTest, bundle: Bundle) -> list[SourceFile]:
    return [file for file in bundle.find(SourceFile) if file.path == _place(claim)[0]]


def _not_written(claim: DefectiveTest, bundle: Bundle) -> list[SourceFile]:
    """Find the specification where it has no such line."""
    return [file for file in _specification(claim, bundle) if _place(claim)[1] > len(file.content.splitlines())]


def _server_failed(claim: DefectiveTest, bundle: Bundle) -> list[Case]:
    """Find the test getting a server's error or no answer: whatever it expects, the product did not do its work."""
    failed = [case for case in _executions(claim, bundle) if case.outcome.bad and case.exchanges]
    return [case for case in failed if (case.exchanges[-1].status or _SERVER) >= _SERVER]


_SERVER = 500


def _cases(claim: DefectiveTest, bundle: Bundle) -> Coverage | None:
    return None if _executions(claim, bundle) else bundle.covers(Case, "*")


FLAKY = Check(_both, counter=_always_failed)
TEST_DEFECT = Check(_failed, counter=_server_failed, rebuttal=_not_written, absence=_cases)
UNKNOWN = Check(nothing)
