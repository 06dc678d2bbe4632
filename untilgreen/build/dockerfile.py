"""What a Dockerfile puts where, and what it starts: its last stage, with those that the stage copies from.

Read as Docker reads it as far as the image gate needs it; what it does not know (`RUN`) it passes over.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

NAME = "Dockerfile"

_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_VARIABLE = re.compile(r"\\\$|\$(?:\{(\w+)(?::?([-+])([^}]*))?\}|(\w+))")
_FLAG = re.compile(r"--[a-z-]+(?:=\S*)?$")


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        name: upper case.
        rest: what follows, continuation lines joined.
        line: where it begins, from 1.
    """

    name: str
    rest: str
    line: int


@dataclass(frozen=True)
class Words:
    """A command as it is written.

    Attributes:
        words: the exec form's; the shell form has one, the whole text.
        expands: whether a shell reads it, so that `$PORT` is filled in.
        line: where, from 1.
    """

    words: tuple[str, ...]
    expands: bool
    line: int


@dataclass
class Stage:
    """What one stage of a Dockerfile makes.

    Attributes:
        base: the image that it starts from; a stage's own base when it starts from a stage.
        workdir: where its command runs.
        env: its environment, as far as it is literal.
        files: path in the image -> path in the build context.
        exposed: port -> line.
    """

    base: str = ""
    workdir: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    exposed: dict[int, int] = field(default_factory=dict)
    entrypoint: Words | None = None
    command: Words | None = None

    def copy(self) -> Stage:
        """Return one that goes on from here."""
        return replace(self, env=dict(self.env), files=dict(self.files), exposed=dict(self.exposed))


def last_stage(text: str, paths: Iterable[str]) -> Stage:
    """Go through a Dockerfile and return what its last stage makes.

    Args:
        text: the Dockerfile.
        paths: files of the build context, relative to it.
    """
    reader = _Reader(tuple(paths))
    for instruction in instructions(text):
        reader.take(instruction)
    return reader.stage


def instructions(text: str) -> Iterator[Instruction]:
    """Split a Dockerfile into its instructions; comments and the texts of heredocs are left out."""
    lines = enumerate(text.removeprefix("\ufeff").splitlines(), start=1)
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        joined = line.strip()
        while joined.endswith("\\"):
            following = next((more for _, more in lines if not more.lstrip().startswith("#")), "")
            joined = f"{joined[:-1].rstrip()} {following.strip()}".rstrip()
        for mark in _HEREDOC.findall(joined):
            next((n for n, more in lines if more.strip() == mark), None)
        name, _, rest = joined.partition(" ")
        yield Instruction(name.upper(), rest.strip(), number)


