"""How a container is started: which of its files run first, where Python looks for others, on which port it listens."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from untilgreen.build import dockerfile
from untilgreen.build.dockerfile import Stage, Words

PROCFILE = "Procfile"

_PYTHON = re.compile(r"(?:python|pypy)[\d.]*$")
_SERVERS = frozenset({"uvicorn", "gunicorn", "hypercorn", "daphne", "granian", "waitress-serve", "fastapi"})
_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_OTHERS = frozenset({"node", "npm", "npx", "yarn", "bun", "deno", "java", "dotnet", "ruby", "bundle", "php", "nginx"})
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$")
_TARGET = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):[A-Za-z_][\w.]*(?:\(.*\))?$")
_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_FOLDERS = ("--app-dir", "--chdir", "--pythonpath")
_PORTS = ("--port", "--bind", "-b")
_DEPTH = 3


@dataclass(frozen=True)
class Port:
    """A port that a start command names.

    Attributes:
        text: as it is written, for example `9000` or `$PORT`.
        expands: whether a shell fills variables in.
        sure: whether it is a server's own option; a script may mean something else by it.
    """

    text: str
    expands: bool
    sure: bool


@dataclass(frozen=True)
class Entry:
    """What runs first.

    Attributes:
        path: in the container.
        main: whether it is run as `__main__`.
        imported: whether it is found as a module, so that the packages around it are imported before.
    """

    path: str
    main: bool
    imported: bool


@dataclass
class Start:
    """How a container is started, as far as that can be read.

    Attributes:
        command: as it is written; empty when nothing says it.
        file: where it is written, relative to the build context.
        line: from 1.
        files: path in the container -> path in the build context.
        entries: what runs first; empty when that is not known.
        missing: what it starts and the container does not hold.
        roots: folders in which Python looks for modules, in order.
        ports: ports that it names.
        exposed: port that a Dockerfile exposes -> line.
        other: whether what it starts is certainly no Python.
    """

    command: str = ""
    file: str = ""
    line: int = 0
    files: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    entries: list[Entry] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)
    exposed: Mapping[int, int] = field(default_factory=dict)
    other: bool = False


def by_procfile(text: str, paths: tuple[str, ...], read: Callable[[str], str | None]) -> Start:
    """Read the `web:` line of a Procfile.

    Args:
        text: the Procfile.
        paths: files of the build context, ignored ones too: what is kept out is asked for all the same.
        read: returns the text of a file of the context, or None.
    """
    start = Start(file=PROCFILE, files={f"/{path}": path for path in paths})
    for number, line in enumerate(text.splitlines(), start=1):
        kind, _, command = line.partition(":")
        if kind.strip() == "web" and command.strip():
            start.command, start.line = command.strip(), number
            break
    return _understood(start, (Words((start.command,), expands=True, line=start.line),), {}, read)


def by_dockerfile(text: str, paths: tuple[str, ...], read: Callable[[str], str | None]) -> Start:
    """Read what the last stage of a Dockerfile starts; see `by_procfile` for the arguments."""
    stage = dockerfile.last_stage(text, paths)
    start = Start(file=dockerfile.NAME, files=stage.files, workdir=stage.workdir, exposed=stage.exposed)
    parts = _started(stage)
    start.command = " ".join(word for part in parts for word in part.words)
    start.line = parts[0].line if parts else 0
    return _understood(start, parts, stage.env, read)


def _started(stage: Stage) -> tuple[Words, ...]:
    """Put entry point and command together; the shell form of an entry point takes no command."""
    entry, command = stage.entrypoint, stage.command
    if entry and command and not entry.expands and not command.expands:
        return (Words((*entry.words, *command.words), expands=False, line=command.line),)
    first = entry or command
    return (first,) if first else ()


def _understood(
    start: Start, parts: tuple[Words, ...], env: Mapping[str, str], read: Callable[[str], str | None]
) -> Start:
    for part in parts:
        reader = _Reader(start, env, read, part.expands)
        for words in simple_commands(part.words[0]) if part.expands else [list(part.words)]:
            reader.take(words)
        start.other = not start.entries and not start.missing and reader.strange
    searched = [posixpath.join(start.workdir, place) for place in env.get("PYTHONPATH", "").split(":") if place]
    start.roots += [*searched, start.workdir, posixpath.join(start.workdir, "src")]
    start.roots = list(dict.fromkeys(posixpath.normpath(root) for root in start.roots))
    return start


def simple_commands(text: str) -> list[list[str]]:
    """Split a shell's text into commands of plain words; what cannot be split gives none."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|\n")
    lexer.whitespace_split = True
    lexer.whitespace = " \t"
    lexer.commenters = ""
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word.strip(";&|\n") == "":
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError:
        return []
    return [command for command in commands if command]


