"""Who really answered: each probe carries a trace, and the platform's own request log names the revision behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from untilgreen.clock import Clock
from untilgreen.model.delivery import HealthCheck, Identity, Served
from untilgreen.model.document import Window
from untilgreen.ports import LogQuery, Logs

SKEW = timedelta(minutes=5)
"""The log's clock is not ours. The window only bounds the reading; rows are found by their trace."""


def identities(
    served: Sequence[Served], checks: Mapping[str, Sequence[HealthCheck]], logs: Logs, patience_s: float, clock: Clock
) -> tuple[Identity, ...]:
    """Look up who answered the good health checks.

    Args:
        served: who should have answered.
        checks: service -> its newest good checks; services without any are left out.
        logs: the platform's log.
        patience_s: how long the log may take to show them.
        clock: tells when the window ends.
    """
    traces = {check.trace: name for name, good in checks.items() for check in good if check.trace}
    moments = [check.at for good in checks.values() for check in good]
    if not traces:
        return tuple(_identity(s, checks[s.service], {}) for s in served if checks.get(s.service))
    window = Window(start=min(moments) - SKEW, end=clock.now() + SKEW)
    services = tuple(dict.fromkeys(traces.values()))
    query = LogQuery(services=services, window=window, traces=tuple(traces), part="requests")
    logs.settled(query, frozenset(traces), patience_s)
    rows = {row.trace: row.revision for row in logs.read(query).requests if traces.get(row.trace) == row.service}
    return tuple(_identity(s, checks[s.service], rows) for s in served if checks.get(s.service))


def doubt(identity: Identity, patience_s: float) -> str:
    """Say why it is not sure that the right revision answered; empty when it is."""
    if identity.proven:
        return ""
    if not identity.answered:
        return (
            f"{identity.service}: IDENTITY_UNPROVEN: within {patience_s:g} s the request log does not show who "
            f"answered the health check with trace {identity.trace or '(none)'}"
        )
    return (
        f"{identity.service}: OTHER_REVISION_ANSWERS: {identity.answered} answered the health check, "
        f"{identity.expected or 'no revision'} was deployed"
    )


def _identity(served: Served, checks: Sequence[HealthCheck], rows: Mapping[str, str]) -> Identity:
    """Take the check that speaks most against it: one that another revision answered, or that nobody logged."""
    answers = [(check.trace, rows.get(check.trace, "")) for check in checks]
    wrong = [answer for answer in answers if answer[1] != served.revision]
    trace, answered = max(wrong, key=lambda answer: bool(answer[1]), default=answers[-1])
    return Identity(service=served.service, trace=trace, expected=served.revision, answered=answered)
