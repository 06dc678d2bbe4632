"""Where in the product's own source a traceback ends."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from untilgreen.model.evidence import Entry, Raised, SourceFile
from untilgreen.model.suite import Frame
from untilgreen.triage.scene import Scene

_LIBRARY = re.compile(r"site-packages|dist-packages|/lib/python\d|/python\d[\d.]*/|^<")
_LOCATION = re.compile(r'File "([^"\n]+)", line (\d+)(?:, in (\S+))?')


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of the tested commit.

    Args:
        path: relative to the repository's root.
        line: from 1.
        function: innermost function around it, or `<module>`.
        source: the line itself, without indentation.
    """

    path: str
    line: int
    function: str
    source: str


def short(exception: str) -> str:
    """Return an exception's name without its module."""
    return exception.rsplit(".", 1)[-1]


def app_spot(scene: Scene, entry: Entry) -> Spot | None:
    """Return the deepest line of the service's own source in a logged traceback."""
    return spot_of(scene, entry.service, frames_of(entry))


def frames_of(entry: Entry) -> tuple[Frame, ...]:
    """Return a traceback's frames; for a syntax error also the line that does not parse, which is no frame."""
    raised = entry.raised
    frames = raised.frames if raised else ()
    if raised and short(raised.exception) in ("SyntaxError", "IndentationError", "TabError"):
        found = _LOCATION.findall(entry.message) or _LOCATION.findall(raised.message)
        frames = (*frames, *(Frame(path=p, line=int(n), function=f or "<module>") for p, n, f in found[-1:]))
    return frames


def spot_of(scene: Scene, service: str, frames: tuple[Frame, ...]) -> Spot | None:
    """Return the deepest frame that is a line of this service's source."""
    return next(_spots(scene, service, reversed(frames)), None)


def way(scene: Scene, entry: Entry) -> tuple[Spot, ...]:
    """Return the lines of the service's own source that a logged traceback passes through, the deepest first."""
    frames = frames_of(entry)
    key = ("way", f"{entry.service} {[(f.path, f.line) for f in frames]}")
    if key not in scene.memo:
        scene.memo[key] = tuple(_spots(scene, entry.service, reversed(frames)))
    found: tuple[Spot, ...] = scene.memo[key]
    return found


def _spots(scene: Scene, service: str, frames: Iterable[Frame]) -> Iterator[Spot]:
    for frame in frames:
        if file := _file_of(scene, service, frame):
            function = function_at(scene, file.path, frame.line, frame.function)
            yield Spot(file.path, frame.line, function, _line(scene, file.path, frame.line))


def _line(scene: Scene, path: str, line: int) -> str:
    lines = scene.lines(path)
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def _file_of(scene: Scene, service: str, frame: Frame) -> SourceFile | None:
    """Map a container's path to the service's source by the longest common ending, and check the line itself."""
    parts = frame.path.replace("\\", "/").split("/")
    root = scene.root(service)
    candidates = [
        (_common(parts, file.path.removeprefix(root).split("/")), file.path, file)
        for file in scene.named(service, parts[-1])
        if _same_line(scene, file.path, frame)
    ]
    best = max(candidates, default=None, key=lambda c: (c[0], c[1]))
    return best[2] if best else None


def _same_line(scene: Scene, path: str, frame: Frame) -> bool:
    """Compare the quoted line; a traceback that quotes none is believed unless it lies in a library."""
    if not frame.source.strip():
        return not _LIBRARY.search(frame.path)
    return _line(scene, path, frame.line) == frame.source.strip().splitlines()[0].strip()


def _common(one: list[str], two: list[str]) -> int:
    count = 0
    for a, b in zip(reversed(one), reversed(two), strict=False):
        if a != b:
            break
        count += 1
    return count


def function_at(scene: Scene, path: str, line: int, default: str = "<module>") -> str:
    """Return the name of the innermost function around a line."""
    tree = scene.tree(path)
    if tree is None:
        return default
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: node.lineno).name if around else "<module>"


def last_line(raised: Raised, text: str) -> str:
    """Return the line of a logged traceback that names the exception, as it stands in the text."""
    name = short(raised.exception)
    lines = [line.strip() for line in text.splitlines() if name in line]
    exact = [line for line in lines if re.match(rf"(?:[\w.]+\.)?{re.escape(name)}(?::|$)", line)]
    return (exact or lines or [""])[-1]
