"""What the tested commit holds: text files of the build contexts, and what went into the images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from untilgreen.collect.gathered import Gathered
from untilgreen.model.delivery import Images
from untilgreen.model.document import Window
from untilgreen.model.evidence import GateSeen, ImageContent, SourceFile
from untilgreen.ports import History
from untilgreen.settings import FILE, Settings

LARGEST = 512 * 1024
"""Bytes: larger text files are data or generated, and no line of them is read by a person."""


def sources(history: History, settings: Settings, commit: str, window: Window) -> Gathered:
    """Collect the text files of each service's build context, and the settings."""
    contexts = {service: wanted.source for service, wanted in settings.services.items()}
    return context_files(history, contexts, commit, window, FILE)


def context_files(history: History, contexts: Mapping[str, str], commit: str, window: Window, *others: str) -> Gathered:
    """Collect text files of a commit.

    Args:
        history: the repository.
        contexts: service -> its build context, relative to the repository's root.
        commit: the tested one.
        window: only for the coverage records.
        others: paths of further files, which belong to no service.
    """
    gathered = Gathered(window)
    with tempfile.TemporaryDirectory(prefix="untilgreen-") as folder:
        root = Path(folder)
        history.export(commit, root)
        paths = history.files(commit)
        for service, source in contexts.items():
            inside = [path for path in paths if PurePosixPath(path).is_relative_to(PurePosixPath(source))]
            _add_files(gathered, root, inside, service, commit, service or "*")
        for other in others:
            _add_files(gathered, root, [path for path in paths if path == other], "", commit, other)
    return gathered


def image_contents(images: Images, window: Window) -> Gathered:
    """Collect what went into each image and what was kept out."""
    gathered = Gathered(window)
    for image in images.images:
        content = ImageContent(
            service=image.service,
            digest=image.digest,
            commit=image.commit,
            files=image.files,
            excluded=image.excluded,
        )
        gathered.add([content], kind=ImageContent, subject=image.service, query="files of the image")
    return gathered


def gate_seen(images: Images, window: Window) -> Gathered:
    """Collect what the image gate found; the gate looks at every service before anything is built."""
    gathered = Gathered(window)
    for image in images.images:
        found = [GateSeen(finding=finding) for finding in images.findings if finding.service == image.service]
        gathered.add(found, kind=GateSeen, subject=image.service, query="every rule of the image gate")
    return gathered


def _add_files(gathered: Gathered, root: Path, paths: list[str], service: str, commit: str, subject: str) -> None:
    texts = {path: _text(root / path) for path in paths}
    left_out = [path for path, content in texts.items() if content is None]
    query = f"text files up to {LARGEST} bytes" + (f"; without {', '.join(left_out)}" if left_out else "")
    files = _files(texts, service, commit)
    gathered.add(files, kind=SourceFile, subject=subject, query=query)


def _files(texts: dict[str, str | None], service: str, commit: str) -> Iterator[SourceFile]:
    for path, content in texts.items():
        if content is not None:
            yield SourceFile(commit=commit, path=path, service=service, content=content)


def _text(file: Path) -> str | None:
    """Return a file's text; None for links, binary and large files."""
    if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST:
        return None
    raw = file.read_bytes()
    if b"\0" in raw:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
