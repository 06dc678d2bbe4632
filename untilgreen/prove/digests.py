"""What a test is made of, in one word: when that changes, it must show again that it can fail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

METHOD = "1"
"""Counted up when the control itself changes in a way that makes earlier trials worthless."""
_HIDDEN = ("__pycache__", "node_modules")


def digests(nodeids: Iterable[str], root: Path, tests: Path) -> dict[str, str]:
    """Return node id -> digest of its own file, the conftests above it, and every module beside the tests.

    Args:
        nodeids: of all collected tests, so that a module that holds none is known as one that they may import.
        root: the checkout.
        tests: folder or file of the tests, inside it.
    """
    nodeids = list(nodeids)
    names = dict.fromkeys(nodeid.split("::", 1)[0] for nodeid in nodeids)
    files = {name: _find(name, root, tests) for name in names}
    imported = _of_files(_modules(tests, frozenset(files.values())), root)
    own = {name: _joined(imported, _of_files([file, *_conftests(file, root)], root)) for name, file in files.items()}
    return {nodeid: own[nodeid.split("::", 1)[0]] for nodeid in nodeids}


def _find(name: str, root: Path, tests: Path) -> Path:
    """Return a test's file. Its name begins at pytest's rootdir, which lies anywhere between checkout and tests."""
    above = [folder for folder in (tests, *tests.parents) if folder.is_relative_to(root)]
    return next((folder / name for folder in reversed(above) if (folder / name).is_file()), root / name)


def _conftests(file: Path, root: Path) -> list[Path]:
    return [folder / "conftest.py" for folder in file.parents if folder.is_relative_to(root)]


def _modules(tests: Path, known: frozenset[Path]) -> list[Path]:
    """Return Python files beside the tests that are no tests, not even uncollected ones, and no conftest."""
    found = sorted(tests.rglob("*.py")) if tests.is_dir() else []
    return [file for file in found if file not in known and not _is_other(file.relative_to(tests).parts)]


def _is_other(parts: tuple[str, ...]) -> bool:
    name = parts[-1]
    test = name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py")
    return test or any(part.startswith(".") or part in _HIDDEN for part in parts)


def _of_files(files: Iterable[Path], root: Path) -> str:
    """Return a digest of names and contents; a file that is not there is told from an empty one."""
    lines = [f"{_relative(file, root)} {_content(file)}" for file in files]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _content(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "-"


def _joined(*parts: str) -> str:
    return hashlib.sha256("\n".join((METHOD, *parts)).encode()).hexdigest()[:16]
