"""Puts what is deployed beside what the folder shows. Names and references only: a plain value may be a secret."""

from __future__ import annotations

import re

from untilgreen.init.source import PLATFORM
from untilgreen.init.survey import ServiceSeen, Survey
from untilgreen.model.delivery import ServiceState


def with_deployed(seen: Survey, deployed: tuple[ServiceState, ...]) -> Survey:
    """Return a survey of what is deployed, with the sources that the folder shows; unchanged when nothing is."""
    if not deployed:
        return seen
    urls = {state.url: state.service for state in deployed if state.url}
    found = {service.name: service for service in seen.services}
    services = tuple(_merged(state, found.get(state.service), urls) for state in deployed)
    return seen.model_copy(update={"services": services})


def _merged(state: ServiceState, found: ServiceSeen | None, urls: dict[str, str]) -> ServiceSeen:
    known = found or ServiceSeen(name=state.service, certain=False)
    template = state.template
    if template is None:
        return known
    env = {name: value.rstrip("/") for name, value in template.env.items() if not PLATFORM.match(name)}
    called = {name: urls[value] for name, value in env.items() if urls.get(value, state.service) != state.service}
    return known.model_copy(
        update={
            "image": re.sub(r":[^:/]*$", "", template.image.partition("@")[0]),
            "port": template.port,
            "health": template.health_path or known.health,
            "account": template.account,
            "memory": template.memory,
            "secrets": template.secrets,
            "urls": called,
            "reads": tuple(sorted({*known.reads, *env})),
            "demands": tuple(sorted({*known.demands, *env})),
        }
    )
