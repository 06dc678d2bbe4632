"""What templates say: of the revision under test, of the last good one, and of the services beside it."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import SecretApart, SettingChanged
from untilgreen.model.delivery import SecretBinding, Template
from untilgreen.model.evidence import Coverage, Item, Revision, Secret
from untilgreen.review.judgement import Check
from untilgreen.review.scene import revision_under_test

HIDDEN = "(not shown)"
"""How an analyst writes a value that may be a credential."""

_FIELDS = ("port", "memory", "account", "health_path", "image")


def tested(bundle: Bundle, service: str) -> tuple[Revision, Template] | None:
    """Return the revision under test and its template; None when the platform did not tell."""
    revision = revision_under_test(bundle, service)
    return (revision, revision.template) if revision and revision.template else None


def good(bundle: Bundle, service: str) -> tuple[Revision, Template] | None:
    """Return the last good revision and its template; None when nobody kept it."""
    older = [r for r in bundle.find(Revision, service=service) if not r.current and r.template]
    return (older[-1], older[-1].template) if older and older[-1].template else None


def peers(bundle: Bundle, service: str) -> Iterator[tuple[Revision, Template]]:
    """Go through the revisions under test of the other services."""
    for other in sorted({revision.service for revision in bundle.find(Revision)} - {service}):
        if found := tested(bundle, other):
            yield found


def value(template: Template, key: str) -> str:
    """Return what the template gives a key: an env value, a secret's binding, or one of the template's own fields."""
    bound = {binding.env: f"{binding.secret}:{binding.version}" for binding in template.secrets}
    own = {name: str(getattr(template, name)) for name in _FIELDS}
    return {**own, **template.limits, **bound, **template.env}.get(key, "")


def has(template: Template, key: str, wanted: str) -> bool:
    """Compare a setting. A secret's version alone may stand for its binding; a hidden value is any value."""
    found = value(template, key)
    return wanted == found or (bool(found) and wanted in (HIDDEN, found.rpartition(":")[2]))


def _both(claim: SettingChanged, bundle: Bundle) -> tuple[tuple[Revision, Template], tuple[Revision, Template]] | None:
    now, then = tested(bundle, claim.service), good(bundle, claim.service)
    return (now, then) if now and then else None


def _as_claimed(claim: SettingChanged, bundle: Bundle) -> list[Item]:
    found = _both(claim, bundle)
    if not found:
        return []
    (now, given), (then, gave) = found
    changed = value(given, claim.key) != value(gave, claim.key)
    as_said = has(given, claim.key, claim.after) and has(gave, claim.key, claim.before)
    return [now, then] if changed and as_said else []


def _otherwise(claim: SettingChanged, bundle: Bundle) -> list[Item]:
    """Find both templates where they do not show that change: nothing else could show it."""
    found = _both(claim, bundle)
    return [found[0][0], found[1][0]] if found and not _as_claimed(claim, bundle) else []


def _bindings(bundle: Bundle, service: str) -> list[tuple[Item, SecretBinding]]:
    """Return what a service is given: by its template, or by the check that refused the rollout."""
    found = tested(bundle, service)
    if found:
        return [(found[0], binding) for binding in found[1].secrets]
    return [(s, s.status.binding) for s in bundle.find(Secret) if s.status.service == service]


def _sharing(claim: SecretApart, bundle: Bundle) -> list[tuple[Item, str]]:
    """Return the services that are given the same secret, each with its version; the one that is claimed first."""
    mine = [(item, binding) for item, binding in _bindings(bundle, claim.service) if binding.env == claim.env]
    services = {r.service for r in bundle.find(Revision)} | {s.status.service for s in bundle.find(Secret)}
    others = [pair for service in sorted(services - {claim.service}) for pair in _bindings(bundle, service)]
    shared = [(item, binding) for item, binding in others if mine and binding.secret == mine[0][1].secret]
    return [(item, binding.version) for item, binding in (*mine[:1], *shared)]


def _differs(claim: SecretApart, bundle: Bundle) -> list[Item]:
    shared = _sharing(claim, bundle)
    others = [item for item, version in shared[1:] if version != claim.version]
    return [shared[0][0], *others] if others and shared[0][1] == claim.version else []


def _agrees(claim: SecretApart, bundle: Bundle) -> list[Item]:
    """Find that it is given another version than is said, or the one that all its peers have."""
    shared = _sharing(claim, bundle)
    alike = len(shared) > 1 and len({version for _, version in shared}) == 1
    other = bool(shared) and shared[0][1] != claim.version
    return [item for item, _ in shared] if alike or other else []


def _all_templates(claim: SecretApart, bundle: Bundle) -> Coverage | None:
    """A secret that nobody else is given has no peers; to say so, all services' revisions must have been looked at."""
    services = sorted(bundle.manifest.sources or bundle.manifest.revisions)
    seen = [bundle.covers(Revision, service) for service in (*services, claim.service)]
    return seen[-1] if all(seen) else None


SETTING_CHANGED = Check(_as_claimed, rebuttal=_otherwise)
SECRET_APART = Check(_differs, rebuttal=_agrees, absence=_all_templates)
