"""Images: folders on disk, written by others.

<folder>/REGISTRY/NAME/<64 hex digits>/   the files of the build context, with a Procfile
<folder>/REGISTRY/NAME/tags/TAG           `sha256:` and the hex digits
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_NAME = re.compile(r"[a-z0-9][a-z0-9._:-]*(/[a-z0-9][a-z0-9._-]*)*", re.IGNORECASE)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class ImageMissing(Exception):
    """There is no such image."""


@dataclass(frozen=True)
class Image:
    """What a container is started from.

    Args:
        reference: `REGISTRY/NAME@sha256:HEX`.
        folder: its files; never written to.
        command: the Procfile's `web` line.
    """

    reference: str
    folder: Path
    command: str


class Registry:
    """Finds images.

    Args:
        folder: where they lie; it may come into being later.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, reference: str) -> Image:
        """Return the image that a reference means now.

        Args:
            reference: `NAME@sha256:HEX`, `NAME:TAG`, or `NAME` for the tag `latest`.

        Raises:
            ImageMissing: there is none, or nothing in it says how to start it.
        """
        name, digest = self._pinned(reference)
        folder = self._folder / name / digest
        if not folder.is_dir():
            raise ImageMissing(reference)
        return Image(f"{name}@sha256:{digest}", folder, _web_command(folder / "Procfile"))

    def _pinned(self, reference: str) -> tuple[str, str]:
        name, _, digest = reference.partition("@")
        if not digest:
            name, tag = _split_tag(name)
            digest = self._tagged(name, tag)
        match = _DIGEST.fullmatch(digest)
        if not match or not _NAME.fullmatch(name) or ".." in name:
            raise ImageMissing(reference)
        return name, match[1]

    def _tagged(self, name: str, tag: str) -> str:
        if not _NAME.fullmatch(name) or ".." in name or not _TAG.fullmatch(tag):
            raise ImageMissing(f"{name}:{tag}")
        try:
            return (self._folder / name / "tags" / tag).read_text("utf-8").strip()
        except OSError:
            raise ImageMissing(f"{name}:{tag}") from None


def short_name(reference: str) -> str:
    """Return an image's name without registry, tag and digest."""
    return _split_tag(reference.partition("@")[0])[0].rpartition("/")[2]


def _split_tag(name: str) -> tuple[str, str]:
    """A colon before the last slash belongs to the registry's port."""
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{head}{slash}{last}", tag or "latest"


def _web_command(procfile: Path) -> str:
    lines = procfile.read_text("utf-8", "replace").splitlines() if procfile.is_file() else []
    for line in lines:
        kind, _, command = line.partition(":")
        if kind.strip() == "web" and command.strip():
            return command.strip()
    raise ImageMissing(f"{procfile.parent.name}: no Procfile with a `web:` line")
