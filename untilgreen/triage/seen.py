"""The first link: what the test saw, said as a claim that the platform's own request log can confirm."""

from __future__ import annotations

from untilgreen.knowledge import Meaning
from untilgreen.model.analysis import Citation
from untilgreen.model.claims import HttpFailure, ServiceDown, SocketClosed, TimedOut
from untilgreen.model.evidence import Request
from untilgreen.triage.frames import short
from untilgreen.triage.scene import Scene
from untilgreen.triage.symptom import Symptom
from untilgreen.triage.whys import Chain, Link, cite

_FIRST = "Why does the test fail?"


def seen(scene: Scene, symptom: Symptom) -> Chain:
    """Return what the test saw, or nothing when it exchanged nothing with a deployed service."""
    if not symptom.service:
        return ()
    if symptom.closed:
        return (_closed(symptom, symptom.closed, scene.knowledge.close_code(symptom.closed)),)
    if symptom.status is not None and not symptom.gave_up:
        return (_answered(symptom, symptom.status, scene.knowledge.status(symptom.status)),)
    return (_silent(symptom),)


def _closed(symptom: Symptom, code: int, known: Meaning) -> Link:
    claim = SocketClosed(service=symptom.service, path=symptom.path, close_code=code)
    answer = f"{symptom.service} closed the WebSocket {symptom.path} with {code}{_says(known)}."
    return Link(claim, _FIRST, answer, _evidence(symptom, str(code)), 0.95)


def _answered(symptom: Symptom, status: int, known: Meaning) -> Link:
    claim = HttpFailure(service=symptom.service, method=symptom.method, path=symptom.path, status=status)
    answer = f"{symptom.service} answered {symptom.method} {symptom.path} with {status}{_says(known)}."
    if not symptom.answered_badly:
        answer = (
            f"{symptom.service} answered {symptom.method} {symptom.path} with {status}, and the test found it wrong."
        )
    return Link(claim, _FIRST, answer, _evidence(symptom, str(status)), 0.95 if symptom.row else 0.7)


def _says(known: Meaning) -> str:
    return f" ({known.meaning})" if known.meaning else ""


def _silent(symptom: Symptom) -> Link:
    """Tell a client that gave up from one that reached nobody."""
    name = short(symptom.case.failure.exception) if symptom.case.failure else ""
    waited = symptom.exchange.latency_ms / 1000 if symptom.exchange else 0.0
    if symptom.gave_up:
        claim = TimedOut(service=symptom.service, path=symptom.path, limit_s=tenth(waited))
        answer = f"{symptom.service} did not answer {symptom.path} within {waited:.1f} s."
        return Link(claim, _FIRST, answer, _evidence(symptom, name), 0.8)
    answer = f"{symptom.service} gave no answer to {symptom.path} ({name or 'no exception was reported'})."
    return Link(ServiceDown(service=symptom.service), _FIRST, answer, _evidence(symptom, name), 0.6)


def tenth(seconds: float) -> float:
    """Round down to a tenth, so that a claim says no more than what was measured."""
    return int(seconds * 10) / 10


def _evidence(symptom: Symptom, word: str) -> tuple[Citation, ...]:
    return (*cite(symptom.case, word), *cite(symptom.row))


def answered(scene: Scene, row: Request, question: str) -> Link:
    """Return the link to an answer that one service gave another."""
    path = scene.paths.template(row.path)
    claim = HttpFailure(service=row.service, method=row.method, path=path, status=row.status)
    answer = f"{row.service}, asked on the same trace, answered {row.method} {path} with {row.status}."
    return Link(claim, question, answer, cite(row))
