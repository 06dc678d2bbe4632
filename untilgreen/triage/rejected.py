"""A caller that should have been accepted was refused: by whom, and for lack of what."""

from __future__ import annotations

from untilgreen.model.analysis import Citation
from untilgreen.model.claims import AuthRejected, ConfigMismatch
from untilgreen.model.delivery import SecretBinding
from untilgreen.model.evidence import Entry, Request
from untilgreen.triage.defects import secret_links
from untilgreen.triage.env import lacking, reads
from untilgreen.triage.revisions import binding_name, brought_by, changed_link, changed_setting, differences
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite, quote

REFUSAL = "refusal"
"""The family of statuses by which a service says that it does not accept its caller."""
_LOUD = ("WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")


def refusal(scene: Scene, row: Request, services: list[str], entries: list[Entry], *, first: bool = False) -> Link:
    """Return the link that names who refused.

    Args:
        scene: the indexed bundle.
        row: the refusal that no further refusal is behind.
        services: all services on the trace.
        entries: what was logged on the trace.
        first: whether the chain begins with it.
    """
    path = scene.paths.template(row.path)
    loud = [e for e in entries if e.severity in _LOUD and e.service in (row.service, *services)]
    said = min(loud, key=lambda e: e.service != row.service, default=None)
    # A message may be a whole traceback; who reads the answer wants its first line, and the entry is cited.
    words = f": {quote(said)[:200]}" if said and said.message.strip() else "."
    answer = f"{row.service} refused {row.method} {path} with {row.status}{words}"
    evidence = (*cite(row), *(cite(said) if said else ()))
    claim = AuthRejected(service=row.service, path=path, status=row.status)
    return Link(claim, "Why does the test fail?" if first else f"Who refuses with {row.status}?", answer, evidence)


def behind_refusal(scene: Scene, services: list[str], entries: list[Entry]) -> Chain:
    """Return what is missing or unequal among the services on the trace, or nothing when the templates tell nothing."""
    lacks = lacking(scene, services, entries)
    if lacks:
        return secret_links(scene, lacks[0], "Why is the caller not recognised?")
    question = "Why is the caller not recognised?"
    return (
        _unequal(scene, services)
        or changed_setting(scene, services, entries, question)
        or _rotated(scene, services, question)
    )


def _rotated(scene: Scene, services: list[str], question: str) -> Chain:
    """Suspect the one secret that services on the trace share and that is another one since all was well.

    They take the same version of it, so its names tell nothing; what is in it may still be read in two ways.
    """
    shared = {
        env
        for service in services
        for peer in services
        if service != peer
        for env in set(_secrets(scene, service)) & set(_secrets(scene, peer))
    }
    changed = [d for service in services for d in differences(scene, service) if d.secret and d.key in shared]
    if not changed or len({d.key for d in changed}) != 1:
        return ()
    return (changed_link(scene, changed[0], question, 0.6), *brought_by(scene, changed[0].key, changed[0].now))


def _unequal(scene: Scene, services: list[str]) -> Chain:
    """Two services that share a secret must have the same version of it."""
    for service in services:
        for peer in services:
            mine, theirs = _secrets(scene, service), _secrets(scene, peer)
            for env in sorted(set(mine) & set(theirs) if service != peer else ()):
                if _apart(mine[env], theirs[env], _was(scene, service, env)):
                    return _mismatch(scene, service, peer, env)
    return ()


def _apart(mine: SecretBinding, theirs: SecretBinding, before: str) -> bool:
    """Tell whether a binding differs from a peer's by version only, or differs since the last good revision."""
    if binding_name(mine) == binding_name(theirs) or before == binding_name(mine):
        return False
    return mine.secret == theirs.secret or bool(before)


def _mismatch(scene: Scene, service: str, peer: str, env: str) -> Chain:
    expected, actual = binding_name(_secrets(scene, peer)[env]), binding_name(_secrets(scene, service)[env])
    claim = ConfigMismatch(service=service, key=env, expected=expected, actual=actual)
    answer = f"{service} takes {env} from {actual}, {peer} from {expected}."
    revisions = [scene.current.get(service), scene.current.get(peer)]
    evidence: tuple[Citation, ...] = tuple(c for r in revisions for c in cite(r, r.name if r else ""))
    link = Link(claim, "Why is the caller not recognised?", answer, evidence, 0.85)
    return (link, *brought_by(scene, env, actual))


def _secrets(scene: Scene, service: str) -> dict[str, SecretBinding]:
    revision = scene.current.get(service)
    known = reads(scene, service)
    bindings = revision.template.secrets if revision and revision.template else ()
    return {b.env: b for b in bindings if not known or b.env in known}


def _was(scene: Scene, service: str, env: str) -> str:
    good = scene.good.get(service)
    bindings = good.template.secrets if good and good.template else ()
    return next((binding_name(b) for b in bindings if b.env == env), "")
