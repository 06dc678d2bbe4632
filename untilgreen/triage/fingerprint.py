"""What failures of one fault share, in words: no line, no id, no revision, so that it lives from cycle to cycle."""

from __future__ import annotations

from untilgreen.model.evidence import Case
from untilgreen.triage.errors import Error
from untilgreen.triage.frames import short
from untilgreen.triage.masking import first_line, mask
from untilgreen.triage.symptom import Symptom

_MOST = 160


def of_error(error: Error) -> str:
    """Return the key of failures with a server exception: its type and where the product's own code raised it."""
    name, spot = short(error.exception), error.spot
    if spot:
        return f"{name} at {spot.path} {spot.function}"
    message = mask(first_line(error.entry.raised.message if error.entry.raised else ""))[:_MOST]
    return f"{name} in {error.entry.service}: {message}"


def of_symptom(symptom: Symptom) -> str:
    """Return the key of failures that no server exception explains."""
    exchange = symptom.exchange
    if exchange is None and symptom.row is None:
        return of_client(symptom.case)
    place = f" at {symptom.service or mask(exchange.host if exchange else '')}"
    if symptom.closed:
        return f"{symptom.closed} WS {symptom.path}{place}"
    if symptom.answered_badly and symptom.status and not symptom.gave_up:
        return f"{symptom.status} {symptom.method} {symptom.path}{place}"
    name = symptom.case.failure.exception if symptom.case.failure else str(symptom.case.outcome)
    state = f"after {symptom.status}" if symptom.status and not symptom.gave_up else "without an answer to"
    return f"{short(name)} {state} {symptom.method} {symptom.path}{place}"


def of_client(case: Case) -> str:
    """Return the key of failures without any exchange: what the test raised, and where."""
    if case.failure is None:
        return f"{case.outcome} without a report"
    frames = case.failure.frames
    name = short(case.failure.exception)
    if frames and not frames[-1].function.startswith("test"):
        return f"{name} at {frames[-1].path} {frames[-1].function}"
    return f"{name}: {mask(first_line(case.failure.message))[:_MOST]}".removesuffix(": ")
