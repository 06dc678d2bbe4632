"""What each environment variable probably gets: another service's URL, a secret, or a person's answer."""

from __future__ import annotations

from collections.abc import Mapping

from untilgreen.init.source import ADDRESS, SECRET
from untilgreen.init.survey import ServiceSeen, SuiteSeen
from untilgreen.model.document import Document


class Bound(Document):
    """One service's variables."""

    env: dict[str, str] = {}
    """Name -> the service whose URL it gets."""
    secrets: dict[str, str] = {}
    """Name -> `secret:version`."""
    needs: tuple[str, ...] = ()
    """Names without which it fails and that nothing here can give."""
    optional: tuple[str, ...] = ()
    """Names that it reads and can do without."""
    depends_on: tuple[str, ...] = ()


def bind(services: tuple[ServiceSeen, ...]) -> dict[str, Bound]:
    """Decide for every service, in their order. No dependency ever goes round."""
    bound: dict[str, Bound] = {}
    for service in services:
        bound[service.name] = _bound(service, services, bound)
    return bound


def _bound(service: ServiceSeen, services: tuple[ServiceSeen, ...], earlier: Mapping[str, Bound]) -> Bound:
    env, secrets = {}, {binding.env: f"{binding.secret}:{binding.version}" for binding in service.secrets}
    needs, optional = [], []
    for name in sorted({*service.reads, *service.urls} - secrets.keys()):
        other = service.urls.get(name) or meant(name, services, service.name)
        if other and not _reaches(earlier, other, service.name):
            env[name] = other
        elif SECRET.search(name) and any(name in one.demands for one in services):
            secrets[name] = f"{name.lower().replace('_', '-')}:1"
        elif name in service.demands:
            needs.append(name)
        else:
            optional.append(name)
    others = tuple(sorted(set(env.values())))
    return Bound(env=env, secrets=secrets, needs=tuple(needs), optional=tuple(optional), depends_on=others)


def meant(name: str, services: tuple[ServiceSeen, ...], but: str = "") -> str:
    """Return the service that a variable such as AUTH_URL speaks of; empty when none or several could be meant."""
    found = ADDRESS.match(name)
    stem = (found[1] or "").lower().replace("_", "-") if found else ""
    others = [service.name for service in services if service.name != but]
    if not stem:
        return ""
    if stem in others:
        return stem
    near = [other for other in others if stem in other.split("-") or other in stem.split("-")]
    return near[0] if len(near) == 1 else ""


def front(services: tuple[ServiceSeen, ...], bound: Mapping[str, Bound]) -> str:
    """Return the service that people call: the one that no other depends on, the last of several."""
    called = {other for one in bound.values() for other in one.depends_on}
    free = [service.name for service in services if service.name not in called]
    return (free or [service.name for service in services])[-1]


def bind_suite(
    suite: SuiteSeen, services: tuple[ServiceSeen, ...], bound: Mapping[str, Bound]
) -> tuple[dict[str, tuple[str, bool]], tuple[str, ...]]:
    """Decide for the tests.

    Returns:
        Name -> the service whose URL it gets and whether that is certain; and the names left to a person.
    """
    env, left = {}, []
    for name in suite.reads:
        other = meant(name, services)
        if other or (len(services) == 1 and ADDRESS.match(name)):
            env[name] = (other or services[0].name, True)
        elif ADDRESS.match(name):
            env[name] = (front(services, bound), False)
        else:
            left.append(name)
    return env, tuple(left)


def _reaches(bound: Mapping[str, Bound], start: str, goal: str) -> bool:
    """Tell whether one service depends on another, directly or not."""
    return start == goal or any(
        _reaches(bound, other, goal) for other in (bound[start].depends_on if start in bound else ())
    )
