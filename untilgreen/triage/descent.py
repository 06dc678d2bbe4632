"""From the service that a test asked to the one where the fault is, along the calls that its trace shows.

Only typed causal edges are followed: an unusual error answer, an exception on the same trace, a wait that most of the
time was spent in, an exception that names the URL whose answer was an error, or whom it could not reach.
How much somebody logs counts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from untilgreen.model.evidence import Case, Request
from untilgreen.triage import fingerprint
from untilgreen.triage.dependency import callee_of, is_network, slow
from untilgreen.triage.errors import Error, Errors
from untilgreen.triage.masking import path_template
from untilgreen.triage.named import answer_named
from untilgreen.triage.scene import Scene
from untilgreen.triage.symptom import Symptom, symptom_of

_BAD = 400
_TIMEOUTS = (408, 499, 504)


@dataclass(frozen=True, slots=True)
class Hop:
    """One service on the way down.

    Args:
        service: its name.
        row: how it answered, if the request log tells.
        error: the exception of its own that explains the failure, if any.
        slow: whether the way led here because the time was spent here.
        named: whether the caller's exception, not the trace, led here.
    """

    service: str
    row: Request | None
    error: Error | None
    slow: bool = False
    named: bool = False


@dataclass(frozen=True, slots=True)
class Descent:
    """A failing test, what it saw, and the way down.

    Args:
        symptom: what the test saw.
        hops: the service asked first, then each that the fault leads to.
    """

    symptom: Symptom
    hops: tuple[Hop, ...]

    @property
    def case(self) -> Case:
        """Return the test."""
        return self.symptom.case

    @property
    def key(self) -> str:
        """Return the fingerprint: the lowest exception, else the lowest answer, else what the client saw."""
        last = self.hops[-1] if self.hops else None
        if last and last.error:
            return fingerprint.of_error(last.error)
        if last and len(self.hops) > 1:
            return _of_hop(last, self.hops[-2].service)
        return fingerprint.of_symptom(self.symptom)


def _of_hop(hop: Hop, caller: str) -> str:
    if hop.row is None:
        return f"{hop.service} unreachable for {caller}"
    path = path_template(hop.row.path)
    return f"{'slow' if hop.slow else hop.row.status} {hop.row.method} {path} at {hop.service}"


def descend(scene: Scene, errors: Errors, case: Case) -> Descent:
    """Go down from a failing test as far as its trace leads."""
    symptom = symptom_of(scene, case)
    if not symptom.service:
        return Descent(symptom, ())
    inner = scene.inner(case)
    hops = [Hop(symptom.service, symptom.row, errors.of(case, symptom.service, symptom.row))]
    while (hop := _next(scene, errors, symptom, hops, inner)) is not None:
        hops.append(hop)
    return Descent(symptom, tuple(hops))


def _next(scene: Scene, errors: Errors, symptom: Symptom, hops: list[Hop], inner: list[Request]) -> Hop | None:
    here, been = hops[-1], {hop.service for hop in hops}
    called = scene.calls.get(here.service, ())
    open_rows = [r for r in inner if r.service not in been and (not called or r.service in called)]
    return (
        _failed(scene, errors, symptom.case, open_rows)
        or _raised(errors, symptom.case, open_rows)
        or _waited(errors, symptom, here, open_rows)
        or _named(scene, errors, symptom.case, here, been)
        or _unanswered(scene, errors, symptom.case, here, been)
    )


def _failed(scene: Scene, errors: Errors, case: Case, rows: list[Request]) -> Hop | None:
    """Follow the first error answer that failing tests get oftener than passing ones."""
    for row in rows:
        if row.status >= _BAD and scene.telling(row):
            left = scene.knowledge.status(row.status).family == "left"
            return Hop(row.service, row, errors.of(case, row.service, row), slow=left)
    return None


def _raised(errors: Errors, case: Case, rows: list[Request]) -> Hop | None:
    for row in rows:
        if error := errors.of(case, row.service, None):
            return Hop(row.service, row, error)
    return None


def _waited(errors: Errors, symptom: Symptom, here: Hop, rows: list[Request]) -> Hop | None:
    """Follow the time when the failure is that it took too long."""
    gave_up = symptom.gave_up or symptom.status in (None, *_TIMEOUTS) or here.slow or _timed_out(here)
    outer = symptom.exchange.latency_ms / 1000 if symptom.exchange else here.row.latency_s if here.row else 0.0
    row = slow(outer, rows) if gave_up else None
    return Hop(row.service, row, errors.of(symptom.case, row.service, row), slow=True) if row else None


def _timed_out(here: Hop) -> bool:
    return here.error is not None and "timeout" in here.error.exception.lower()


def _named(scene: Scene, errors: Errors, case: Case, here: Hop, been: set[str]) -> Hop | None:
    """Follow an exception to what was raised behind the URL that it names: not every caller passes the trace on."""
    row = answer_named(scene, here.error.entry, here.row) if here.error and here.row else None
    error = errors.of(case, row.service, row) if row and row.service not in been else None
    return Hop(error.entry.service, row, error, named=True) if error else None


def _unanswered(scene: Scene, errors: Errors, case: Case, here: Hop, been: set[str]) -> Hop | None:
    """Follow an exception about the network to the deployed service that it names."""
    if here.error is None or not is_network(scene, here.error.entry):
        return None
    callee = callee_of(scene, here.error.entry)
    if callee not in scene.services or callee in been:
        return None
    return Hop(callee, None, errors.of(case, callee, None))
