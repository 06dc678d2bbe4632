"""Where the evidence ends: what is known all the same, and which query or request would decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from untilgreen.model.claims import Unknown
from untilgreen.model.evidence import Case, Entry, Repeated, Request
from untilgreen.triage.descent import Descent, Hop
from untilgreen.triage.scene import Scene
from untilgreen.triage.transitions import parting
from untilgreen.triage.whys import Link, cite

_BAD = 400
_REFUSALS = frozenset({"401", "403"})


def open_end(scene: Scene, descent: Descent, hop: Hop, entries: Sequence[Entry]) -> Link:
    """Return the honest last link.

    Args:
        scene: the indexed bundle.
        descent: the failure and the way down.
        hop: the service at which the evidence ends.
        entries: what was logged on the trace.
    """
    known = " ".join(_known(scene, descent, hop, entries))
    missing = tuple(_missing(scene, descent, hop, entries))
    question = f"Why does {hop.service} do so?"
    cited = tuple(c for item in _repeated(scene, descent.hops[0]) for c in cite(item))
    return Link(Unknown(missing=missing), question, f"{known} {_decides(missing)}".strip(), cited, 0.3)


def unknown(*missing: str, question: str = "And why is that?") -> Link:
    """Return the last link where nothing more is known than what is missing."""
    return Link(Unknown(missing=missing), question, _decides(missing), (), 0.3)


def _decides(missing: Sequence[str]) -> str:
    return f"The evidence ends here. This would decide: {'; '.join(missing)}."


def _known(scene: Scene, descent: Descent, hop: Hop, entries: Sequence[Entry]) -> Iterator[str]:
    """Say what speaks for a fault that is always there, or for one that comes and goes."""
    case = descent.case
    if case.earlier and all(attempt.outcome.bad for attempt in case.earlier):
        yield f"The test failed in each of its {len(case.earlier) + 1} attempts on this revision."
    if hop.row and hop.row.status >= _BAD:
        answers = scene.tally[scene.key_of(hop.row)]
        others = sum(count for status, count in answers.items() if status != hop.row.status)
        same = answers[hop.row.status]
        times = "each time it was asked" if not others else f"{same} of the {same + others} times it was asked"
        yield f"It answered {hop.row.status} {times}."
    yield from _again(scene, descent.hops[0])
    if apart := parting(scene, descent):
        yield apart.words
    if hop.row and not _own(hop, entries) and scene.bundle.covers(Entry, hop.service):
        yield f"{hop.service} logged nothing on this trace, and its log was read whole."


def _again(scene: Scene, hop: Hop) -> Iterator[str]:
    """Say how it answered when the loop asked again; a refusal for want of credentials decides nothing."""
    asked = _repeated(scene, hop)
    if not asked or not hop.row:
        return
    times = f"Asked again {len(asked)} times, {hop.service} answered"
    same = sum(item.status == hop.row.status for item in asked)
    others = sorted({str(item.status or "nothing") for item in asked if item.status != hop.row.status})
    if not others:
        yield f"{times} {hop.row.status} each time: it is always so."
    elif not same and not set(others) <= _REFUSALS:
        yield f"{times} {' and '.join(others)}: it comes and goes."


def _repeated(scene: Scene, hop: Hop) -> list[Repeated]:
    if hop.row is None:
        return []
    key = hop.service, hop.row.path.partition("?")[0]
    return [item for item in scene.bundle.find(Repeated) if (item.service, item.path) == key]


def _own(hop: Hop, entries: Sequence[Entry]) -> list[Entry]:
    return [e for e in entries if e.service == hop.service]


def _missing(scene: Scene, descent: Descent, hop: Hop, entries: Sequence[Entry]) -> Iterator[str]:
    complete = scene.bundle.covers(Entry, hop.service) is not None
    if not complete:
        yield f"the complete log of {hop.service}"
    if hop.row is None:
        yield f"a row of this test in the request log of {hop.service}{_filter(descent.case, hop.service)}"
    if not complete and not _own(hop, entries):
        yield f"a log line of {hop.service} with the test's trace{_filter(descent.case, hop.service)}"
    if _repeated(scene, descent.hops[0]):
        yield f"what {hop.service} logs where it answers {hop.row.status if hop.row else 'nothing'}"
        return
    revision = scene.manifest.revisions.get(hop.service, hop.service)
    yield f"the same request, made again of {revision}{_request(scene, hop.row)}"


def _filter(case: Case, service: str) -> str:
    """Return the filter by which anybody can look it up in Cloud Logging."""
    return f' (resource.labels.service_name="{service}" trace:"{case.trace}")' if case.trace else ""


def _request(scene: Scene, row: Request | None) -> str:
    url = scene.manifest.urls.get(row.service, "") if row else ""
    return f" ({row.method} {url}{row.path})" if row else ""
