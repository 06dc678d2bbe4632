"""A revision that never became ready: what its start-up raised, and which artefact made it so."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

from untilgreen.model.claims import CodeDefect, ConfigMismatch, FileExcluded, ServiceDown, StartupFailed, Unknown
from untilgreen.model.delivery import Exclusion
from untilgreen.model.evidence import Entry, HealthSeen, Hunk, ImageContent, Request, Revision
from untilgreen.triage.beneath import requirements
from untilgreen.triage.changes import bringing_text, regressed, removing_text
from untilgreen.triage.defects import cause_of, raised_link, secret_links
from untilgreen.triage.dependency import exits
from untilgreen.triage.env import lacking
from untilgreen.triage.errors import Error, Errors
from untilgreen.triage.revisions import changed_setting
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite, sentences

_MODULE = re.compile(
    r"No module named ['\"]([\w.]+)['\"]"
    r"|cannot import name ['\"](\w+)['\"] from (?:partially initialized module )?['\"]([\w.]+)['\"]"
)
_LISTENS = re.compile(
    r"(?:listen|running|serving|started|bound|server)[^\n]{0,60}?(?::|\bport\W{0,3})(\d{2,5})(?![\d.:])", re.IGNORECASE
)
_SERVER = 500


def incident(scene: Scene, errors: Errors, revision: Revision) -> Chain:
    """Return the chain behind a revision that is not ready."""
    return (*_down(scene, revision), _failed(scene, revision), *behind(scene, errors, revision))


def _down(scene: Scene, revision: Revision) -> Chain:
    """Say that nothing works only where something was asked and nothing answered well."""
    service = revision.service
    health = scene.bundle.find(HealthSeen, service=service)
    rows = scene.bundle.find(Request, service=service)
    broken = [r for r in rows if r.status >= _SERVER]
    if any(h.ok for h in health) or any(r.status < _SERVER for r in rows) or not (health or broken):
        return ()
    witness = broken[0] if broken else health[0]
    return (
        Link(
            ServiceDown(service=service),
            "Why do the tests fail?",
            f"Nothing that works answers for {service}.",
            cite(witness),
            0.95,
        ),
    )


def _failed(scene: Scene, revision: Revision) -> Link:
    claim = StartupFailed(service=revision.service, revision=revision.name)
    said = [e for e in scene.platform(revision.service) if e.revision == revision.name]
    told = sentences(revision.message, 1) or revision.reason or "the platform gives no reason"
    answer = f"{revision.name} never became ready: {told}"
    evidence = (*cite(revision, revision.message[:80]), *cite(said[-1] if said else None))
    return Link(claim, f"Why is the new revision of {revision.service} not there?", answer[:1000], evidence, 0.95)


def behind(scene: Scene, errors: Errors, revision: Revision, until: datetime | None = None) -> Chain:
    """Return the links behind a failed start-up: a traceback, a secret, the port, or a changed setting.

    Args:
        scene: the indexed bundle.
        errors: its exceptions.
        revision: the one that did not start, or ended.
        until: when it ended; what was logged later does not count.
    """
    logged = [e for e in scene.logged(revision.service, revision.name) if not (until and e.at and e.at > until)]
    fatal = _fatal(scene, errors, revision, logged)
    if fatal:
        error = Error(fatal, errors.spot(fatal), 0.9)
        return (raised_link(error, "Why did it not start?"), *_behind_error(scene, error))
    lacks = [x for x in lacking(scene, [revision.service], logged) if x.name in revision.message or x.strength > 0.9]  # noqa: PLR2004 - only what a check or the last good revision proves
    if lacks:
        return secret_links(scene, lacks[0], "Why did it not start?")
    return (
        _port(scene, revision, logged)
        or changed_setting(scene, [revision.service], logged, "Why did it not start?", sole=True)
        or _only_change(scene, revision)
        or (_dark(revision),)
    )


def _only_change(scene: Scene, revision: Revision) -> Chain:
    """Suspect the one commit that touched what the container runs, since its start is all that it did."""
    root = scene.root(revision.service)
    hunks = [h for h in scene.hunks if root and h.path.startswith(root) and not h.path.endswith((".md", ".txt"))]
    if len({h.commit for h in hunks}) != 1 or not scene.manifest.good_commit:
        return ()
    did = f"alone changed what {revision.service} runs,"
    return (regressed(scene, hunks[0], "It logged no exception. What changed?", did, strength=0.5),)


def _fatal(scene: Scene, errors: Errors, revision: Revision, logged: list[Entry]) -> Entry | None:
    """Return the exception that ended a container: the one nearest before its end, at most of its ends.

    How often something is logged counts nothing: harmless errors come oftener than the one that kills.
    """
    raised = [e for e in logged if e.raised and not errors.left(e)]
    last = Counter(errors.signature(e) for end in exits(scene, revision) if (e := _before(raised, end)))
    usual = max(last.values(), default=0)
    deadly = {signature for signature, count in last.items() if count == usual}
    return next((e for e in reversed(raised) if errors.signature(e) in deadly), raised[-1] if raised else None)


def _before(raised: list[Entry], end: Entry) -> Entry | None:
    known = ((e, (e.at, e.insert_id)) for e in reversed(raised) if e.at)
    return next((e for e, moment in known if end.at and moment <= (end.at, end.insert_id)), None)


def _dark(revision: Revision) -> Link:
    missing = (f"what the container of {revision.service} prints before it ends, and its exit code",)
    return Link(
        Unknown(missing=missing), "Why did it not start?", "It logged no exception, and no setting changed.", (), 0.3
    )


def _behind_error(scene: Scene, error: Error) -> Chain:
    raised = error.entry.raised
    found = _MODULE.search(f"{raised.message if raised else ''}\n{error.entry.message}")
    links = _behind_import(scene, error, *found.groups()) if found else ()
    return links or cause_of(scene, error)


def _behind_import(scene: Scene, error: Error, module: str | None, name: str | None, source: str | None) -> Chain:
    service = error.entry.service
    dotted = module or source or ""
    question = f"Why is there no {name or dotted}?"
    kept_out = _excluded(scene, service, dotted) if module else None
    if kept_out:
        image, exclusion = kept_out
        return _excluded_links(scene, service, image, exclusion, question)
    hunk = _removed(scene, service, dotted, name)
    if hunk:
        return (
            *_import_line(scene, error),
            regressed(scene, hunk, question, f"removed {name or dotted}", name or "", strength=0.85),
        )
    return ()


def _excluded(scene: Scene, service: str, module: str) -> tuple[ImageContent, Exclusion] | None:
    """Look for the module among the files that were kept out of the image, its `__init__` first."""
    path = module.replace(".", "/")
    images = sorted(scene.bundle.find(ImageContent, service=service), key=lambda i: i.commit != scene.manifest.commit)
    for image in images[:1]:
        fitting = [e for e in image.excluded if _is_module(e.path, path)]
        for exclusion in sorted(fitting, key=lambda e: (not e.path.endswith(("/__init__.py", f"{path}.py")), e.path)):
            return image, exclusion
    return None


def _is_module(path: str, module: str) -> bool:
    return any(f"/{path}".endswith(f"/{end}") for end in (f"{module}.py", f"{module}/__init__.py")) or (
        f"/{module}/" in f"/{path}" and path.endswith(".py")
    )


def _excluded_links(scene: Scene, service: str, image: ImageContent, exclusion: Exclusion, question: str) -> Chain:
    claim = FileExcluded(service=service, path=exclusion.path, rule_file=exclusion.rule_file, line=exclusion.line)
    rule = f"{exclusion.rule_file}:{exclusion.line} ({exclusion.rule})"
    answer = f"The commit has {exclusion.path}, and {rule} keeps it out of the image."
    evidence = (*cite(image, exclusion.path), *cite(scene.by_path.get(exclusion.rule_file), exclusion.rule))
    link = Link(claim, question, answer, evidence, 0.95)
    hunk = bringing_text(scene, exclusion.rule, [exclusion.rule_file])
    why = "Why is it kept out?"
    return (link, regressed(scene, hunk, why, f"added the rule {exclusion.rule}", exclusion.rule)) if hunk else (link,)


def _removed(scene: Scene, service: str, module: str, name: str | None) -> Hunk | None:
    """Return the change that removed a first-party module or a name of it, or a requirement."""
    path = module.replace(".", "/")
    root = scene.root(service)
    paths = [h.path for h in scene.hunks if h.path.startswith(root)]
    files = [p for p in paths if _is_module(p, path)]
    if name:
        return removing_text(scene, name, files)
    gone = [p for p in files if p not in scene.by_path]
    if gone:
        return next((h for h in scene.hunks if h.path in gone and h.removed), None)
    wanted = [h.path for h in requirements(scene, service)]
    top = module.split(".", maxsplit=1)[0]
    fewer = [h for h in requirements(scene, service) if h.removed]
    return removing_text(scene, top, wanted) or (fewer[0] if len(fewer) == 1 else None)


def _import_line(scene: Scene, error: Error) -> Chain:
    spot = error.spot
    if spot is None:
        return ()
    claim = CodeDefect(path=spot.path, line=spot.line, symbol=spot.function)
    answer = f"{spot.path}:{spot.line} still asks for it: {spot.source}"
    return (Link(claim, "Who asks for it?", answer, cite(scene.by_path.get(spot.path), spot.source), 0.85),)


def _port(scene: Scene, revision: Revision, logged: list[Entry]) -> Chain:
    """Compare the port that the container says it listens on with the one that the platform asks."""
    wanted = str(revision.template.port) if revision.template else ""
    for entry in logged:
        found = _LISTENS.search(entry.message)
        if found and wanted and entry.stream != "system" and found.group(1) != wanted:
            return _port_links(scene, revision, entry, wanted, found.group(1))
    return ()


def _port_links(scene: Scene, revision: Revision, entry: Entry, wanted: str, actual: str) -> Chain:
    claim = ConfigMismatch(service=revision.service, key="port", expected=wanted, actual=actual)
    answer = f"It listens on port {actual}; the platform asks port {wanted}."
    evidence = (*cite(entry, actual), *cite(revision, wanted))
    link = Link(claim, "Why did it not start?", answer, evidence, 0.9)
    hunk = bringing_text(scene, actual, [h.path for h in scene.hunks])
    return (
        (link, regressed(scene, hunk, f"Why port {actual}?", f"brought {actual}", actual, strength=0.8))
        if hunk
        else (link,)
    )
