"""A service that could not get what it asked of another: not there, too slow, or out of memory."""

from __future__ import annotations

import re
from datetime import timedelta

from untilgreen.model.claims import DependencyUnreachable, TimedOut
from untilgreen.model.evidence import Entry, Request, Revision
from untilgreen.triage.frames import last_line
from untilgreen.triage.scene import Scene
from untilgreen.triage.seen import tenth
from untilgreen.triage.whys import Link, cite

_HOST = re.compile(
    r"(?:https?|wss?|grpc|postgres(?:ql)?|redis|mysql|amqp|mongodb)://(?:[^@\s/]*@)?([\w.-]+(?::\d+)?)|\b([\w.-]+:\d{2,5})\b"
)
_CLIENT = re.compile(r"/(?:httpx|httpcore|requests|urllib3?|aiohttp|http)/")
_CLIENT_ERROR = re.compile(r"Connect(?:Error|Timeout)$|ReadTimeout$|ClientConnector|MaxRetryError$|URLError$")
_BEFORE = timedelta(seconds=2)
_SLOW_SHARE = 0.6
SLOW_S = 1.0


def is_network(scene: Scene, entry: Entry) -> bool:
    """Tell whether a logged exception is about reaching something else."""
    raised = entry.raised
    return raised is not None and scene.knowledge.exception_is(raised.exception, raised.message, "network")


def callee_of(scene: Scene, entry: Entry) -> str:
    """Return whom an exception could not reach: a deployed service, or host and port, or nothing."""
    said = f"{entry.message} {entry.raised.message if entry.raised else ''}"
    for host, service in sorted(scene.hosts.items()):
        if service != entry.service and host in said:
            return service
    named = [
        s for s in scene.services if s != entry.service and re.search(rf"(?<![\w/.-]){re.escape(s)}(?![\w/])", said)
    ]
    if len(named) == 1:
        return named[0]
    line = last_line(entry.raised, entry.message) if entry.raised else ""
    hosts = [one or two for one, two in _HOST.findall(f"{line} {entry.raised.message if entry.raised else ''}")]
    return hosts[0] if hosts else _only_callee(scene, entry)


def _only_callee(scene: Scene, entry: Entry) -> str:
    """Take the one service that the caller knows when its HTTP client names nobody, as several clients do."""
    called = scene.calls.get(entry.service, ())
    frames = entry.raised.frames if entry.raised else ()
    name = entry.raised.exception if entry.raised else ""
    by_http = any(_CLIENT.search(frame.path) for frame in frames) or bool(_CLIENT_ERROR.search(name))
    return called[0] if len(called) == 1 and by_http else ""


def unreachable(service: str, callee: str, witness: Entry | Request) -> Link:
    """Return the link to a callee that did not serve its caller."""
    claim = DependencyUnreachable(service=service, callee=callee)
    return Link(
        claim,
        f"What does {service} wait for?",
        f"{service} could not get an answer from {callee}.",
        cite(witness, callee),
        0.85,
    )


def slow(outer: float, inner: list[Request]) -> Request | None:
    """Return the inner request that most of an outer one's time was spent in."""
    longest = max(inner, key=lambda r: (r.latency_s, r.insert_id), default=None)
    return longest if longest and longest.latency_s >= max(SLOW_S, _SLOW_SHARE * outer) else None


def took_long(scene: Scene, row: Request) -> Link:
    """Return the link to a request that took too long."""
    path = scene.paths.template(row.path)
    claim = TimedOut(service=row.service, path=path, limit_s=tenth(row.latency_s))
    answer = f"{row.service} took {row.latency_s:.1f} s for {row.method} {path}."
    if scene.knowledge.status(row.status).family == "left":
        answer = (
            f"{row.service} had not answered {row.method} {path} after {row.latency_s:.1f} s, when its caller left."
        )
    return Link(claim, "Where is the time spent?", answer, cite(row), 0.85)


def exits(scene: Scene, revision: Revision) -> list[Entry]:
    """Return the platform's lines on containers of a revision that ended by themselves, in time order."""
    return [e for e in scene.platform(revision.service) if scene.knowledge.platform_says(e.message, "exit")]


def ended(scene: Scene, revision: Revision, row: Request | None) -> Entry | None:
    """Return the platform's line on the container of a revision that ended by itself while a request was served.

    Of several the last at or before the request was over: what came later explains nothing. Without a row the last.
    """
    found = exits(scene, revision)
    if row and row.at:
        over = row.at + timedelta(seconds=row.latency_s) + _BEFORE
        found = [e for e in found if e.at and e.at <= over]
    return found[-1] if found else None
