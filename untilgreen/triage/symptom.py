"""What a failing test saw: the one exchange that its failure is about."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from untilgreen.model.evidence import Case, Request
from untilgreen.model.suite import Exchange
from untilgreen.triage.scene import Scene

_CLOSED_WELL = (None, 1000, 1001, 1005)
_BAD = 400


@dataclass(frozen=True)
class Symptom:
    """A failing test, the exchange it fails about, and the platform's row of it.

    Args:
        case: the test.
        exchange: None when it exchanged nothing.
        service: who was asked, empty when the host is none of the deployed ones.
        row: None when the request log has none.
        path: template of the exchange's path.
    """

    case: Case
    exchange: Exchange | None
    service: str
    row: Request | None
    path: str

    @cached_property
    def status(self) -> int | None:
        """Return the status that the client saw; the platform's own when the client saw none."""
        seen = self.exchange.status if self.exchange else None
        return seen or (self.row.status if self.row else None)

    @property
    def gave_up(self) -> bool:
        """Tell whether the client stopped waiting, whatever the platform answered later."""
        name = self.case.failure.exception if self.case.failure else ""
        return self.exchange is not None and self.exchange.status is None and "timeout" in name.lower()

    @property
    def method(self) -> str:
        """Return the HTTP method, as the platform calls it."""
        if self.row:
            return self.row.method
        method = self.exchange.method if self.exchange else ""
        return "GET" if method == "WS" else method

    @property
    def closed(self) -> int | None:
        """Return the close code of a WebSocket that was closed with an error."""
        code = self.exchange.close_code if self.exchange else None
        return None if code in _CLOSED_WELL else code

    @property
    def answered_badly(self) -> bool:
        """Tell whether the answer itself was an error, or none came."""
        return is_bad(self.exchange) if self.exchange else self.row is not None and self.row.status >= _BAD


def is_bad(exchange: Exchange) -> bool:
    """Tell whether an exchange ended in an error or in nothing."""
    return exchange.status is None or exchange.status >= _BAD or exchange.close_code not in _CLOSED_WELL


def symptom_of(scene: Scene, case: Case) -> Symptom:
    """Return what a test's failure is about."""
    exchange = _blamed(scene, case)
    if exchange is None:
        return _from_rows(scene, case)
    service = scene.hosts.get(exchange.host, "")
    return Symptom(case, exchange, service, scene.row_of(case, exchange), scene.paths.template(exchange.path))


def _from_rows(scene: Scene, case: Case) -> Symptom:
    """Take the platform's word when the client saw nothing: of what the test itself asked, the error that it names."""
    rows = scene.rows(case.trace)
    asked = [row for row in rows if not any(_within(row, other) for other in rows)]
    bad = [row for row in asked if row.status >= _BAD]
    named = [row for row in bad if _says(case, row.status)]
    row = next(reversed(named or bad or asked), None)
    return Symptom(case, None, row.service if row else "", row, scene.paths.template(row.path) if row else "")


def _within(row: Request, other: Request) -> bool:
    """Tell whether a request came while another service worked on one of the same trace, which then is its caller."""
    if row.at is None or other.at is None or row.service == other.service:
        return False
    ends = other.at + timedelta(seconds=other.latency_s)
    return other.at <= row.at <= ends and row.latency_s <= other.latency_s


def _blamed(scene: Scene, case: Case) -> Exchange | None:
    """Choose one that the failure names, else a bad last one, else one whose route answers well in passing tests.

    A test may expect an error on its way, so the mere presence of a 404 blames nothing.
    """
    own = _of_phase(case)
    bad = [x for x in own if is_bad(x)]
    named = [x for x in bad if _names(case, x)]
    if named:
        return named[-1]
    if bad and bad[-1] is own[-1]:
        return bad[-1]
    left = [x for x in bad if _unusual(scene, x)] or own
    return left[-1] if left else None


def _of_phase(case: Case) -> list[Exchange]:
    """Return the exchanges of the phase that failed, if it had any: what a fixture asked is its own affair."""
    phase = case.failure.phase if case.failure else ""
    return [x for x in case.exchanges if x.phase == phase] or list(case.exchanges)


def _names(case: Case, exchange: Exchange) -> bool:
    codes = (exchange.status, exchange.close_code)
    return any(_says(case, code) for code in codes if code and code not in (200, 101))


def _says(case: Case, code: int) -> bool:
    """Tell whether a failure's words name a status or a close code."""
    said = f"{case.failure.message}\n{case.failure.text[-2000:]}" if case.failure else ""
    return re.search(rf"(?<![\w.]){code}(?![\w.])", said) is not None


def _unusual(scene: Scene, exchange: Exchange) -> bool:
    """Tell whether passing tests ask the same and are answered otherwise; what they never ask tells nothing."""
    if exchange.close_code not in _CLOSED_WELL:
        return _oftener(scene, exchange)
    method = "GET" if exchange.method == "WS" else exchange.method
    answers = scene.normal.get((scene.hosts.get(exchange.host, ""), method, scene.paths.template(exchange.path)), ())
    return bool(answers) and exchange.status not in answers


def _oftener(scene: Scene, exchange: Exchange) -> bool:
    """Tell whether failing tests see a WebSocket closed like this oftener than passing ones, who may expect it."""
    if ("closes", "") not in scene.memo:
        scene.memo[("closes", "")] = tuple(
            Counter(end for case in cases for end in {_close(x) for x in case.exchanges})
            for cases in (scene.passed, scene.bad)
        )
    passing, failing = (ends[_close(exchange)] for ends in scene.memo[("closes", "")])
    return bool(passing * max(len(scene.bad), 1) < failing * max(len(scene.passed), 1))


def _close(exchange: Exchange) -> tuple[str, str, int | None]:
    return exchange.host, exchange.path.partition("?")[0], exchange.close_code
