"""Claims that a setting has another value than it must have: who says so, and with what it works."""

from __future__ import annotations

import re

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import ConfigMismatch, ResourceExhausted
from untilgreen.model.evidence import Hunk, Item, Request, Revision, SourceFile
from untilgreen.model.secrets import SecretProblem
from untilgreen.review.claims.configuration import checked
from untilgreen.review.claims.resources import refusals
from untilgreen.review.claims.templates import HIDDEN, good, has, peers, tested, value
from untilgreen.review.judgement import Check
from untilgreen.review.scene import current, errors, gate_saw, of_failures, revision_under_test, saying

TRAFFIC = "traffic"
"""The key of a mismatch whose values are revisions: who should have answered, and who did."""

COMMIT = "commit"
"""The key of a mismatch whose values are commits: what should have been deployed, and what runs."""


_SHOWN_BY_VALUE = frozenset(
    {
        *(SecretProblem.EMPTY, SecretProblem.WHITE_SPACE, SecretProblem.PLACEHOLDER, SecretProblem.TOO_SHORT),
        *(SecretProblem.WRONG_ENVIRONMENT, SecretProblem.PLAIN, SecretProblem.UNEQUAL),
    }
)
"""Problems of a secret that reaches the service, with a value that it should not have."""


def _has_actual(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find the actual value where such a setting shows, and what shows that it must be another.

    That a setting is what it is shows nothing: without a word for the expected value the claim has no support.
    """
    if claim.actual == claim.expected != HIDDEN or not claim.key:
        return []
    if seen := _gated(claim, bundle) or _by_check(claim, bundle):
        return [*seen, *_lines(claim.service, claim.key, claim.actual, bundle)]
    shown = _in_effect(claim, bundle) or _in_template(claim, bundle)
    shown = shown or _lines(claim.service, claim.key, claim.actual, bundle)
    wanted = _expected(claim, bundle)
    return [*shown, *(item for item in wanted if item not in shown)] if shown and wanted else []


def _expected(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find who wants the expected value: the last good revision, a peer, the platform, or a file of the service."""
    if claim.key == TRAFFIC:
        wanted = revision_under_test(bundle, claim.service)
        return [wanted] if wanted and claim.expected == wanted.name else []
    if claim.key == COMMIT:
        return _older_source(claim, bundle)
    now, before = tested(bundle, claim.service), good(bundle, claim.service)
    changed = before and (not now or value(before[1], claim.key) != value(now[1], claim.key))
    found: list[Item] = [before[0]] if before and changed and has(before[1], claim.key, claim.expected) else []
    found += [r for r, t in peers(bundle, claim.service) if HIDDEN != claim.expected == value(t, claim.key) != ""]
    if now and claim.expected == value(now[1], claim.key) != "":
        found.append(now[0])
    if claim.key == "memory":
        found += refusals(ResourceExhausted(service=claim.service, resource="memory", blocked="request"), bundle)
    return [*found, *_lines(claim.service, claim.key, claim.expected, bundle)]


def _by_check(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find a secret whose value was seen to be wrong: there is nothing that could be shown of it."""
    found = checked(claim.service, claim.key, bundle)
    wrong = [s for s in found if any(f.problem in _SHOWN_BY_VALUE for f in s.status.findings)]
    return [*wrong] if claim.actual == HIDDEN else []


def _gated(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
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
    found = tested(bundle, claim.service)
    return [found[0]] if found and has(found[1], claim.key, claim.actual) else []


def _lines(service: str, name: str, wanted: str, bundle: Bundle) -> list[Item]:
    """Find source that gives a key a value, on one line."""
    if wanted in ("", HIDDEN) or not name:
        return []
    # Whoever computes the port may do so anywhere on the line; others are set, or have a default.
    between = ".*" if name == "port" else r"""["']?\]?\s*[:=,]\s*["']?"""
    line = re.compile(rf"(?<!\w){re.escape(name)}(?!\w){between}(?<!\w){re.escape(wanted)}(?!\w)", re.IGNORECASE)
    return [f for f in bundle.find(SourceFile) if f.service in (service, "") and line.search(f.content)]


def _has_another(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find the template giving the key a value that is not the actual one, or is the expected one."""
    found = tested(bundle, claim.service)
    elsewhere = (
        _gated(claim, bundle) or _in_effect(claim, bundle) or _lines(claim.service, claim.key, claim.actual, bundle)
    )
    if not found or not value(found[1], claim.key) or elsewhere:
        return []
    as_claimed = has(found[1], claim.key, claim.actual) and not claim.actual == claim.expected != HIDDEN
    return [] if as_claimed else [found[0]]


def _works_elsewhere(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    """Find the controls: the last good revision had that very value, or a service beside it works with it."""
    found = tested(bundle, claim.service)
    given = value(found[1], claim.key) if found else ""
    if not given or not _in_template(claim, bundle) or _gated(claim, bundle) or _by_check(claim, bundle):
        return []
    before = None if _left_behind(claim, given, bundle) else good(bundle, claim.service)
    beside = [r for r, t in peers(bundle, claim.service) if value(t, claim.key) == given and _had(claim, r, bundle)]
    well = [row for r in beside for row in current(bundle, Request, r.service) if _ok(row)][:1]
    return [*([before[0]] if before and value(before[1], claim.key) == given else []), *(beside if well else ()), *well]


def _had(claim: ConfigMismatch, peer: Revision, bundle: Bundle) -> bool:
    """Tell whether a peer is a control: it had that value before, too, and the setting is no measure of its own."""
    before, now = good(bundle, peer.service), tested(bundle, peer.service)
    same = not before or not now or value(before[1], claim.key) == value(now[1], claim.key)
    return same and claim.key not in _ITS_OWN


def _left_behind(claim: ConfigMismatch, given: str, bundle: Bundle) -> bool:
    """Tell whether a peer had the same value and was given another one: then having kept it is what is wrong."""
    moved = [r.service for r, t in peers(bundle, claim.service) if value(t, claim.key) == claim.expected]
    before = [found for service in moved if (found := good(bundle, service))]
    return any(value(template, claim.key) == given for _, template in before)


_ITS_OWN = ("port", "memory", "account", "health_path", "image")
"""What each service needs in its own measure: that a peer does with it tells nothing."""


def _ok(row: Request) -> bool:
    return 200 <= row.status < 300  # noqa: PLR2004 - HTTP's own numbers


def _against(claim: ConfigMismatch, bundle: Bundle) -> list[Item]:
    return [*_has_another(claim, bundle), *_works_elsewhere(claim, bundle)]


CONFIG_MISMATCH = Check(_has_actual, counter=_against)
