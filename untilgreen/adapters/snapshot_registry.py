"""Images as folders: what the emulator starts instead of containers.

`<folder>/<registry>/<name>/<64 hex digits>/` holds the files of a build context and the Procfile that starts it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from untilgreen.errors import BuildFailed
from untilgreen.ports import BuildOrder

PROCFILE = "Procfile"


class SnapshotRegistry:
    """Keeps images as folders named by their content.

    Args:
        folder: where they are kept; made when the first image comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ready(self) -> None:
        """See nothing: files need no engine."""

    def build(self, order: BuildOrder) -> str:
        """Keep what the ignore files leave of a build context as an image; see `push`."""
        return self.push(order.image, Path(order.context), order.files)

    def resolve(self, name: str, tag: str, _commit: str = "") -> str:
        """Return the digest that a tag means now.

        Raises:
            BuildFailed: there is no such tag.
        """
        file = self._folder / name / "tags" / tag
        inside = file.resolve().is_relative_to(self._folder.resolve())
        if not inside or not file.is_file():
            raise BuildFailed(f"{name}:{tag}: the emulator's registry has no such image. Correct the tag.")
        return file.read_text("utf-8").strip()

    def push(self, name: str, context: Path, files: Iterable[str]) -> str:
        """Keep these files of a context as an image.

        Args:
            name: registry and name, without tag.
            context: where the files lie.
            files: relative to the context, with slashes.

        Raises:
            BuildFailed: no Procfile says how to start it, or a link leads out of the context.
        """
        wanted = sorted(set(files))
        _need_start_command(name, context, wanted)
        for path in wanted:
            _stay_inside(name, context, path)
        digest = _tree_digest(context, wanted)
        image = self._folder / name / digest
        if not image.is_dir():
            self._keep(context, wanted, image)
        return f"sha256:{digest}"

    def _keep(self, context: Path, files: list[str], image: Path) -> None:
        """Copy beside the target and rename: nobody ever sees half an image."""
        image.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=image.parent, prefix=".part-") as part:
            staged = Path(part, "image")
            for path in files:
                (staged / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(context / path, staged / path, follow_symlinks=False)
            try:
                staged.rename(image)
            except OSError:
                if not image.is_dir():
                    raise


def _need_start_command(name: str, context: Path, files: list[str]) -> None:
    lines = (context / PROCFILE).read_text("utf-8", "replace").splitlines() if PROCFILE in files else []
    if not any(line.partition(":")[0].strip() == "web" and line.partition(":")[2].strip() for line in lines):
        raise BuildFailed(
            f"{name}: its build context holds no {PROCFILE} with a line `web: COMMAND`, so nothing can be started. "
            f"Add one at the root of the context, and look whether .dockerignore leaves it out."
        )


def _stay_inside(name: str, context: Path, path: str) -> None:
    file = context / path
    if file.is_symlink() and not file.resolve().is_relative_to(context.resolve()):
        raise BuildFailed(f"{name}: {path} is a link that leads out of the build context. Copy what it points to.")


def _tree_digest(context: Path, files: list[str]) -> str:
    """Hash path, kind and bytes of each file; lengths keep two neighbours from sharing a boundary."""
    tree = hashlib.sha256()
    for path in files:
        file = context / path
        if file.is_symlink():
            kind, content = b"link", os.fsencode(file.readlink())
        else:
            kind = b"exec" if file.stat().st_mode & 0o100 else b"file"
            content = file.read_bytes()
        for part in (os.fsencode(path), kind, content):
            tree.update(len(part).to_bytes(8, "big") + part)
    return tree.hexdigest()
