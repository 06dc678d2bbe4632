"""What the core asks of the world: our nouns in and out, never a vendor's.

Each port has an adapter under `adapters/` and an in-memory fake in `testing.py`; both pass the same contract tests.
"""

from untilgreen.ports.images import Builder, BuildOrder, Checker, Diagnostic, Registry
from untilgreen.ports.people import Analyst, Courier, Fixer, Narrator
from untilgreen.ports.platform import (
    LogPage,
    LogQuery,
    Logs,
    Metrics,
    Probe,
    Redaction,
    Secrets,
    Services,
    UsagePage,
    UsageSample,
)
from untilgreen.ports.repository import CommitInfo, Harvest, History, LineOrigin, TouchedFile
from untilgreen.ports.suite import NO_PACE, Halt, Pace, StandIns, Suite, SuiteOrder, SuiteOutput, Watcher, never

__all__ = [
    "NO_PACE",
    "Analyst",
    "BuildOrder",
    "Builder",
    "Checker",
    "CommitInfo",
    "Courier",
    "Diagnostic",
    "Fixer",
    "Halt",
    "Harvest",
    "History",
    "LineOrigin",
    "LogPage",
    "LogQuery",
    "Logs",
    "Metrics",
    "Narrator",
    "Pace",
    "Probe",
    "Redaction",
    "Registry",
    "Secrets",
    "Services",
    "StandIns",
    "Suite",
    "SuiteOrder",
    "SuiteOutput",
    "TouchedFile",
    "UsagePage",
    "UsageSample",
    "Watcher",
    "never",
]
