"""A caller that should have been accepted was refused: by whom, and for lack of what."""

from __future__ import annotations

from dataclasses import dataclass

from untilgreen.model.analysis import Citation
from untilgreen.model.claims import AuthRejected, ConfigMismatch
from untilgreen.model.delivery import SecretBinding
from untilgreen.model.evidence import Entry, Request
from untilgreen.triage.changes import bringing_text, regressed
from untilgreen.triage.defects import secret_links
from untilgreen.triage.env import lacking, reads, shown
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite

REFUSAL = "refusal"
"""The family of statuses by which a service says that it does not accept its caller."""
_LOUD = ("WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not what it was in the last good revision.

    Args:
        service: whose.
        key: an env name or a field of the template.
        before: its value then; empty means unset.
        now: its value now.
        secret: whether the values are names of secrets, which may be shown, and no settings.
    """

    service: str
    key: str
    before: str
    now: str
    secret: bool


def refusal(scene: Scene, row: Request, services: list[str], entries: list[Entry]) -> Link:
    """Return the link that names who refused.

    Args:
        scene: the indexed bundle.
        row: the refusal that no further refusal is behind.
        services: all services on the trace.
        entries: what was logged on the trace.
    """
    path = scene.paths.template(row.path)
    loud = [e for e in entries if e.severity in _LOUD and e.service in (row.service, *services)]
    said = min(loud, key=lambda e: e.service != row.service, default=None)
    # A message may be a whole traceback; who reads the answer wants its first line, and the entry is cited.
    words = f": {said.message.strip().splitlines()[0][:200]}" if said and said.message.strip() else "."
    answer = f"{row.service} refused {row.method} {path} with {row.status}{words}"
    evidence = (*cite(row), *(cite(said) if said else ()))
    claim = AuthRejected(service=row.service, path=path, status=row.status)
    return Link(claim, f"Who refuses with {row.status}?", answer, evidence)


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
    return (_changed(scene, changed[0], question, 0.6), *_brought(scene, changed[0].key, changed[0].now))


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
    if _name(mine) == _name(theirs) or before == _name(mine):
        return False
    return mine.secret == theirs.secret or bool(before)


def _mismatch(scene: Scene, service: str, peer: str, env: str) -> Chain:
    expected, actual = _name(_secrets(scene, peer)[env]), _name(_secrets(scene, service)[env])
    claim = ConfigMismatch(service=service, key=env, expected=expected, actual=actual)
    answer = f"{service} takes {env} from {actual}, {peer} from {expected}."
    revisions = [scene.current.get(service), scene.current.get(peer)]
    evidence: tuple[Citation, ...] = tuple(c for r in revisions for c in cite(r, r.name if r else ""))
    link = Link(claim, "Why is the caller not recognised?", answer, evidence, 0.85)
    return (link, *_brought(scene, env, actual))


def changed_setting(
    scene: Scene, services: list[str], entries: list[Entry], question: str, *, sole: bool = False
) -> Chain:
    """Return the one setting, changed since the last good revision, that a log line of the trace names.

    Args:
        scene: the indexed bundle.
        services: whose settings.
        entries: what was logged: a setting is named by its name or by one of its values.
        question: what it answers.
        sole: accept the only changed setting even if nobody names it, where no source of the service changed.
    """
    said = "\n".join(e.message for e in entries)
    for service in services:
        differing = differences(scene, service)
        named = [d for d in differing if d.key in said or any(v and v in said for v in (d.before, d.now))]
        untouched = not any(h.path.startswith(scene.root(service)) for h in scene.hunks if scene.root(service))
        chosen = named if len(named) == 1 else differing if sole and untouched and len(differing) == 1 else []
        if chosen:
            strength = 0.85 if named else 0.5
            return (_changed(scene, chosen[0], question, strength), *_brought(scene, chosen[0].key, chosen[0].now))
    return ()


def _changed(scene: Scene, found: Difference, question: str, strength: float) -> Link:
    old, new = (v if found.secret else shown(found.key, v) for v in (found.before, found.now))
    claim = ConfigMismatch(service=found.service, key=found.key, expected=old, actual=new)
    answer = f"{found.service} now has {found.key} = {new or 'nothing'}; its last good revision had {old or 'nothing'}."
    current, good = scene.current[found.service], scene.good[found.service]
    return Link(claim, question, answer, (*cite(current, current.name), *cite(good, good.name)), strength)


def _brought(scene: Scene, key: str, value: str) -> Chain:
    paths = {h.path for h in scene.hunks if h.path.endswith((".yaml", ".yml", ".toml", ".json", ".env", ".tf"))}
    hunk = bringing_text(scene, value, paths) if value else None
    hunk = hunk or bringing_text(scene, key, paths)
    question = f"Why does {key} have this value?"
    return (regressed(scene, hunk, question, f"set {key}", value, key),) if hunk else ()


def differences(scene: Scene, service: str) -> list[Difference]:
    """Return what the current template changed. Addresses of services differ by nature and do not count."""
    current, good = scene.current.get(service), scene.good.get(service)
    if not (current and good and current.template and good.template):
        return []
    one, two = _flat(good.template.env, good.template.secrets), _flat(current.template.env, current.template.secrets)
    one |= {"memory": good.template.memory, "port": str(good.template.port), "account": good.template.account}
    two |= {"memory": current.template.memory, "port": str(current.template.port), "account": current.template.account}
    keys = sorted(key for key in {*one, *two} if one.get(key, "") != two.get(key, ""))
    bound = {b.env for b in (*good.template.secrets, *current.template.secrets)}
    found = [Difference(service, key, one.get(key, ""), two.get(key, ""), key in bound) for key in keys]
    return [d for d in found if not _address(scene, d.now)]


def _flat(env: dict[str, str], secrets: tuple[SecretBinding, ...]) -> dict[str, str]:
    return {**env, **{b.env: _name(b) for b in secrets}}


def _address(scene: Scene, value: str) -> bool:
    return any(host in value for host in scene.hosts)


def _secrets(scene: Scene, service: str) -> dict[str, SecretBinding]:
    revision = scene.current.get(service)
    known = reads(scene, service)
    bindings = revision.template.secrets if revision and revision.template else ()
    return {b.env: b for b in bindings if not known or b.env in known}


def _was(scene: Scene, service: str, env: str) -> str:
    good = scene.good.get(service)
    bindings = good.template.secrets if good and good.template else ()
    return next((_name(b) for b in bindings if b.env == env), "")


def _name(binding: SecretBinding) -> str:
    return f"{binding.secret}:{binding.version}"
