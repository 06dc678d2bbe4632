"""Every secret is checked before anything moves: what the platform knows, what the values show, what they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product

from untilgreen.deploy.secrets_policy import SecretSettings
from untilgreen.deploy.secrets_reads import Read
from untilgreen.deploy.wanted import Wanted
from untilgreen.model.secrets import (
    SecretBinding,
    SecretCheck,
    SecretFinding,
    SecretProblem,
    SecretStatus,
    Severity,
)
from untilgreen.ports import Secrets
from untilgreen.review.fixes.credentials import looks_secret
from untilgreen.settings import FILE

Place = tuple[str, str]
"""Service and env name."""


@dataclass(frozen=True)
class Case:
    """What the rules look at.

    Args:
        wanted: the services as they should be.
        policy: how strict the project is.
        secrets: Secret Manager.
        seen: each binding as the platform sees it.
        reads: service -> env name -> where its source reads it without a default.
    """

    wanted: Wanted
    policy: SecretSettings
    secrets: Secrets
    seen: Mapping[Place, SecretStatus]
    reads: Mapping[str, Mapping[str, Read]]


@dataclass
class Verdict:
    """What the rules say about one place.

    Args:
        findings: what is wrong.
        checks: what was looked at.
        unchecked: what could not be looked at.
    """

    findings: list[SecretFinding] = field(default_factory=list)
    checks: list[SecretCheck] = field(default_factory=list)
    unchecked: list[SecretCheck] = field(default_factory=list)


Said = tuple[Place, SecretCheck, SecretFinding | None]
"""One rule about one place: what was looked at, and what is wrong. A finding VALUE_NOT_READ means: could not look."""

Rule = Callable[[Case], Iterator[Said]]


def check_secrets(
    wanted: Wanted,
    secrets: Secrets,
    policy: SecretSettings | None = None,
    reads: Mapping[str, Mapping[str, Read]] | None = None,
) -> tuple[SecretStatus, ...]:
    """Check every binding of every service, and every env name that should be one.

    Args:
        wanted: the services as they should be.
        secrets: Secret Manager.
        policy: how strict the project is.
        reads: service -> env name -> where its source reads it without a default.

    Returns:
        One status a binding, and one for each env name that something is wrong with. None shows a value.

    Raises:
        CloudUnavailable: a transient fault, after retries.
    """
    seen = {
        (service.service, bound.env): secrets.check(service.service, bound, service.template.account)
        for service in wanted.services
        for bound in service.template.secrets
    }
    case = Case(wanted, policy or SecretSettings(), secrets, seen, reads or {})
    verdicts: dict[Place, Verdict] = defaultdict(Verdict)
    for place, check, found in (said for rule in RULES for said in rule(case)):
        not_read = found is not None and found.problem is SecretProblem.VALUE_NOT_READ
        (verdicts[place].unchecked if not_read else verdicts[place].checks).append(check)
        verdicts[place].findings += [found] if found else []
    accounts = {service.service: service.template.account for service in wanted.services}
    places = [*seen, *(place for place in verdicts if place not in seen)]
    return tuple(_status(case, place, accounts[place[0]], verdicts[place]) for place in places)


def warnings(statuses: Iterable[SecretStatus]) -> Iterator[str]:
    """Go through what is told and refuses nothing, a line each."""
    for status in statuses:
        for found in status.findings:
            if found.severity is Severity.WARNING:
                yield f"{status.service}.{status.binding.env}: {found.problem}: {found.message}"


def pinned(case: Case) -> Iterator[Said]:
    """A binding names its version."""
    for place, status in case.seen.items():
        bound = status.binding
        found = None
        if bound.version == "latest":
            found = SecretFinding(
                problem=SecretProblem.UNPINNED,
                message=f"{bound.secret} is bound as `latest`: instances that start later may get another value. "
                f"Bind {bound.secret}:{status.version or 'NUMBER'}.",
            )
        yield place, SecretCheck.PINNED, found


def environment(case: Case) -> Iterator[Said]:
    """A secret's label names the environment that is deployed to."""
    asked, label = case.policy.environment, case.policy.environment_label
    for place, status in case.seen.items():
        says = status.labels.get(label, "")
        if asked and says:
            found = SecretFinding(
                problem=SecretProblem.WRONG_ENVIRONMENT,
                message=f"{status.binding.secret} is labelled {label}={says}, and this deploys to {asked}. "
                f"Bind the secret of {asked}, or correct the label.",
            )
            yield place, SecretCheck.ENVIRONMENT, None if says == asked else found


def bound(case: Case) -> Iterator[Said]:
    """What a service needs, or must share, is given to it."""
    for service in case.wanted.services:
        for env in service.unbound:
            message = (
                f"{FILE}: services.{service.service}.needs names {env}, and neither env nor secrets binds it. "
                f"Add it to services.{service.service}.secrets."
            )
            finding = SecretFinding(problem=SecretProblem.NOT_BOUND, message=message)
            yield (service.service, env), SecretCheck.BOUND, finding
    told = {(service.service, env) for service in case.wanted.services for env in service.unbound}
    for place in (place for group in _groups(case) for place in group):
        if place not in case.seen and place not in told:
            message = f"{FILE}: secrets.shared names {'.'.join(place)}, which no secret binds. Add it to its secrets."
            yield place, SecretCheck.BOUND, SecretFinding(problem=SecretProblem.NOT_BOUND, message=message)


