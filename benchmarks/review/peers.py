"""Two finders of duplicate code, in a Python of their own: jscpd and pylint's duplicate-code."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.review.cases import Case, inverses, rewrites, sources

Place = tuple[str, int, int]
"""File, first and last line."""
Finder = Callable[[Path], list[tuple[Place, Place]]]
_PYLINT = re.compile(r"^==(\S+):\[(\d+):(\d+)\]$", re.MULTILINE)


@dataclass(frozen=True)
class Peer:
    """One of them, with its settings."""

    name: str
    find: Finder


def install(folder: Path) -> Path:
    """Make an environment with the peers that can be had, and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    for peer in ("pylint", "jscpd"):
        subprocess.run([python, "-m", "pip", "install", "-q", peer], check=False)
    return python


def installed(python: Path) -> tuple[list[Peer], str]:
    """Return the peers of an environment, and which ones it lacks."""
    folder = python.parent
    settings = {"jscpd": (), "jscpd --similarity": ("--similarity=0.5", "--ignore-identifiers")}
    found = [Peer(name, _jscpd(folder, more)) for name, more in settings.items() if (folder / "jscpd").exists()]
    found += [Peer("pylint", _pylint(folder))] if (folder / "pylint").exists() else []
    missing = [name for name in ("jscpd", "pylint") if not (folder / name).exists()]
    return found, f"not to be had here: {', '.join(missing)}" if missing else ""


def _jscpd(folder: Path, more: tuple[str, ...]) -> Finder:
    def find(tree: Path) -> list[tuple[Place, Place]]:
        with tempfile.TemporaryDirectory() as out:
            words = [str(folder / "jscpd"), "--min-lines", "4", "--min-tokens", "30", "--no-gitignore", *more]
            command = [*words, "--reporters", "json", "--silent", "--output", out, "."]
            subprocess.run(command, check=False, cwd=tree, capture_output=True)
            report = json.loads(Path(out, "jscpd-report.json").read_text("utf-8"))
        return [(_side(clone["firstFile"]), _side(clone["secondFile"])) for clone in report["duplicates"]]

    return find


def _side(file: dict[str, object]) -> Place:
    return str(file["name"]).removeprefix("./"), int(str(file["start"])), int(str(file["end"]))


def _pylint(folder: Path) -> Finder:
    def find(tree: Path) -> list[tuple[Place, Place]]:
        files = {file.relative_to(tree).with_suffix("").as_posix(): file for file in tree.rglob("*.py")}
        modules = {name.replace("/", "."): f"{name}.py" for name in files}
        words = [str(folder / "pylint"), "--disable=all", "--enable=duplicate-code", "--min-similarity-lines=4"]
        command = [*words, "--output-format=json", *map(str, files.values())]
        done = subprocess.run(command, check=False, cwd=tree, capture_output=True, text=True)
        clones = []
        for message in json.loads(done.stdout or "[]"):
            places = [(modules.get(m[1], m[1]), int(m[2]) + 1, int(m[3])) for m in _PYLINT.finditer(message["message"])]
            clones += [(places[0], other) for other in places[1:]]
        return clones

    return find


def compared(peer: Peer) -> tuple[set[Case], set[Case]]:
    """Return the rewrites and the opposites between which a peer finds a clone; each function in a file of its own."""
    with tempfile.TemporaryDirectory() as name:
        for file in ("originals.py", "rewrites.py", "inverses.py"):
            for function, text in sources(file):
                Path(name, f"{function}.py").write_text(_dedented(text), "utf-8")
        pairs = {frozenset({one[0], other[0]}) for one, other in peer.find(Path(name))}
    return set(_within(rewrites(), pairs)), set(_within(inverses(), pairs))


def _within(cases: list[Case], pairs: set[frozenset[str]]) -> Iterator[Case]:
    return (case for case in cases if frozenset({f"{case.one}.py", f"{case.other}.py"}) in pairs)


def _dedented(text: str) -> str:
    lines = text.splitlines()
    depth = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[depth:] for line in lines) + "\n"


def covers(clones: list[tuple[Place, Place]], path: str, first: int, last: int) -> bool:
    """Tell whether half of some lines is said to stand elsewhere, too."""
    for one, other in clones:
        for (name, start, end), away in ((one, other), (other, one)):
            shared = min(end, last) - max(start, first) + 1
            apart = away[0] != path or away[2] < first or away[1] > last
            if name == path and apart and 2 * shared >= last - first + 1:
                return True
    return False
