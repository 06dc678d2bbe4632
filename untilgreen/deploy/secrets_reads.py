"""Which environment variables Python source reads, and which of them it cannot do without."""

from __future__ import annotations

import ast
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from untilgreen.ports import History

PLATFORM = frozenset({"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"})
"""Cloud Run gives these to every container."""

IMAGE = frozenset({"PATH", "HOME", "HOSTNAME", "PWD", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SHELL", "TERM"})
"""Base images have these."""

_READERS = frozenset({"environ.get", "getenv", "environ.pop", "environ.setdefault"})
_SET = re.compile(r"^\s*(?:ENV|ARG|export)\s+(\w+)[=\s]|^\s*web:\s*((?:\w+=\S+\s+)+)", re.MULTILINE)
"""Where an image or its start command sets a variable itself."""
LARGEST = 512 * 1024
"""Bytes: larger files are data or generated."""
_TESTS = re.compile(r"(^|/)(tests?|e2e)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$")


@dataclass(frozen=True, slots=True)
class Read:
    """A place where the source reads an environment variable.

    Args:
        name: the variable.
        path: file, relative to the repository's root.
        line: from 1.
        optional: whether the source has a default for it, or sees for itself whether it is there.
    """

    name: str
    path: str
    line: int
    optional: bool


def reads_in(tree: ast.Module, path: str) -> Iterator[Read]:
    """Go through the places of one file, in no certain order."""
    constants = _constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _dotted(node.value).endswith("environ"):
            if isinstance(node.ctx, ast.Load):
                yield from _named(path, node, node.slice, constants, optional=False)
        elif isinstance(node, ast.Call) and node.args and _reader(node.func):
            optional = len(node.args) > 1 or bool(node.keywords)
            yield from _named(path, node, node.args[0], constants, optional=optional)
        elif isinstance(node, ast.ClassDef) and any(_dotted(b).endswith("BaseSettings") for b in node.bases):
            yield from _settings(path, node)


def needed_by_source(texts: Mapping[str, str]) -> dict[str, Read]:
    """Return what a service's Python source reads by `os.environ[...]` and nothing in its build context sets.

    Args:
        texts: path -> content of what `source_texts` gives for the service.

    Returns:
        By name; the first place of each. Only what certainly raises KeyError counts: `getenv` gives None.
    """
    found: dict[str, Read] = {}
    own: set[str] = set()
    for path, text in sorted(texts.items()):
        if not path.endswith(".py"):
            own |= _set_by_image(text)
        elif "environ" in text and (tree := _parsed(text)):
            own |= _looked_for(tree)
            for read in sorted(_subscripts(tree, path), key=lambda read: read.line):
                found.setdefault(read.name, read)
    return {name: read for name, read in found.items() if name not in own | PLATFORM | IMAGE}


def source_texts(history: History, commit: str, sources: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Read what may name environment variables: Python sources without tests, Dockerfiles, start scripts.

    Args:
        history: the repository.
        commit: which one is deployed.
        sources: service -> its build context, relative to the repository's root.

    Returns:
        Service -> path -> content; what is no UTF-8 or larger than any source file is left out.
    """
    paths = history.files(commit)
    with tempfile.TemporaryDirectory(prefix="untilgreen-") as folder:
        root = Path(folder, "commit")
        history.export(commit, root)
        return {
            service: {path: text for path in _sources(paths, source) if (text := _content(root / path)) is not None}
            for service, source in sources.items()
        }


def _sources(paths: tuple[str, ...], source: str) -> Iterator[str]:
    for path in paths:
        file = PurePosixPath(path)
        wanted = file.suffix in {".py", ".sh"} or file.name.startswith(("Dockerfile", "Procfile"))
        if wanted and file.is_relative_to(PurePosixPath(source)) and not _TESTS.search(path):
            yield path


def _content(file: Path) -> str | None:
    if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST:
        return None
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        return None


def _subscripts(tree: ast.Module, path: str) -> Iterator[Read]:
    """Go through what raises when it is absent and stands in no `try`."""
    guarded = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Try) for inner in ast.walk(node)}
    constants = _constants(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Subscript) or id(node) in guarded:
            continue
        if isinstance(node.ctx, ast.Load) and _dotted(node.value).endswith("environ"):
            yield from _named(path, node, node.slice, constants, optional=False)


def _looked_for(tree: ast.Module) -> set[str]:
    """Return the names that the source sets itself, or asks about before it reads them."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(_dotted(c).endswith("environ") for c in node.comparators):
            names |= _text(node.left)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            names |= _text(node.slice) if _dotted(node.value).endswith("environ") else set()
        elif isinstance(node, ast.Call) and node.args and _dotted(node.func).endswith("environ.setdefault"):
            names |= _text(node.args[0])
    return names


def _text(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _set_by_image(text: str) -> set[str]:
    """Return the names that a Dockerfile, a start script or a Procfile gives a value."""
    names: set[str] = set()
    for single, several in _SET.findall(text):
        names |= {single} if single else {pair.partition("=")[0] for pair in several.split()}
    return names


def _parsed(text: str) -> ast.Module | None:
    """Return the syntax tree; None for what does not parse here: the image gate tells about that."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _named(
    path: str, node: ast.expr, name: ast.expr, constants: Mapping[str, str], *, optional: bool
) -> Iterator[Read]:
    text = (
        name.value if isinstance(name, ast.Constant) else constants.get(name.id) if isinstance(name, ast.Name) else None
    )
    if isinstance(text, str):
        yield Read(text, path, node.lineno, optional)


def _settings(path: str, node: ast.ClassDef) -> Iterator[Read]:
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            yield Read(field.target.id.upper(), path, field.lineno, optional=field.value is not None)


def _constants(tree: ast.Module) -> dict[str, str]:
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _reader(func: ast.expr) -> bool:
    name = _dotted(func)
    return any(name == reader or name.endswith(f".{reader}") for reader in _READERS)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
