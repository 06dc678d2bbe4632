"""Step build: each service's build context, exported from the tested commit, becomes an image that its digest names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from untilgreen.build.ignore import IGNORE_FILE, parse_rules, split
from untilgreen.errors import ConfigError
from untilgreen.model.delivery import Exclusion, Image, Images
from untilgreen.ports import History, Registry
from untilgreen.settings import FILE, Settings


def build(settings: Settings, commit: str, history: History, registry: Registry, workdir: Path) -> Images:
    """Build every service's image from one commit.

    Args:
        settings: of that commit.
        commit: full sha.
        history: where the commit is.
        registry: where images go.
        workdir: a folder of our own; what an interrupted build left there is removed.

    Raises:
        ConfigError: a service's source is no folder of the commit, or an ignore file cannot be read.
        BuildFailed: a build context holds nothing that can be started.
    """
    shutil.rmtree(workdir, ignore_errors=True)
    history.export(commit, workdir)
    images = (_image(settings, service, commit, registry, workdir) for service in settings.services)
    return Images(commit=commit, images=tuple(images))


def context_files(context: Path) -> list[str]:
    """Return all files and links of a build context, relative to it, sorted."""
    found = []
    for folder, folders, files in os.walk(context):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        found += [Path(folder, name).relative_to(context).as_posix() for name in [*files, *links]]
    return sorted(found)


def _image(settings: Settings, service: str, commit: str, registry: Registry, export: Path) -> Image:
    wanted = settings.services[service]
    context = _context(export, service, wanted.source, commit)
    kept, excluded = _sorted_out(context, wanted.source)
    digest = registry.push(wanted.image, context, kept)
    return Image(
        service=service,
        reference=f"{wanted.image}@{digest}",
        digest=digest,
        commit=commit,
        files=tuple(kept),
        excluded=tuple(excluded),
    )


def _context(export: Path, service: str, source: str, commit: str) -> Path:
    context = export / source
    if not context.resolve().is_relative_to(export.resolve()):
        raise ConfigError(f"{FILE}: services.{service}.source: {source!r} leads out of the repository. Correct it.")
    if not context.is_dir():
        raise ConfigError(
            f"{FILE}: services.{service}.source: commit {commit[:12]} has no folder {source!r}. "
            f"Correct the path, or commit the folder."
        )
    return context


def _sorted_out(context: Path, source: str) -> tuple[list[str], list[Exclusion]]:
    """Apply the context's ignore file, if it has one."""
    ignore = context / IGNORE_FILE
    rule_file = (Path(source) / IGNORE_FILE).as_posix()
    text = ignore.read_text("utf-8", "replace") if ignore.is_file() else ""
    return split(context_files(context), parse_rules(text, rule_file), rule_file)
