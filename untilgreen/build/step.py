"""Step build: build contexts of the tested commit pass the image gate, then become images that their digests name."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from untilgreen.build import dockerfile
from untilgreen.build.contexts import BuildContext, context_of
from untilgreen.build.gate import examine
from untilgreen.model.delivery import Image, Images
from untilgreen.ports import Builder, BuildOrder, Checker, History
from untilgreen.settings import CommandBuilder, Service, Settings, SnapshotBuilder


def build(
    settings: Settings,
    commit: str,
    history: History,
    *,
    builders: Mapping[str, Builder],
    checker: Checker,
    workdir: Path,
) -> Images:
    """Build every service's image from one commit, unless the gate sees that one of them cannot start.

    Args:
        settings: of that commit.
        commit: full sha.
        history: where the commit is.
        builders: service -> what makes its image.
        checker: parses sources.
        workdir: a folder of our own; what an interrupted build left there is removed.

    Returns:
        The images and what the gate found. When it refuses one, none is built: they have no digests.

    Raises:
        ConfigError: a service's source is no folder of the commit, or an ignore file cannot be read.
        BuildFailed: an engine is down, a command fails, or a context holds nothing that can be started.
    """
    shutil.rmtree(workdir, ignore_errors=True)
    history.export(commit, workdir)
    contexts = {name: context_of(workdir, name, wanted, commit) for name, wanted in settings.services.items()}
    changed = history.uncommitted()
    findings = tuple(
        finding
        for name, context in contexts.items()
        for finding in examine(context, settings.services[name], checker, workdir, changed)
    )
    examined = Images(commit=commit, images=(), findings=findings)
    if examined.refused:
        images = tuple(_image(context, settings.services[name], commit, "") for name, context in contexts.items())
    else:
        images = _build_all(settings, commit, contexts, builders, workdir)
    return examined.model_copy(update={"images": images})


def _build_all(
    settings: Settings,
    commit: str,
    contexts: Mapping[str, BuildContext],
    builders: Mapping[str, Builder],
    workdir: Path,
) -> tuple[Image, ...]:
    """See that every engine is up before the first image is made."""
    for name in contexts:
        builders[name].ready()
    made = []
    for name, context in contexts.items():
        wanted = settings.services[name]
        order = BuildOrder(
            service=name,
            image=wanted.image,
            commit=commit,
            root=str(workdir.resolve()),
            context=str(context.folder.resolve()),
            files=context.kept,
        )
        made.append(_image(context, wanted, commit, builders[name].build(order)))
    return tuple(made)


def _image(context: BuildContext, wanted: Service, commit: str, digest: str) -> Image:
    return Image(
        service=context.service,
        reference=f"{wanted.image}@{digest}" if digest else "",
        digest=digest,
        commit=commit,
        files=context.kept,
        excluded=context.excluded,
        source=_source(context, wanted) if digest else "",
    )


def _source(context: BuildContext, wanted: Service) -> str:
    """Hash what is certainly in the image; empty where nobody can tell, for then an old image may well be right."""
    if isinstance(wanted.builder, SnapshotBuilder):
        return _hash(context.folder, {path: path for path in context.kept})
    file = context.folder / dockerfile.NAME
    if not isinstance(wanted.builder, CommandBuilder) or not file.is_file():
        return ""
    files = dockerfile.last_stage(file.read_text("utf-8", "replace"), context.kept).files
    return _hash(context.folder, files) if files else ""


def _hash(folder: Path, files: Mapping[str, str]) -> str:
    content = hashlib.sha256()
    for place, path in sorted(files.items()):
        file = folder / path
        held = os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
        for part in (os.fsencode(place), held):
            content.update(len(part).to_bytes(8, "big") + part)
    return content.hexdigest()[:40]
