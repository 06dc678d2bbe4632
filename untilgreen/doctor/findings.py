"""What the doctor says: one finding for each thing that was looked at."""

from __future__ import annotations

from enum import StrEnum

from untilgreen.model.document import Document


class Result(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"  # a loop runs, and somebody may be surprised
    PROBLEM = "problem"  # a loop cannot run or cannot become green
    NOT_CHECKED = "not_checked"  # it could not be looked at; never a pass


class Area(StrEnum):
    """Who has to mend it."""

    PROJECT = "project"  # the repository, its settings, its tests, this machine
    CLOUD = "cloud"  # credentials, APIs, permissions, secrets


class Remark(Document):
    """What a rule says."""

    result: Result
    seen: str
    advice: str = ""
    """What to do; empty when there is nothing to do."""


class Finding(Remark):
    """A remark with the check that it comes from."""

    check: str
    area: Area


class Examination(Document):
    """What the doctor leaves behind."""

    repository: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """Return 0 when all was checked and is no problem, 2 when the project has one, 3 when only the cloud has."""
        bad = (Result.PROBLEM, Result.NOT_CHECKED)
        areas = {finding.area for finding in self.findings if finding.result in bad}
        return (2 if Area.PROJECT in areas else 3) if areas else 0

    def count(self, result: Result) -> int:
        """Return how many checks came out like this."""
        return sum(finding.result is result for finding in self.findings)
