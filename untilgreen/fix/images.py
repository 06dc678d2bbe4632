"""What the image gate says of a tree: the same rules as in step build, before anything is committed."""

from __future__ import annotations

from pathlib import Path

from untilgreen.build.contexts import context_of
from untilgreen.build.gate import examine
from untilgreen.errors import ConfigError
from untilgreen.model.delivery import GateFinding
from untilgreen.ports import Checker
from untilgreen.settings import Service, Settings


def examined(folder: Path, settings: Settings, checker: Checker) -> tuple[GateFinding, ...]:
    """Look at every service's build context.

    Args:
        folder: the whole tree.
        settings: that tree's own.
        checker: parses sources.

    Raises:
        BuildFailed: nothing can be checked.
    """
    services = settings.services.items()
    return tuple(finding for name, wanted in services for finding in _of(folder, name, wanted, checker))


def _of(folder: Path, name: str, wanted: Service, checker: Checker) -> tuple[GateFinding, ...]:
    """A context that cannot be read stops step build, so it counts as refused."""
    try:
        return examine(context_of(folder, name, wanted, "with the fix"), wanted, checker, folder, ())
    except ConfigError as error:
        return (GateFinding(service=name, rule="image.context", message=str(error)),)
