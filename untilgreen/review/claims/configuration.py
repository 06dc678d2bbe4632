"""Claims about what a revision was given: secrets, settings, files."""

from __future__ import annotations

import re

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import ConfigMismatch, FileExcluded, SecretMissing
from untilgreen.model.delivery import Exclusion, Template
from untilgreen.model.evidence import Coverage, Entry, ImageContent, Item, Request, Revision, Secret, SourceFile
from untilgreen.review.judgement import Check
from untilgreen.review.scene import current, of_failures, revision_under_test

TRAFFIC = "traffic"
"""The key of a mismatch whose values are revisions: who should have answered, and who did."""

HIDDEN = "(not shown)"
"""How an analyst writes a value that may be a credential."""


def _bindings(claim: SecretMissing, bundle: Bundle, *, usable: bool) -> list[Secret]:
    return [
        secret
        for secret in bundle.find(Secret)
        if secret.status.service == claim.service
        and secret.status.binding.env == claim.env
        and secret.status.usable is usable
    ]


def _binds(template: Template, env: str) -> bool:
    return env in template.env or any(binding.env == env for binding in template.secrets)


def _template(bundle: Bundle, service: str) -> tuple[Revision, Template] | None:
    revision = revision_under_test(bundle, service)
    return (revision, revision.template) if revision and revision.template else None


def _missing(claim: SecretMissing, bundle: Bundle) -> list[Item]:
    """Find a binding that cannot be used, or a template without one though the source reads it or used to get it."""
    found = _template(bundle, claim.service)
    unbound = found and not _binds(found[1], claim.env)
    wanted: list[Item] = [*_readers(claim, bundle), *_bound_before(claim, bundle)] if unbound else []
    return [*_bindings(claim, bundle, usable=False), *([found[0], *wanted] if found and wanted else [])]


def _readers(claim: SecretMissing, bundle: Bundle) -> list[SourceFile]:
    """Find source that names the variable: quoted, or as a field of a settings class."""
    name = re.escape(claim.env)
    named = re.compile(rf"""["']{name}["']|^\s+{name}\s*:""", re.MULTILINE | re.IGNORECASE)
    return [file for file in bundle.find(SourceFile, service=claim.service) if named.search(file.content)]


def _bound_before(claim: SecretMissing, bundle: Bundle) -> list[Revision]:
    older = [r for r in bundle.find(Revision, service=claim.service) if not r.current]
    return [r for r in older if r.template and _binds(r.template, claim.env)]


def _bound(claim: SecretMissing, bundle: Bundle) -> list[Item]:
    """Find that it reaches the service: the template binds it, and the platform can use the binding."""
    found = _template(bundle, claim.service)
    usable = _bindings(claim, bundle, usable=True)
    if found and found[1].env.get(claim.env):
        return [found[0]]
    return [found[0], *usable] if found and usable and _binds(found[1], claim.env) else []


def _secrets(claim: SecretMissing, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Secret, claim.service)


def _value(template: Template, key: str) -> str:
    """Return what the template gives a key: an env value, a secret's binding, or one of the template's own fields."""
    bound = {binding.env: f"{binding.secret}:{binding.version}" for binding in template.secrets}
    own = {name: str(getattr(template, name)) for name in ("port", "memory", "account", "health_path", "image")}
    return {**own, **bound, **template.env}.get(key, "")


def _has_actual(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find the actual value where such a setting shows: in what happened, in the template, or else in the source."""
    if claim.actual == claim.expected != HIDDEN:
        return []
    return _in_effect(claim, bundle) or _in_template(claim, bundle) or [*_lines(claim, bundle)]


def _in_effect(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find who answered, for the traffic; who listens where, for the port."""
    if claim.key == TRAFFIC:
        return [*of_failures(bundle, bundle.find(Request, service=claim.service, revision=claim.actual))]
    if claim.key == "port" and claim.actual:
        words = re.compile(
            rf"(?:port|listen|running|serving|bound).{{0,60}}(?<!\d){re.escape(claim.actual)}(?!\d)", re.IGNORECASE
        )
        return [entry for entry in current(bundle, Entry, claim.service) if words.search(entry.message)]
    return []


def _in_template(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    found, good = _template(bundle, claim.service), _last_good(claim, bundle)
    if not found or not _is(found[1], claim.key, claim.actual) or not (claim.actual or good):
        return []
    changed = [r for r in good if r.template and _value(r.template, claim.key) != _value(found[1], claim.key)]
    return [found[0], *changed] if changed or claim.actual != HIDDEN else []


def _is(template: Template, key: str, wanted: str) -> bool:
    """Compare a setting. A secret's version alone may stand for its binding; a hidden value is any value."""
    value = _value(template, key)
    return wanted == value or (bool(value) and wanted in (HIDDEN, value.rpartition(":")[2]))


def _last_good(claim: ConfigMismatch, bundle: Bundle) -> list[Revision]:
    older = [r for r in bundle.find(Revision, service=claim.service) if not r.current]
    return [r for r in older if r.template and _is(r.template, claim.key, claim.expected)]


def _lines(claim: ConfigMismatch, bundle: Bundle) -> list[SourceFile]:
    """Find source that gives the key its actual value, on one line."""
    if not claim.actual:
        return []
    key, actual = re.escape(claim.key), re.escape(claim.actual)
    line = re.compile(rf"(?<!\w){key}(?!\w).*(?<!\w){actual}(?!\w)", re.IGNORECASE)
    files = [f for f in bundle.find(SourceFile) if f.service in (claim.service, "")]
    return [file for file in files if line.search(file.content)]


def _has_another(claim: ConfigMismatch, bundle: Bundle) -> list[Revision]:
    """Find the template giving the key a value that is not the actual one, or is the expected one."""
    found = _template(bundle, claim.service)
    elsewhere = _in_effect(claim, bundle) or _lines(claim, bundle)
    if not found or not _value(found[1], claim.key) or elsewhere:
        return []
    as_claimed = _is(found[1], claim.key, claim.actual) and not claim.actual == claim.expected != HIDDEN
    return [] if as_claimed else [found[0]]


def _names(claim: FileExcluded, exclusion: Exclusion) -> bool:
    rule = exclusion.rule_file == claim.rule_file and exclusion.line == claim.line
    return rule and _is_at(claim.path, exclusion.path)


def _is_at(path: str, file: str) -> bool:
    """Tell whether a file is the path or lies below it; the path may carry the build context's prefix."""
    return file == path or file.startswith(f"{path.rstrip('/')}/") or path.endswith(f"/{file}")


def _excluded(claim: FileExcluded, bundle: Bundle) -> list[ImageContent]:
    images = bundle.find(ImageContent, service=claim.service)
    return [image for image in images if any(_names(claim, e) for e in image.excluded)]


def _not_excluded(claim: FileExcluded, bundle: Bundle) -> list[ImageContent]:
    """An image lists all that was kept out of it: what is not listed was not excluded by that rule."""
    excluded = _excluded(claim, bundle)
    images = bundle.find(ImageContent, service=claim.service)
    return [i for i in images if i not in excluded or any(_is_at(claim.path, file) for file in i.files)]


def _tested_images(claim: FileExcluded, bundle: Bundle) -> Coverage | None:
    return bundle.covers(ImageContent, claim.service)


SECRET_MISSING = Check(_missing, counter=_bound, absence=_secrets)
CONFIG_MISMATCH = Check(_has_actual, counter=_has_another)
FILE_EXCLUDED = Check(_excluded, counter=_not_excluded, absence=_tested_images)
