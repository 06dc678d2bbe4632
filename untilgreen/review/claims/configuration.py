"""Claims about what a revision was given: secrets and files."""

from __future__ import annotations

import re

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import FileExcluded, SecretMissing
from untilgreen.model.delivery import Exclusion, Template
from untilgreen.model.evidence import (
    Coverage,
    ImageContent,
    Item,
    Revision,
    Secret,
    SourceFile,
)
from untilgreen.model.secrets import SecretCheck
from untilgreen.review.claims.templates import tested
from untilgreen.review.judgement import Check
from untilgreen.review.scene import gate_saw


def checked(service: str, env: str, bundle: Bundle) -> list[Secret]:
    """Return how the check before the rollout found a binding."""
    found = bundle.find(Secret)
    return [secret for secret in found if secret.status.service == service and secret.status.binding.env == env]


def _unusable(claim: SecretMissing, bundle: Bundle) -> list[Secret]:
    return [secret for secret in checked(claim.service, claim.env, bundle) if not secret.status.usable]


def _usable(claim: SecretMissing, bundle: Bundle) -> list[Secret]:
    """Find what the check found sound. That nobody could look is no finding."""
    statuses = checked(claim.service, claim.env, bundle)
    return [s for s in statuses if s.status.usable and SecretCheck.ACCESS not in s.status.unchecked]


def _refused(claim: SecretMissing, bundle: Bundle) -> list[Revision]:
    """Find the platform's own refusal: the revision under test is not ready, and its message names the secret."""
    found = tested(bundle, claim.service)
    if not found or found[0].ready:
        return []
    secrets = [binding.secret.rpartition("/")[2] for binding in found[1].secrets if binding.env == claim.env]
    return [found[0]] if any(f"secrets/{secret}/" in found[0].message for secret in secrets) else []


def _binds(template: Template, env: str) -> bool:
    return env in template.env or any(binding.env == env for binding in template.secrets)


def _missing(claim: SecretMissing, bundle: Bundle) -> list[Item]:
    """Find a binding that cannot be used or is refused, or a template without one though it is read or was bound."""
    found = tested(bundle, claim.service)
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
    found = tested(bundle, claim.service)
    usable = [] if _refused(claim, bundle) else _usable(claim, bundle)
    if found and found[1].env.get(claim.env):
        return [found[0]]
    return [found[0], *usable] if found and usable and _binds(found[1], claim.env) else []


def _secrets(claim: SecretMissing, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Secret, claim.service)


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
FILE_EXCLUDED = Check(_kept_out, counter=_not_excluded, absence=_tested_images)
