"""Other explanations that come to mind, each with what speaks against it."""

from __future__ import annotations

from untilgreen.model.analysis import Rival
from untilgreen.model.claims import HttpFailure, ResourceExhausted, ServiceDown, StartupFailed
from untilgreen.model.evidence import Entry, Usage
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, cite

_SERVER = 500
_FULL = 0.95


def rivals(scene: Scene, chain: Chain) -> tuple[Rival, ...]:
    """Return the rivals that a reader of the symptoms would name, as far as the evidence speaks against them."""
    return _resources(scene, chain)


def _resources(scene: Scene, chain: Chain) -> tuple[Rival, ...]:
    """Memory comes to mind whenever a service fails; complete logs and samples without a word of it refute it."""
    claims = [link.claim for link in chain]
    if any(isinstance(claim, ResourceExhausted) for claim in claims):
        return ()
    first = claims[0]
    broken = isinstance(first, ServiceDown | StartupFailed) or (
        isinstance(first, HttpFailure) and first.status >= _SERVER
    )
    if not broken or not isinstance(first, ServiceDown | StartupFailed | HttpFailure):
        return ()
    service = first.service
    said = any("emory" in entry.message for entry in scene.platform(service))
    usage = [u for u in scene.bundle.find(Usage, service=service) if u.resource == "memory"]
    looked = scene.bundle.covers(Entry, service) and scene.bundle.covers(Usage, f"{service} memory")
    if said or looked is None or any((u.utilisation or 0.0) >= _FULL for u in usage):
        return ()
    claim = ResourceExhausted(service=service, resource="memory", blocked="request")
    return (Rival(claim=claim, citations=tuple(c for u in usage[:1] for c in cite(u))),)
