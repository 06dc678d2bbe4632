"""Build contexts for the tests of the image gate, from a few lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from untilgreen.build.contexts import context_of
from untilgreen.build.gate import examine
from untilgreen.model.delivery import GateFinding
from untilgreen.ports import Checker
from untilgreen.settings import CommandBuilder, Service
from untilgreen.testing import FakeChecker

DOCKER = CommandBuilder(command=("docker", "build", "{context}"))


def service(**more: object) -> Service:
    """Return a service's settings; its source is the folder `web`."""
    return Service.model_validate({"source": "web", "image": "registry.test/web"} | more)


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")


def findings(
    root: Path,
    files: Mapping[str, str],
    wanted: Service | None = None,
    *,
    checker: Checker | None = None,
    changed: tuple[str, ...] = (),
    at_root: Mapping[str, str] | None = None,
) -> tuple[GateFinding, ...]:
    """Write a build context and let the gate look at it."""
    write(root / "web", files)
    write(root, at_root or {})
    wanted = wanted or service()
    context = context_of(root, "web", wanted, "c" * 40)
    return examine(context, wanted, checker or FakeChecker(), root, changed)


def blocking(found: tuple[GateFinding, ...]) -> list[str]:
    """Return the messages of those that refuse the image."""
    return [finding.message for finding in found if finding.blocking]


def warnings(found: tuple[GateFinding, ...]) -> list[str]:
    """Return the messages of the others."""
    return [finding.message for finding in found if not finding.blocking]
