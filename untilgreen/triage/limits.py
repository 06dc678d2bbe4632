"""A limit that the platform itself says was hit while a request was served, and the setting that made it what it is."""

from __future__ import annotations

from datetime import timedelta

from untilgreen.model.claims import Claim, ResourceExhausted, TimedOut
from untilgreen.model.evidence import Entry, Request
from untilgreen.triage.revisions import changed_setting
from untilgreen.triage.scene import Scene
from untilgreen.triage.seen import tenth
from untilgreen.triage.whys import Chain, Link, cite, sentences

_AFTER = timedelta(seconds=30)
_BEFORE = timedelta(seconds=2)
_QUOTA, _TIME_OUT, _MEMORY = "quota", "time_out", "memory"
_RELATED = {_MEMORY: ("memory",), _QUOTA: ("max_instances", "concurrency"), _TIME_OUT: ("timeout", "cpu")}
"""Which fields of a template make a limit of a sort."""


def limited(scene: Scene, row: Request) -> Chain:
    """Return the link to a limit that was hit, and the one to a changed setting behind it, if there is one."""
    for family, related in _RELATED.items():
        said = _said(scene, row, family)
        if said:
            link = _hit(scene, row, family, said)
            question = f"Why is there so little of it for {row.service}?"
            return (link, *changed_setting(scene, [row.service], (), question, related=related))
    return ()


def _said(scene: Scene, row: Request, family: str) -> Entry | Request | None:
    """Return where the platform says it: beside the request, or in its log while the request was served."""
    if row.said and scene.knowledge.platform_says(row.said, family):
        return row
    if row.at is None or family == _TIME_OUT:
        return None
    start, end = row.at - _BEFORE, row.at + timedelta(seconds=row.latency_s) + _AFTER
    near = [e for e in scene.platform(row.service) if e.at and start <= e.at <= end]
    return next((e for e in near if scene.knowledge.platform_says(e.message, family)), None)


def _hit(scene: Scene, row: Request, family: str, said: Entry | Request) -> Link:
    words = sentences(said.message if isinstance(said, Entry) else said.said, 1)
    question = f"Why does {row.service} fail here?"
    if family == _MEMORY:
        answer = f"The platform killed an instance of {row.service}: {words}"
        return Link(_exhausted(row, "memory"), question, answer, cite(said, "emory"), 0.9)
    if family == _QUOTA:
        answer = f"The platform had no instance of {row.service} for the request: {words}"
        return Link(_exhausted(row, "instances"), question, answer, cite(said), 0.9)
    path = scene.paths.template(row.path)
    claim: Claim = TimedOut(service=row.service, path=path, limit_s=tenth(row.latency_s))
    answer = f"The platform ended {row.method} {path} after {row.latency_s:.1f} s: {words}"
    return Link(claim, question, answer, cite(said), 0.9)


def _exhausted(row: Request, resource: str) -> ResourceExhausted:
    return ResourceExhausted.model_validate({"service": row.service, "resource": resource, "blocked": "request"})
