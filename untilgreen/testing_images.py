"""Stand-ins for what makes and checks images; import them from `untilgreen.testing`."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from untilgreen.errors import BuildFailed
from untilgreen.ports import BuildOrder, Diagnostic


class FakeRegistry:
    """Keeps images in memory: name -> digest -> files."""

    def __init__(self) -> None:
        self.images: dict[str, dict[str, dict[str, bytes]]] = {}

    def push(self, name: str, context: Path, files: Iterable[str]) -> str:
        """Keep these files; without a Procfile nothing can be started."""
        held = {path: (context / path).read_bytes() for path in sorted(files)}
        commands = [line.partition(b"web:")[2] for line in held.get("Procfile", b"").splitlines()]
        if not any(command.strip() for command in commands):
            raise BuildFailed(f"{name}: no Procfile with a line `web: COMMAND`. Add one.")
        digest = "sha256:" + hashlib.sha256(repr(held).encode()).hexdigest()
        self.images.setdefault(name, {})[digest] = held
        return digest

    def ready(self) -> None:
        """See nothing: memory needs no engine."""

    def build(self, order: BuildOrder) -> str:
        """Keep what the ignore files leave of a build context."""
        return self.push(order.image, Path(order.context), order.files)


class FakeBuilder:
    """Makes images without making anything.

    Args:
        digest: what every image gets.
        down: why nothing can be built; empty when all is well.
    """

    def __init__(self, digest: str = f"sha256:{1:064d}", down: str = "") -> None:
        self._digest = digest
        self._down = down
        self.orders: list[BuildOrder] = []
        """What was asked for."""

    def ready(self) -> None:
        """Raise when it is down."""
        if self._down:
            raise BuildFailed(self._down)

    def build(self, order: BuildOrder) -> str:
        """Remember the order."""
        self.orders.append(order)
        return self._digest


class FakeChecker:
    """Parses sources as the Python that runs the tests does, whatever version is asked for."""

    def check(self, folder: Path, files: Sequence[str], python: str) -> tuple[Diagnostic, ...]:  # noqa: ARG002 - see above
        """Return what does not parse."""
        found = []
        for path in files:
            try:
                ast.parse((folder / path).read_bytes())
            except SyntaxError as error:
                found.append(Diagnostic(path=path, line=error.lineno or 0, message=error.msg))
        return tuple(found)
