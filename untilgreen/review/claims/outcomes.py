"""Claims about the tests themselves."""

from __future__ import annotations

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import DefectiveTest, Flaky
from untilgreen.model.evidence import Case, Coverage
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


def _failed(claim: DefectiveTest, bundle: Bundle) -> list[Case]:
    return [case for case in _executions(claim, bundle) if case.outcome.bad]


def _cases(_claim: DefectiveTest, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Case, "*")


FLAKY = Check(_both, counter=_always_failed)
TEST_DEFECT = Check(_failed, absence=_cases)
UNKNOWN = Check(nothing)
