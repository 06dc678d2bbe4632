"""Reports on their way from a worker to the pool.

Most phases pass and have nothing to tell. Those travel as four values, and the pool makes the report of them; all
others travel in the form that pytest and its plugins give them.
"""

from __future__ import annotations

from typing import Any

import pytest

PLAIN = frozenset(vars(pytest.TestReport("", ("", 0, ""), {}, "passed", None, "call")))
"""What every report has. One that has more was given it by a plugin."""


class Packer:
    """Packs reports, in a worker.

    Args:
        config: pytest's.
    """

    def __init__(self, config: Any) -> None:
        self._config = config
        hook = config.hook.pytest_report_to_serializable
        written = [implementation.function.__module__ for implementation in hook.get_hookimpls()]
        self._own = all(module.startswith("_pytest.") for module in written)
        self._item: Any = None
        self._keywords: dict[str, int] = {}

    def begin(self, item: Any) -> None:
        """Remember a test as the pool knows it."""
        self._item, self._keywords = item, dict.fromkeys(item.keywords, 1)

    def pack(self, report: Any) -> Any:
        """Return what JSON can hold."""
        if self._own and self._tells_nothing(report):
            return [report.when, report.duration, getattr(report, "start", 0), getattr(report, "stop", 0)]
        return self._config.hook.pytest_report_to_serializable(config=self._config, report=report)

    def _tells_nothing(self, report: Any) -> bool:
        plain = type(report) is pytest.TestReport and report.outcome == "passed" and report.longrepr is None
        alone = plain and not report.sections and not report.user_properties and report.__dict__.keys() == PLAIN
        same = alone and report.keywords == self._keywords and report.location == self._item.location
        return same and report.nodeid == self._item.nodeid


def unpacked(config: Any, item: Any, packed: list[Any]) -> list[Any]:
    """Return the reports of a test, in the pool.

    Args:
        config: pytest's.
        item: the test. pytest keeps all reports, so they share what they can with it.
        packed: what a worker sent.
    """
    keywords: Any = dict.fromkeys(item.keywords, 1)
    reports = []
    for data in packed:
        if isinstance(data, list):
            when, duration, start, stop = data
            times = {"duration": duration, "start": start, "stop": stop}
            reports.append(pytest.TestReport(item.nodeid, item.location, keywords, "passed", None, when, **times))
        else:
            reports.append(as_made(config.hook.pytest_report_from_serializable(config=config, data=data)))
    return reports


def as_made(report: Any) -> Any:
    """Return a report with the tuples that it was made with: JSON knows only lists, and `-rs` insists."""
    report.location = tuple(report.location)
    if isinstance(report.longrepr, list):  # of a skipped test: path, line, reason
        report.longrepr = tuple(report.longrepr)
    report.sections = [tuple(section) for section in report.sections]
    report.user_properties = [tuple(pair) for pair in report.user_properties]
    return report