class _Reader:
    """Understands commands, one after the other, and writes what it learns into a start."""

    def __init__(self, start: Start, env: Mapping[str, str], read: Callable[[str], str | None], expands: bool) -> None:
        self._start = start
        self._expands = expands
        self._env = env
        self._read = read
        self._depth = 0
        self.strange = False
        """Whether a program was started that is neither Python nor a shell's script."""

    def take(self, words: list[str]) -> None:
        """Find Python, a server or a script among the words; what stands before it only wraps it."""
        for position, word in enumerate(words):
            name, rest = word.rpartition("/")[2], words[position + 1 :]
            if name in _SHELLS and "-c" in rest[:2]:
                self._expands = True
                for command in simple_commands(" ".join(rest[rest.index("-c") + 1 :][:1])):
                    self.take(command)
                return
            if _PYTHON.match(name):
                self._python(rest)
                return
            if name in _SERVERS:
                self._server(rest)
                return
            if word.endswith(".sh") and self._script(word):
                return
        program = words[0]
        self.strange = self.strange or program in _OTHERS or (program[0] in "./" and not program.endswith(".sh"))

    def _python(self, words: list[str]) -> None:
        """Read `-m MODULE` or `SCRIPT`; the interpreter's own options come first."""
        rest = iter(words)
        for word in rest:
            if word in _WITH_VALUE:
                next(rest, "")
            elif word == "-m":
                module, left = next(rest, ""), list(rest)
                if module in _SERVERS:
                    self._server(left)
                elif _MODULE.match(module):
                    self._module(module, main=True)
                    self._ports(left, sure=False)
                return
            elif word == "-c":
                return
            elif not word.startswith("-"):
                self._file(word)
                self._ports(list(rest), sure=False)
                return

    def _file(self, word: str) -> None:
        path = posixpath.normpath(posixpath.join(self._start.workdir, dockerfile.fill(word, self._env)))
        if path in self._start.files:
            self._start.entries.append(Entry(path, main=True, imported=False))
            self._start.roots.append(posixpath.dirname(path))
        elif path.endswith(".py"):
            self._start.missing.append(word)

    def _module(self, name: str, *, main: bool = False) -> None:
        """Take a module that lies in one of the folders; any other may be a library's."""
        roots = [*self._start.roots, self._start.workdir, posixpath.join(self._start.workdir, "src")]
        inner = name.replace(".", "/")
        ends = [f"{inner}/__main__.py", f"{inner}.py"] if main else [f"{inner}.py", f"{inner}/__init__.py"]
        for path in (posixpath.normpath(posixpath.join(root, end)) for root in roots for end in ends):
            if path in self._start.files:
                self._start.entries.append(Entry(path, main=main, imported=True))
                return

    def _server(self, words: list[str]) -> None:
        """Read the application that a server is told to serve, and where it looks for it."""
        for name, value in _options(words):
            if name in _FOLDERS:
                self._start.roots += [
                    posixpath.normpath(posixpath.join(self._start.workdir, place)) for place in value.split(",")
                ]
        targets = [found[1] for word in words if (found := _TARGET.match(word))]
        for target in targets or [word for word in words if _MODULE.match(word)]:
            self._module(target)
        for word in words:
            if word.endswith(".py") and not word.startswith("-") and not targets:
                self._file(word)
        self._ports(words, sure=True)

    def _ports(self, words: list[str], *, sure: bool) -> None:
        for name, value in _options(words):
            if name in _PORTS and (sure or name == "--port"):
                self._start.ports.append(Port(_port_of(value), expands=self._expands, sure=sure))

    def _script(self, word: str) -> bool:
        """Read a shell script of the build context, line by line."""
        path = posixpath.normpath(posixpath.join(self._start.workdir, word))
        text = self._read(self._start.files[path]) if path in self._start.files and self._depth < _DEPTH else None
        if text is None:
            return False
        self._depth, self._expands = self._depth + 1, True
        for line in text.replace("\\\n", " ").splitlines():
            for command in simple_commands(line.partition(" #")[0]) if not line.lstrip().startswith("#") else []:
                self.take(command)
        self.strange = False
        return True


def _port_of(value: str) -> str:
    """Return what stands after the last colon; the one in `${PORT:-8080}` is none."""
    return value if value.startswith("$") else re.sub(r"^.*?:(?=\$|\d+$)", "", value)


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Go through options and their values, written `--name value` or `--name=value`."""
    for position, word in enumerate(words):
        if word.startswith("-"):
            name, equals, value = word.partition("=")
            following = words[position + 1] if position + 1 < len(words) else ""
            yield name, value if equals else following
