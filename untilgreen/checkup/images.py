"""Looks at what images are made from, by the image gate and the builders of the loop."""

from __future__ import annotations

from pathlib import Path

from untilgreen.build.contexts import context_of
from untilgreen.build.gate import examine
from untilgreen.doctor.facts import BuildSeen, ContextSeen
from untilgreen.errors import UntilgreenError
from untilgreen.ports import Checker
from untilgreen.settings import Service, Settings
from untilgreen.wiring import Workshop, builder_of, emulator_state


def look_at_build(shop: Workshop, checkout: Path) -> BuildSeen:
    """Look at each service's build context and builder.

    Args:
        shop: whose settings and adapters.
        checkout: the commit's files.
    """
    services = shop.settings.services.items()
    return BuildSeen(
        contexts=tuple(
            context_seen(name, service, checkout, shop.checker, _engine(shop, name, service))
            for name, service in services
        )
    )


def context_seen(name: str, service: Service, checkout: Path, checker: Checker, engine: str) -> ContextSeen:
    """Look at one service.

    Args:
        name: the service's.
        service: its settings.
        checkout: the commit's files.
        checker: parses sources.
        engine: why its builder cannot work; empty when it can.
    """
    seen = ContextSeen(service=name, source=service.source, builder=service.builder.kind, error=engine)
    try:
        context = context_of(checkout, name, service, "HEAD")
        # What is uncommitted is told by a check of its own.
        findings = examine(context, service, checker, checkout, ())
    except UntilgreenError as error:
        return seen.model_copy(update={"error": "\n".join(filter(None, (str(error), engine)))})
    update = {"files": len(context.kept), "procfile": "Procfile" in context.kept, "findings": findings}
    return seen.model_copy(update=update)


def _engine(shop: Workshop, name: str, service: Service) -> str:
    """Return why nothing can be built; empty when everything is there."""
    wanted: Settings = shop.settings
    try:
        builder_of(name, service, wanted.cloud.target, emulator_state(shop.root, wanted) / "registry").ready()
    except UntilgreenError as error:
        return str(error)
    return ""
