"""Looks at a project and writes its first settings."""

from __future__ import annotations

import json
from pathlib import Path

from untilgreen.errors import ConfigError
from untilgreen.init.deployed import with_deployed
from untilgreen.init.draft import SCHEMA, SEED, Target, draft, draft_seed, guesses
from untilgreen.init.survey import ServiceSeen, Survey, service_name, survey
from untilgreen.init.tree import read_tree
from untilgreen.model.delivery import ServiceState
from untilgreen.model.document import Document
from untilgreen.schema import settings_schema
from untilgreen.settings import FILE, parse

STATE = ".untilgreen"


class Guess(Document):
    """A line that wants a person's eye."""

    line: int
    why: str


class Begun(Document):
    """What init leaves behind."""

    files: tuple[str, ...]
    services: tuple[str, ...]
    suite: str
    guesses: tuple[Guess, ...]


def begin(root: Path, target: Target, deployed: tuple[ServiceState, ...] = (), *, force: bool = False) -> Begun:
    """Write untilgreen.yaml, and what belongs to it.

    Args:
        root: the project.
        target: where its services are to run.
        deployed: services that run already; their names and bindings go before guesses.
        force: whether files of ours may be written over.

    Raises:
        ConfigError: there are settings already, or the folder cannot be read.
    """
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder. Name the project with --repo.")
    seen = with_deployed(_survey(root), deployed)
    text = draft(seen, target)
    parse(text)
    written = {FILE: text}
    if not (target.project or target.endpoint) and (seed := draft_seed(seen)):
        written[SEED] = seed
    _write(root, written, force=force)
    _write_schema(root)
    return Begun(
        files=tuple(written),
        services=tuple(service.name for service in seen.services),
        suite=seen.suite.path if seen.suite else "",
        guesses=tuple(Guess(line=line, why=why) for line, why in guesses(text)),
    )


def _survey(root: Path) -> Survey:
    """Look at the folder; where nothing looks like a service, the whole folder may be one."""
    seen = survey(read_tree(root), root.name)
    if seen.services:
        return seen
    whole = ServiceSeen(name=service_name(root.name) or "app", source=".", certain=False)
    return seen.model_copy(update={"services": (whole,)})


def _write(root: Path, files: dict[str, str], *, force: bool) -> None:
    taken = [name for name in files if (root / name).exists()]
    if taken and not force:
        raise ConfigError(
            f"{root}: {' and '.join(taken)} exist already. Remove them, or use --force to write over them."
        )
    for name, text in files.items():
        (root / name).write_text(text, "utf-8")


def _write_schema(root: Path) -> None:
    """Put the schema where the first line of the settings looks for it, out of git's sight."""
    folder = root / STATE
    folder.mkdir(exist_ok=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")
    (root / SCHEMA).write_text(json.dumps(settings_schema(), indent=1) + "\n", "utf-8")
