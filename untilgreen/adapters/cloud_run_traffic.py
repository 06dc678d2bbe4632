"""Who shall have which share of a service's traffic, as Cloud Run's traffic targets."""

from __future__ import annotations

from typing import Any

from google.cloud import run_v2

from untilgreen.deploy.canary import TAG

LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
REVISION = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION


def all_to_latest(service: Any) -> list[Any]:
    """Let the latest ready revision have all the traffic; nothing stays pinned."""
    return [run_v2.TrafficTarget(type_=LATEST, percent=100), *_others_tags(service)]


def all_to(service: Any, revision: str) -> list[Any]:
    """Let one revision have all the traffic: as `latest` when it is that anyway, else pinned by its name."""
    names = {_short(service.latest_ready_revision), _short(service.latest_created_revision)}
    if names == {revision}:
        return all_to_latest(service)
    return [run_v2.TrafficTarget(type_=REVISION, revision=revision, percent=100), *_others_tags(service)]


def keep_and_tag(service: Any, revision: str, tag: str) -> list[Any]:
    """Let those who serve now keep their shares by name, and give a new revision a URL of its own without traffic.

    While nobody serves there is nothing to keep, and the new revision gets all the traffic.
    """
    latest = _short(service.latest_ready_revision)
    serving = [(_short(s.revision) or latest, s.percent) for s in service.traffic_statuses if s.percent]
    if not serving:
        return all_to_latest(service)
    return [
        *(run_v2.TrafficTarget(type_=REVISION, revision=name, percent=percent) for name, percent in serving),
        *_others_tags(service),
        run_v2.TrafficTarget(type_=REVISION, revision=revision, percent=0, tag=tag),
    ]


def tagged(service: Any, revision: str, tag: str) -> Any:
    """Give the newest revision its URL again after somebody's change of the traffic took it away.

    Returns:
        The changed service; None when there is nothing to change: it has the URL, it serves, or it is not ready.
    """
    serving_or_tagged = {(t.revision or _short(service.latest_ready_revision)) for t in service.traffic if t.percent}
    serving_or_tagged |= {target.revision for target in service.traffic if target.tag == tag}
    if revision in serving_or_tagged or _short(service.latest_ready_revision) != revision:
        return None
    service.traffic = keep_and_tag(service, revision, tag)
    return service


def _others_tags(service: Any) -> list[Any]:
    """Keep the URLs that others gave to revisions; our own canary's goes."""
    return [
        run_v2.TrafficTarget(type_=target.type_, revision=target.revision, percent=0, tag=target.tag)
        for target in service.traffic
        if target.tag and target.tag != TAG
    ]


def _short(name: str) -> str:
    return str(name).rpartition("/")[2]
