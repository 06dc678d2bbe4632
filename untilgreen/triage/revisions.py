"""How a revision under test differs from the last good one of its service, and which difference a failure points at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from untilgreen.model.claims import ConfigMismatch
from untilgreen.model.delivery import SecretBinding, Template
from untilgreen.model.evidence import Entry
from untilgreen.triage.changes import bringing_text, changing_line, regressed
from untilgreen.triage.env import shown
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite

_LEAST = 4
"""A value shorter than this, such as `1` or `on`, stands in every log."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not what it was in the last good revision.

    Args:
        service: whose.
        key: an env name or a field of the template.
        before: its value then; empty means unset.
        now: its value now.
        secret: whether the values are names of secrets, which may be shown, and no settings.
        variable: whether it is a variable of the environment, not a field of the template.
    """

    service: str
    key: str
    before: str
    now: str
    secret: bool
    variable: bool


def changed_setting(
    scene: Scene,
    services: Sequence[str],
    entries: Sequence[Entry],
    question: str,
    *,
    related: Sequence[str] = (),
    sole: bool = False,
) -> Chain:
    """Return the one setting, changed since the last good revision, that a failure points at.

    Args:
        scene: the indexed bundle.
        services: whose settings.
        entries: what was logged: a variable is named by its name or by one of its values.
        question: what it answers.
        related: fields of the template that have to do with this sort of failure: nobody logs their names.
        sole: accept the only changed setting even if nobody names it, where no source of the service changed.
    """
    said = "\n".join(e.message for e in entries)
    for service in services:
        differing = differences(scene, service)
        named = [d for d in differing if _named(d, said)]
        near = [d for d in differing if d.key in related]
        untouched = not any(h.path.startswith(scene.root(service)) for h in scene.hunks if scene.root(service))
        for found, strength in ((named, 0.85), (near, 0.7), (differing if sole and untouched else [], 0.5)):
            if len(found) == 1:
                link = changed_link(scene, found[0], question, strength)
                return (link, *brought_by(scene, found[0].key, found[0].now))
    return ()


def _named(found: Difference, said: str) -> bool:
    """Tell whether words are about a setting; the fields of a template have everyday names, so those tell nothing."""
    words = [found.key] if found.variable else []
    values = [v for v in (found.before, found.now) if len(v) >= _LEAST and found.variable]
    return any(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", said) for word in (*words, *values))


def changed_secret(scene: Scene, service: str, question: str) -> Chain:
    """Return the one secret of a service that is another one, or another version, since all was well."""
    found = [d for d in differences(scene, service) if d.secret]
    if len(found) != 1:
        return ()
    return (changed_link(scene, found[0], question, 0.75), *brought_by(scene, found[0].key, found[0].now))


def wrong_address(scene: Scene, caller: str, callee: str) -> Chain:
    """Return the variable of a caller that has the address of one service where it had another's."""
    addressed = [d for d in differences(scene, caller) if d.variable and _addressee(scene, d.now) == callee]
    if len(addressed) != 1:
        return ()
    link = changed_link(scene, addressed[0], f"Why does {caller} ask {callee}?", 0.85)
    return (link, *brought_by(scene, addressed[0].key, addressed[0].now))


def changed_link(scene: Scene, found: Difference, question: str, strength: float) -> Link:
    """Return the link to a setting that is not what it was."""
    old, new = (v if found.secret else shown(found.key, v) for v in (found.before, found.now))
    claim = ConfigMismatch(service=found.service, key=found.key, expected=old, actual=new)
    answer = f"{found.service} now has {found.key} = {new or 'nothing'}; its last good revision had {old or 'nothing'}."
    current, good = scene.current[found.service], scene.good[found.service]
    return Link(claim, question, answer, (*cite(current, current.name), *cite(good, good.name)), strength)


def brought_by(scene: Scene, key: str, value: str) -> Chain:
    """Return the change of a settings file that gave a setting its value, if one since the last good commit did."""
    paths = {h.path for h in scene.hunks if h.path.endswith((".yaml", ".yml", ".toml", ".json", ".env", ".tf"))}
    hunk = bringing_text(scene, value, paths) if value else None
    hunk = hunk or bringing_text(scene, key, paths) or changing_line(scene, key, paths)
    question = f"Why does {key} have this value?"
    return (regressed(scene, hunk, question, f"set {key}", value, key),) if hunk else ()


def differences(scene: Scene, service: str) -> list[Difference]:
    """Return what the current template changed. Addresses of services differ by nature and do not count."""
    current, good = scene.current.get(service), scene.good.get(service)
    if not (current and good and current.template and good.template):
        return []
    bound = {b.env for b in (*good.template.secrets, *current.template.secrets)}
    found = [
        Difference(service, key, one.get(key, ""), two.get(key, ""), key in bound, variable)
        for one, two, variable in (
            (_variables(good.template), _variables(current.template), True),
            (_own(good.template), _own(current.template), False),
        )
        for key in sorted({*one, *two})
        if one.get(key, "") != two.get(key, "")
    ]
    return [d for d in found if not _same_address(scene, d)]


def _own(template: Template) -> dict[str, str]:
    """Return the template's own fields that somebody may change, by the names that people know them by."""
    own = {"memory": template.memory, "port": str(template.port), "account": template.account}
    return {**own, **template.limits}


def _variables(template: Template) -> dict[str, str]:
    return {**template.env, **{b.env: binding_name(b) for b in template.secrets}}


def _same_address(scene: Scene, found: Difference) -> bool:
    """Tell whether a value is still the address of the same service, as far as that can be known."""
    before, now = _addressee(scene, found.before), _addressee(scene, found.now)
    return bool(now) and before in ("", now) and _path(found.before) == _path(found.now)


def _path(address: str) -> str:
    return urlsplit(address).path.rstrip("/")


def _addressee(scene: Scene, value: str) -> str:
    return next((service for host, service in scene.hosts.items() if host in value), "")


def binding_name(binding: SecretBinding) -> str:
    """Return `secret:version`."""
    return f"{binding.secret}:{binding.version}"
