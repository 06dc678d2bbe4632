"""What a rollout is going to do, before it does anything."""

from __future__ import annotations

import hashlib
import re

from untilgreen.errors import ConfigError
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Images, SecretBinding, Template
from untilgreen.model.document import Document
from untilgreen.settings import FILE, Service, Settings, in_order

RESERVED = frozenset({"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"})
"""Env names that the platform sets itself."""

_URL = re.compile(r"\{([a-z][a-z0-9-]*)\.url\}")
_LABEL = 63
"""The platform's limit for label values and revision names."""


class PlannedService(Document):
    """One service's part of a rollout."""

    service: str
    revision: str
    digest: str
    template: Template
    """With `{name.url}` still in its environment: URLs are known when those services serve."""
    unbound: tuple[str, ...] = ()
    """Env names that it needs and that nothing binds."""


class RolloutPlan(Document):
    """Services in the order in which they are rolled out."""

    commit: str
    services: tuple[PlannedService, ...]


def plan(run: Run, settings: Settings, images: Images) -> RolloutPlan:
    """Make the plan of a rollout. The same input gives the same plan, revision names included.

    Raises:
        ConfigError: an env value refers to a service that is not deployed before, or sets what the platform sets.
    """
    order = in_order(settings)
    for position, service in enumerate(order):
        _check_env(service, settings.services[service], order[:position])
    planned = (_planned(run, service, settings.services[service], images) for service in order)
    return RolloutPlan(commit=images.commit, services=tuple(planned))


def fill_urls(template: Template, urls: dict[str, str]) -> Template:
    """Put the URLs of deployed services into a template's environment."""
    return template.model_copy(update={"env": fill(template.env, urls)})


def fill(values: dict[str, str], urls: dict[str, str]) -> dict[str, str]:
    """Put the URLs of deployed services into values such as `{auth.url}/login`."""
    return {name: _URL.sub(lambda found: urls[found[1]], value) for name, value in values.items()}


def label(text: str) -> str:
    """Return text as the platform lets it stand in a label: lower case, digits, `-` and `_`, at most 63 characters."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:_LABEL]


def binding(env: str, reference: str) -> SecretBinding:
    """Read `secret` or `secret:version`."""
    secret, _, version = reference.partition(":")
    return SecretBinding(env=env, secret=secret, version=version or "latest")


def _planned(run: Run, service: str, wanted: Service, images: Images) -> PlannedService:
    image = images.of(service)
    template = Template(
        service=service,
        image=image.reference,
        port=wanted.port,
        env=wanted.env,
        secrets=tuple(binding(env, reference) for env, reference in wanted.secrets.items()),
        account=wanted.account,
        memory=wanted.memory,
        health_path=wanted.health.path,
        startup_seconds=wanted.health.startup_s,
        labels={"commit": label(images.commit), "cycle": str(run.cycle), "loop": label(run.loop)},
    )
    bound = wanted.env.keys() | wanted.secrets.keys()
    return PlannedService(
        service=service,
        revision=_revision(run, template),
        digest=image.digest,
        template=template,
        unbound=tuple(name for name in wanted.needs if name not in bound),
    )


def _revision(run: Run, template: Template) -> str:
    """Name a revision by loop, cycle and content: the step repeated finds it, anything else makes a new one."""
    content = f"{run.loop}\n{template.model_dump_json()}"
    tail = f"-c{run.cycle}-{hashlib.sha256(content.encode()).hexdigest()[:6]}"
    room = _LABEL - len(template.service) - len(tail) - 1
    loop = re.sub(r"[^a-z0-9]", "", run.loop.lower())[-min(room, 8) :]
    return f"{template.service}-{loop}{tail}" if loop else f"{template.service}{tail}"


def _check_env(service: str, wanted: Service, earlier: tuple[str, ...]) -> None:
    where = f"{FILE}: services.{service}.env"
    for name in sorted(RESERVED & (wanted.env.keys() | wanted.secrets.keys())):
        raise ConfigError(f"{where}.{name}: Cloud Run sets this itself. Remove it.")
    for name, value in wanted.env.items():
        for other in _URL.findall(value):
            if other not in earlier:
                raise ConfigError(
                    f"{where}.{name}: {{{other}.url}} is not known yet when {service} is deployed. "
                    f"Add {other} to services.{service}.depends_on, or correct the name."
                )
