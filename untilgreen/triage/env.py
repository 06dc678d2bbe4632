"""Which environment variables a service's source reads, and which of them reach its revision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from untilgreen.deploy.secrets_reads import PLATFORM, Read, reads_in
from untilgreen.model.delivery import Template
from untilgreen.model.evidence import Entry, Revision, Secret, SourceFile
from untilgreen.triage.scene import Scene
from untilgreen.triage.syntax import python_files

_SECRETIVE = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|KEY|CREDENTIAL|DSN", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Lack:
    """A variable that a service reads and its revision does not get.

    Args:
        service: who lacks it.
        name: the variable.
        read: where it is read, if the source shows it.
        witness: what tells that it should be there: the last good revision, a peer's, a log line, a failed check.
        words: what to quote of the witness.
        why: the same in words.
        strength: 0 to 1.
    """

    service: str
    name: str
    read: Read | None
    witness: Revision | Entry | Secret
    words: str
    why: str
    strength: float


def bound(template: Template) -> set[str]:
    """Return the names that a template gives a value."""
    return {*template.env, *(b.env for b in template.secrets)}


def reads(scene: Scene, service: str) -> dict[str, Read]:
    """Return what a service's Python source reads from its environment, by name; the first place of each."""
    key = ("reads", service)
    if key not in scene.memo:
        found: dict[str, Read] = {}
        for read in (r for file in python_files(scene.files(service)) for r in _reads(scene, file)):
            if read.name not in found or (found[read.name].optional and not read.optional):
                found[read.name] = read
        scene.memo[key] = found
    known: dict[str, Read] = scene.memo[key]
    return known


def _reads(scene: Scene, file: SourceFile) -> Iterator[Read]:
    tree = scene.tree(file.path)
    return reads_in(tree, file.path) if tree else iter(())


def lacking(scene: Scene, services: Iterable[str], entries: Iterable[Entry] = ()) -> list[Lack]:
    """Return what services on one trace lack, the surest first.

    A failed check or a refusal of the platform decides; then the last good revision, which had it; then a peer
    that binds the same name as a secret; then a log line that names it.
    """
    services, entries = list(services), list(entries)
    found = [lack for name in services for lack in _of(scene, name, services, entries)]
    return sorted(found, key=lambda lack: (-lack.strength, lack.service, lack.name))


def _of(scene: Scene, service: str, peers: list[str], entries: list[Entry]) -> Iterator[Lack]:
    template = _template(scene.current.get(service))
    read = reads(scene, service)
    unusable = [s for s in scene.bundle.find(Secret) if s.status.service == service and not s.status.usable]
    for secret in sorted(unusable, key=lambda s: s.status.binding.env):
        name = secret.status.binding.env
        yield Lack(service, name, read.get(name), secret, name, f"the check says {secret.status.problem}", 0.95)
    if template is None:
        return
    yield from _refused(scene, service, template)
    for name in sorted(set(read) - bound(template) - PLATFORM):
        if lack := _witnessed(scene, service, read[name], peers, entries):
            yield lack


def _refused(scene: Scene, service: str, template: Template) -> Iterator[Lack]:
    """Go through the secrets that the platform itself did not give to the revision: no check could foresee it."""
    revision = scene.current[service]
    for binding in () if revision.ready else template.secrets:
        words = f"secrets/{binding.secret.rpartition('/')[2]}/"
        if words in revision.message:
            read = reads(scene, service).get(binding.env)
            yield Lack(service, binding.env, read, revision, words, "the platform does not give it the secret", 0.95)


def _witnessed(scene: Scene, service: str, read: Read, peers: list[str], entries: list[Entry]) -> Lack | None:
    name, good = read.name, scene.good.get(service)
    before = _template(good)
    if good and before and name in bound(before):
        return Lack(service, name, read, good, good.name, f"{good.name}, the last good revision, had it", 0.95)
    if before and not _new(scene, read):
        return None  # it was absent when all was well
    for peer in peers:
        revision = scene.current.get(peer)
        template = _template(revision)
        if peer != service and revision and template and name in {b.env for b in template.secrets}:
            return Lack(service, name, read, revision, revision.name, f"{peer} on the same trace is given it", 0.85)
    line = next((e for e in entries if name in e.message), None)
    return Lack(service, name, read, line, name, "a log line of the trace names it", 0.7) if line else None


def _new(scene: Scene, read: Read) -> bool:
    """Tell whether the source reads it only since the last good commit."""
    return any(h.path == read.path and any(read.name in line for line in h.added) for h in scene.hunks)


def _template(revision: Revision | None) -> Template | None:
    return revision.template if revision else None


def shown(name: str, value: str) -> str:
    """Return a setting's value for people; a name that sounds like a secret shows none."""
    return "(not shown)" if _SECRETIVE.search(name) else value
