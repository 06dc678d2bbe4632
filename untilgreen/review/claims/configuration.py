"""Claims about what a revision was given: secrets, settings, files."""

from __future__ import annotations

import re

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import ConfigMismatch, FileExcluded, SecretMissing
from untilgreen.model.delivery import Exclusion, Template
from untilgreen.model.evidence import (
    Coverage,
    GateSeen,
    Hunk,
    ImageContent,
    Item,
    Request,
    Revision,
    Secret,
    SourceFile,
)
from untilgreen.model.secrets import SecretCheck, SecretProblem
from untilgreen.review.judgement import Check
from untilgreen.review.scene import errors, gate_saw, of_failures, revision_under_test, saying

TRAFFIC = "traffic"
"""The key of a mismatch whose values are revisions: who should have answered, and who did."""

COMMIT = "commit"
"""The key of a mismatch whose values are commits: what should have been deployed, and what runs."""

HIDDEN = "(not shown)"
"""How an analyst writes a value that may be a credential."""


_SHOWN_BY_VALUE = frozenset(
    {
        *(SecretProblem.EMPTY, SecretProblem.WHITE_SPACE, SecretProblem.PLACEHOLDER, SecretProblem.TOO_SHORT),
        *(SecretProblem.WRONG_ENVIRONMENT, SecretProblem.PLAIN, SecretProblem.UNEQUAL),
    }
)
"""Problems of a secret that reaches the service, with a value that it should not have."""


def _checked(service: str, env: str, bundle: Bundle) -> list[Secret]:
    found = bundle.find(Secret)
    return [secret for secret in found if secret.status.service == service and secret.status.binding.env == env]


def _unusable(claim: SecretMissing, bundle: Bundle) -> list[Secret]:
    return [secret for secret in _checked(claim.service, claim.env, bundle) if not secret.status.usable]


def _usable(claim: SecretMissing, bundle: Bundle) -> list[Secret]:
    """Find what the check found sound. That nobody could look is no finding."""
    statuses = _checked(claim.service, claim.env, bundle)
    return [s for s in statuses if s.status.usable and SecretCheck.ACCESS not in s.status.unchecked]


def _refused(claim: SecretMissing, bundle: Bundle) -> list[Revision]:
    """Find the platform's own refusal: the revision under test is not ready, and its message names the secret."""
    found = _template(bundle, claim.service)
    if not found or found[0].ready:
        return []
    secrets = [binding.secret.rpartition("/")[2] for binding in found[1].secrets if binding.env == claim.env]
    return [found[0]] if any(f"secrets/{secret}/" in found[0].message for secret in secrets) else []


def _binds(template: Template, env: str) -> bool:
    return env in template.env or any(binding.env == env for binding in template.secrets)


def _template(bundle: Bundle, service: str) -> tuple[Revision, Template] | None:
    revision = revision_under_test(bundle, service)
    return (revision, revision.template) if revision and revision.template else None


def _missing(claim: SecretMissing, bundle: Bundle) -> list[Item]:
    """Find a binding that cannot be used or is refused, or a template without one though it is read or was bound."""
    found = _template(bundle, claim.service)
    unbound = found and not _binds(found[1], claim.env)
    wanted: list[Item] = [*_readers(claim, bundle), *_bound_before(claim, bundle)] if unbound else []
    refused = _refused(claim, bundle)
    return [*_unusable(claim, bundle), *refused, *([found[0], *wanted] if found and wanted else [])]


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
    usable = [] if _refused(claim, bundle) else _usable(claim, bundle)
    if found and found[1].env.get(claim.env):
        return [found[0]]
    return [found[0], *usable] if found and usable and _binds(found[1], claim.env) else []


def _secrets(claim: SecretMissing, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Secret, claim.service)


def _value(template: Template, key: str) -> str:
    """Return what the template gives a key: an env value, a secret's binding, or one of the template's own fields."""
    bound = {binding.env: f"{binding.secret}:{binding.version}" for binding in template.secrets}
    own = {name: str(getattr(template, name)) for name in ("port", "memory", "account", "health_path", "image")}
    return {**own, **template.limits, **bound, **template.env}.get(key, "")


def _has_actual(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find the actual value where such a setting shows: in what happened, in the template, or else in the source."""
    if claim.actual == claim.expected != HIDDEN:
        return []
    if seen := _gated(claim, bundle):
        return [*seen, *_lines(claim, bundle)]
    return _in_effect(claim, bundle) or _in_template(claim, bundle) or _by_check(claim, bundle) or _lines(claim, bundle)


def _by_check(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find a secret whose value was seen to be wrong: there is nothing that could be shown of it."""
    found = _checked(claim.service, claim.key, bundle)
    wrong = [s for s in found if any(f.problem in _SHOWN_BY_VALUE for f in s.status.findings)]
    return [*wrong] if claim.actual == HIDDEN else []


def _gated(claim: ConfigMismatch, bundle: Bundle) -> list[GateSeen]:
    """Find the image gate refusing that very setting."""
    mine = [s for s in gate_saw(bundle) if (s.finding.service, s.finding.key) == (claim.service, claim.key)]
    return [s for s in mine if s.finding.expected == claim.expected and claim.actual in (HIDDEN, s.finding.actual)]


def _in_effect(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find who answered, for the traffic; what source runs, for the commit; who listens where, for the port."""
    if claim.key == COMMIT:
        return [*_older_source(claim, bundle)]
    if claim.key == TRAFFIC:
        return [*of_failures(bundle, bundle.find(Request, service=claim.service, revision=claim.actual))]
    if claim.key == "port" and claim.actual:
        words = re.compile(
            rf"(?:port|listen|running|serving|bound).{{0,60}}(?<!\d){re.escape(claim.actual)}(?!\d)", re.IGNORECASE
        )
        return [entry for entry in saying(bundle, claim.service, claim.actual) if words.search(entry.message)]
    return []


def _older_source(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find a revision of another commit than the tested one, or a traceback with a line that the tested one lacks."""
    revision = revision_under_test(bundle, claim.service)
    if revision is None or claim.expected != bundle.manifest.commit:
        return []
    if revision.commit:
        return [revision] if revision.commit == claim.actual != claim.expected else []
    files = bundle.find(SourceFile, service=claim.service)
    known = {line.strip() for file in files for line in file.content.splitlines()}
    gone = {line.strip() for hunk in bundle.find(Hunk) for line in hunk.removed} - known
    seen = of_failures(bundle, errors(bundle, claim.service))
    return [e for e in seen if e.raised and any(f.source.strip() in gone for f in e.raised.frames if f.source.strip())]


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


def _lines(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
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
    elsewhere = _gated(claim, bundle) or _in_effect(claim, bundle) or _lines(claim, bundle)
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


def _kept_out(claim: FileExcluded, bundle: Bundle) -> list[Item]:
    """Find the images that lack it, and the gate refusing one for it."""
    seen = [s for s in gate_saw(bundle) if s.finding.service == claim.service and s.finding.exclusion]
    return [*_excluded(claim, bundle), *(s for s in seen if s.finding.exclusion and _names(claim, s.finding.exclusion))]


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
FILE_EXCLUDED = Check(_kept_out, counter=_not_excluded, absence=_tested_images)