class _Reader:
    """Carries out a Dockerfile, one instruction after the other."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._paths = paths
        self._stages: dict[str, Stage] = {}
        self._outer: dict[str, str] = {}
        self._args: dict[str, str] = {}
        self.stage = Stage()

    def take(self, instruction: Instruction) -> None:
        """Carry out one instruction."""
        step = {
            "FROM": self._from,
            "ARG": self._arg,
            "ENV": self._env,
            "WORKDIR": self._workdir,
            "COPY": self._copy,
            "ADD": self._copy,
            "EXPOSE": self._expose,
            "ENTRYPOINT": self._entrypoint,
            "CMD": self._command,
        }.get(instruction.name)
        if step:
            step(instruction)

    def _filled(self, text: str) -> str:
        return fill(text, {**self._args, **self.stage.env})

    def _from(self, instruction: Instruction) -> None:
        # Only what stands before the first FROM may be used in a FROM.
        words = [w for w in fill(instruction.rest, self._outer).split() if not _FLAG.match(w)]
        image = words[0] if words else ""
        before = self._stages.get(image.lower())
        self.stage = before.copy() if before else Stage(base=image)
        self._args = {}
        self._stages[str(len({id(stage) for stage in self._stages.values()}))] = self.stage
        if len(words) > 2 and words[1].upper() == "AS":  # noqa: PLR2004 - FROM image AS name
            self._stages[words[2].lower()] = self.stage

    def _arg(self, instruction: Instruction) -> None:
        name, _, value = instruction.rest.partition("=")
        into = self._args if self._stages else self._outer
        into[name.strip()] = self._filled(value.strip().strip("\"'")) or self._outer.get(name.strip(), "")

    def _env(self, instruction: Instruction) -> None:
        words = _shell_words(instruction.rest)
        if words and "=" not in words[0]:
            words = [f"{words[0]}={' '.join(words[1:])}"]
        for name, _, value in (word.partition("=") for word in words):
            self.stage.env[name] = self._filled(value)

    def _workdir(self, instruction: Instruction) -> None:
        self.stage.workdir = posixpath.normpath(
            posixpath.join(self.stage.workdir, self._filled(instruction.rest.strip("\"'")))
        )

    def _copy(self, instruction: Instruction) -> None:
        flags, words = _copy_words(instruction.rest)
        if len(words) < 2:  # noqa: PLR2004 - a source and a target
            return
        *sources, target = (self._filled(word) for word in words)
        origin = flags.get("from")
        held = {f"/{path}": path for path in self._paths}
        if origin is not None:
            other = self._stages.get(self._filled(origin).lower())
            held = other.files if other else {}
        into = posixpath.join(self.stage.workdir, target)
        for source in sources:
            self.stage.files.update(_copied(held, source, into, folder=target.endswith("/") or len(sources) > 1))

    def _expose(self, instruction: Instruction) -> None:
        for word in self._filled(instruction.rest).split():
            port = word.partition("/")[0]
            if port.isdigit():
                self.stage.exposed[int(port)] = instruction.line

    def _entrypoint(self, instruction: Instruction) -> None:
        self.stage.entrypoint, self.stage.command = _words(instruction), None

    def _command(self, instruction: Instruction) -> None:
        self.stage.command = _words(instruction)


def fill(text: str, known: Mapping[str, str]) -> str:
    """Put variables into a text as Docker does; one that is not known stays as it is written."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[4]
        if name is None:
            return "$"
        if found[2] == "-":
            return known.get(name) or found[3]
        return known.get(name, found[0])

    return _VARIABLE.sub(value, text)


def _copied(held: Mapping[str, str], source: str, into: str, *, folder: bool) -> dict[str, str]:
    """Return where one source of a COPY comes to lie: a folder's contents, or a file under its name or a new one."""
    wanted = posixpath.normpath(posixpath.join("/", source))
    found: dict[str, str] = {}
    for path, origin in held.items():
        parts = path.split("/")
        matched = next((n for n in range(1, len(parts) + 1) if _matches("/".join(parts[:n]) or "/", wanted)), 0)
        if not matched:
            continue
        rest = "/".join(parts[matched:])
        placed = rest or (parts[-1] if folder or "*" in source else "")
        found[posixpath.normpath(posixpath.join(into, placed))] = origin
    return found


def _matches(path: str, pattern: str) -> bool:
    return path == pattern or (path.count("/") == pattern.count("/") and fnmatchcase(path, pattern))


def _copy_words(rest: str) -> tuple[dict[str, str], list[str]]:
    """Split a COPY into its flags and its paths; the paths may be a JSON list."""
    flags: dict[str, str] = {}
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        name, _, value = flag[2:].partition("=")
        flags[name] = value
        rest = rest.lstrip()
    return flags, list(_json_words(rest) or _shell_words(rest))


def _words(instruction: Instruction) -> Words | None:
    words = _json_words(instruction.rest)
    if words is not None:
        return Words(words, expands=False, line=instruction.line) if words else None
    return Words((instruction.rest,), expands=True, line=instruction.line) if instruction.rest else None


def _json_words(text: str) -> tuple[str, ...] | None:
    """Return the words of the exec form; None when it is the shell form."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except ValueError:
        return None
    return tuple(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def _shell_words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