def declared(case: Case) -> Iterator[Said]:
    """What the source cannot start or serve without is given to it, or may come from the image."""
    for service in case.wanted.services:
        given = {*service.template.env, *(b.env for b in service.template.secrets), *service.unbound}
        for env, read in sorted(case.reads.get(service.service, {}).items()):
            if env not in given:
                message = (
                    f"{read.path}:{read.line} reads {env} without a default, and {FILE} gives it to nobody. Add it to "
                    f"services.{service.service}.secrets or env, and to needs, unless the image sets it."
                )
                finding = SecretFinding(problem=SecretProblem.UNDECLARED, message=message)
                yield (service.service, env), SecretCheck.BOUND, finding


def not_plain(case: Case) -> Iterator[Said]:
    """No credential stands openly in a template."""
    known = case.secrets.redaction([status.binding for status in case.seen.values()])
    for service in case.wanted.services:
        for env, value in service.template.env.items():
            sort = looks_secret(f'{env}="{value}"') or ("the value of a secret" if known.mask(value) != value else "")
            if sort:
                message = (
                    f"{FILE}: services.{service.service}.env.{env} holds {sort}, which everyone who sees the service "
                    f"can read. Keep it in Secret Manager, bind it under services.{service.service}.secrets, and "
                    f"replace it: it is in the repository's history."
                )
                finding = SecretFinding(problem=SecretProblem.PLAIN, message=message)
                yield (service.service, env), SecretCheck.BOUND, finding


def shared(case: Case) -> Iterator[Said]:
    """Services that must share a secret are given the same value."""
    for group in _groups(case):
        members = {place: case.seen[place] for place in group if place in case.seen}
        alike = _alike(case, members.values())
        for place in members:
            others = ", ".join(".".join(other) for other in members if other != place)
            if others:
                yield place, SecretCheck.SHARED, _compared(alike, f"{others} must be given the same value")
    for place, other, alike in _versions(case):
        told = f"{'.'.join(other)} binds version {case.seen[other].version} of the same secret"
        yield place, SecretCheck.SHARED, _compared(alike, told)


RULES: tuple[Rule, ...] = (pinned, environment, bound, declared, not_plain, shared)


def _groups(case: Case) -> list[list[Place]]:
    return [[(m.partition(".")[0], m.partition(".")[2]) for m in group] for group in case.policy.shared]


def _versions(case: Case) -> Iterator[tuple[Place, Place, bool | None]]:
    """Go through bindings of one secret by services that have no version of it in common.

    A service that has an old and a new version is in the middle of a rotation: one in common is enough.
    """
    by_secret: dict[str, dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
    for place, status in case.seen.items():
        if status.version:
            by_secret[status.binding.secret][place[0]].append(place)
    for services in by_secret.values():
        for mine, theirs in combinations(services.values(), 2):
            pairs = list(product(mine, theirs))
            judged = [_alike(case, (case.seen[one], case.seen[other])) for one, other in pairs]
            if True not in judged:
                alike = None if None in judged else False
                yield from ((one, other, alike) for one, other in pairs)
                yield from ((other, one, alike) for one, other in pairs)


def _alike(case: Case, members: Iterable[SecretStatus]) -> bool | None:
    """Compare values; the same version of the same secret needs no look."""
    asked = {(s.binding.secret, s.version): s.binding.model_copy(update={"version": s.version}) for s in members}
    if any(not version for _, version in asked):
        return None
    return True if len(asked) == 1 else case.secrets.alike(list(asked.values()))


def _compared(alike: bool | None, told: str) -> SecretFinding | None:
    if alike is None:
        message = f"{told}, and nobody could compare them: a value was not read."
        return SecretFinding(problem=SecretProblem.VALUE_NOT_READ, message=message)
    message = f"{told}, and it is not. Bind the same version everywhere."
    return None if alike else SecretFinding(problem=SecretProblem.UNEQUAL, message=message)


def _status(case: Case, place: Place, account: str, verdict: Verdict) -> SecretStatus:
    """Put together what the platform and the rules say about one place, the worst first."""
    service, env = place
    nothing = SecretBinding(env=env, secret="", version="")
    status = case.seen.get(place) or SecretStatus(service=service, binding=nothing, account=account)
    found = [*status.findings, *verdict.findings]
    once = {f.problem: f for f in reversed(found)}.values()
    graded = [f.model_copy(update={"severity": _severity(case.policy, f.problem, status)}) for f in once]
    ranked = sorted(graded, key=lambda f: (f.severity is Severity.WARNING, _ORDER.index(f.problem)))
    blocking = [f.message for f in ranked if f.severity is Severity.BLOCKING]
    worst = ranked[0] if ranked else None
    return status.model_copy(
        update={
            "problem": worst.problem if worst else None,
            "severity": worst.severity if worst else Severity.BLOCKING,
            "message": " ".join(blocking) or (worst.message if worst else ""),
            "further": tuple(ranked[1:]),
            "checks": tuple(dict.fromkeys((*status.checks, *verdict.checks))),
            "unchecked": tuple(dict.fromkeys((*status.unchecked, *verdict.unchecked))),
        }
    )


_ORDER = list(SecretProblem)

TOLD = frozenset(
    {SecretProblem.UNDECLARED, SecretProblem.UNPINNED, SecretProblem.VALUE_NOT_READ, SecretProblem.UNCONFIRMED}
)
"""What is told and refuses nothing, unless the settings say so: it may be right as it is. Never a pass, either."""


def _severity(policy: SecretSettings, problem: SecretProblem, status: SecretStatus) -> Severity:
    refused = {
        SecretProblem.UNPINNED: policy.require_pinned,
        SecretProblem.VALUE_NOT_READ: policy.require_values,
        SecretProblem.UNCONFIRMED: policy.require_access,
    }
    told = problem in TOLD and not refused.get(problem)
    names = (status.binding.secret, f"{status.service}.{status.binding.env}")
    excused = any(problem in policy.excused.get(name, ()) for name in names)
    return Severity.WARNING if told or excused else Severity.BLOCKING
