"""Stand-ins for what makes and checks images; import them from `untilgreen.testing`."""

from __future__ import annotations

import ast
import builtins
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

    def names(self, folder: Path, files: Sequence[str], python: str) -> tuple[Diagnostic, ...]:
        """Return names that a file uses and nowhere defines, and imports that it nowhere uses."""
        broken = self.check(folder, files, python)
        sound = [path for path in files if path not in {one.path for one in broken}]
        return broken + tuple(one for path in sound for one in _names(path, ast.parse((folder / path).read_bytes())))


def _names(path: str, module: ast.Module) -> list[Diagnostic]:
    nodes = list(ast.walk(module))
    used = {n.id: n.lineno for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    aliases = [
        (a.asname or a.name.partition(".")[0], n.lineno) for n in nodes if isinstance(n, _IMPORT) for a in n.names
    ]
    known = {n.id for n in nodes if isinstance(n, ast.Name)} - set(used) | {
        n.arg for n in nodes if isinstance(n, ast.arg)
    }
    known |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    known |= (
        {n.name for n in nodes if isinstance(n, _NAMED) and n.name} | {name for name, _ in aliases} | set(dir(builtins))
    )
    missing = [(line, f"Undefined name `{n}`", "F821") for n, line in used.items() if n not in {*known, "__file__"}]
    idle = [(line, f"`{name}` imported but unused", "F401") for name, line in aliases if name not in used]
    return [Diagnostic(path=path, line=line, message=said, rule=rule) for line, said, rule in sorted(missing + idle)]


_IMPORT = ast.Import | ast.ImportFrom
_NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler
