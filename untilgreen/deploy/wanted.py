"""What the settings and the images of a cycle ask for, before anybody looks at the cloud."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from untilgreen.errors import ConfigError
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Images, SecretBinding, Template
from untilgreen.model.document import Document
from untilgreen.settings import FILE, HealthSettings, Service, Settings, in_order

RESERVED = frozenset({"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"})
"""Env names that the platform sets itself."""

_URL = re.compile(r"\{([a-z][a-z0-9-]*)\.url\}")
_LABEL = 63
"""The platform's limit for label values and revision names."""


class WantedService(Document):
    """One service as it should be."""

    service: str
    revision: str
    digest: str
    template: Template
    """With `{name.url}` still in its environment: URLs are known when those services serve."""
    unbound: tuple[str, ...] = ()
    """Env names that it needs and that nothing binds."""
    depends_on: tuple[str, ...] = ()
    strategy: Literal["replace", "canary"] = "replace"
    smoke: tuple[str, ...] = ()
    health: HealthSettings = HealthSettings()


class Wanted(Document):
    """All services, each after those it depends on."""

    commit: str
    services: tuple[WantedService, ...]


def wanted(run: Run, settings: Settings, images: Images) -> Wanted:
    """Say what a rollout should bring. The same input gives the same answer, revision names included.

    Raises:
        ConfigError: an env value refers to a service that is not deployed before, or sets what the platform sets.
    """
    order = in_order(settings)
    for position, service in enumerate(order):
        told = {found.key for found in images.findings if found.service == service and found.blocking}
        _check_env(service, settings.services[service], order[:position], told)
    return Wanted(
        commit=images.commit,
        services=tuple(_wanted_service(run, service, settings.services[service], images) for service in order),
    )


def fill_urls(template: Template, urls: dict[str, str]) -> Template:
    """Put the URLs of deployed services into a template's environment."""
    return template.model_copy(update={"env": fill(template.env, urls)})


def fill(values: dict[str, str], urls: dict[str, str]) -> dict[str, str]:
    """Put the URLs of deployed services into values such as `{auth.url}/login`.

    Raises:
        ConfigError: a value refers to a service that is not there.
    """
    for name, value in values.items():
        for other in _URL.findall(value):
            if other not in urls:
                raise ConfigError(f"{FILE}: {name} refers to {{{other}.url}}, and there is no service {other}.")
    return {name: _URL.sub(lambda found: urls[found[1]], value) for name, value in values.items()}


def referred(template: Template) -> tuple[str, ...]:
    """Return the services whose URLs a template's environment takes."""
    return tuple(dict.fromkeys(name for value in template.env.values() for name in _URL.findall(value)))


def label(text: str) -> str:
    """Return text as the platform lets it stand in a label: lower case, digits, `-` and `_`, at most 63 characters."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:_LABEL]


def binding(env: str, reference: str) -> SecretBinding:
    """Read `secret` or `secret:version`."""
    secret, _, version = reference.partition(":")
    return SecretBinding(env=env, secret=secret, version=version or "latest")


def _wanted_service(run: Run, service: str, asked: Service, images: Images) -> WantedService:
    image = images.of(service)
    labels = {"commit": label(images.commit), "cycle": str(run.cycle), "loop": label(run.loop)}
    template = Template(
        service=service,
        image=image.reference,
        port=asked.port,
        env=asked.env,
        secrets=tuple(binding(env, reference) for env, reference in asked.secrets.items()),
        account=asked.account,
        memory=asked.memory,
        health_path=asked.health.path,
        startup_seconds=asked.health.startup_s,
        labels=labels | ({"source": label(image.source)} if image.source else {}),
    )
    bound = asked.env.keys() | asked.secrets.keys()
    return WantedService(
        service=service,
        revision=_revision(run, template),
        digest=image.digest,
        template=template,
        unbound=tuple(name for name in asked.needs if name not in bound),
        depends_on=tuple(dict.fromkeys((*asked.depends_on, *referred(template)))),
        strategy=asked.strategy,
        smoke=asked.smoke,
        health=asked.health,
    )


def _revision(run: Run, template: Template) -> str:
    """Name a revision by loop, cycle and content: the step repeated finds it, anything else makes a new one."""
    content = f"{run.loop}\n{template.model_dump_json()}"
    tail = f"-c{run.cycle}-{hashlib.sha256(content.encode()).hexdigest()[:6]}"
    room = _LABEL - len(template.service) - len(tail) - 1
    loop = re.sub(r"[^a-z0-9]", "", run.loop.lower())[-min(room, 8) :]
    return f"{template.service}-{loop}{tail}" if loop else f"{template.service}{tail}"


def _check_env(service: str, asked: Service, earlier: tuple[str, ...], told: set[str]) -> None:
    """Refuse what cannot be deployed; of what the image gate has told already, the plan makes refusals."""
    where = f"{FILE}: services.{service}.env"
    for name in sorted((RESERVED & (asked.env.keys() | asked.secrets.keys())) - told):
        raise ConfigError(f"{where}.{name}: Cloud Run sets this itself. Remove it.")
    for name, value in asked.env.items():
        for other in _URL.findall(value):
            if other not in earlier:
                raise ConfigError(
                    f"{where}.{name}: {{{other}.url}} is not known yet when {service} is deployed. "
                    f"Add {other} to services.{service}.depends_on, or correct the name."
                )
