"""What the rules of the image gate look at."""

from __future__ import annotations

import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path

from untilgreen.build import dockerfile, start
from untilgreen.build.contexts import BuildContext, sorted_out
from untilgreen.build.gitrules import GIT_FILE
from untilgreen.build.python_version import Python, python_of
from untilgreen.build.start import Start
from untilgreen.model.delivery import Exclusion, GateFinding
from untilgreen.ports import Checker, Diagnostic
from untilgreen.settings import FILE, PrebuiltImage, Service, SnapshotBuilder

_BUILD_FILES = frozenset(
    {
        dockerfile.NAME,
        start.PROCFILE,
        GIT_FILE,
        ".python-version",
        "runtime.txt",
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "Makefile",
    }
)
_READ = (".py", ".sh", "requirements.txt")
_LARGEST = 8 * 1024 * 1024
"""Bytes: a larger one is no source that anybody has written."""


@dataclass(frozen=True)
class Context:
    """A service's build context, read.

    Attributes:
        build: its files and what the ignore files keep out.
        wanted: the service's settings.
        texts: path in the context -> text, of sources and of what tells how an image is built.
        unreadable: path of a source -> why it has no text here.
        foreign: sources that declare another encoding than UTF-8.
        start: how the container is started.
        python: which Python it runs.
        diagnostics: what does not parse there.
        uncommitted: what the user's checkout holds otherwise, as far as it would go into the image.
        settings: the text of the settings file.
        gitignore: the text of the repository's own `.gitignore`.
    """

    build: BuildContext
    wanted: Service
    texts: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    start: Start = field(default_factory=Start)
    python: Python = Python("", "")  # noqa: RUF009 - frozen
    diagnostics: tuple[Diagnostic, ...] = ()
    uncommitted: tuple[str, ...] = ()
    settings: str = ""
    gitignore: str = ""

    @cached_property
    def kept(self) -> frozenset[str]:
        """What the ignore files leave."""
        return frozenset(self.build.kept)

    @cached_property
    def excluded(self) -> dict[str, Exclusion]:
        """Path -> the rule that keeps it out."""
        return {exclusion.path: exclusion for exclusion in self.build.excluded}

    def finding(self, rule: str, message: str, path: str = "", line: int = 0, *, blocking: bool = True) -> GateFinding:
        """Return a finding about this service; the path is one of the context."""
        place = self.build.in_repository(path) if path else ""
        return GateFinding(
            service=self.build.service, rule=rule, message=message, path=place, line=line, blocking=blocking
        )


def gather(build: BuildContext, wanted: Service, checker: Checker, export: Path, changed: Iterable[str]) -> Context:
    """Read a build context.

    Args:
        build: which.
        wanted: the service's settings.
        checker: parses sources.
        export: the exported commit.
        changed: what differs in the user's checkout, relative to the repository's root.

    Raises:
        ConfigError: the image's Python cannot be checked.
    """
    settings, gitignore = _at_root(export, FILE), _at_root(export, GIT_FILE)
    if isinstance(wanted.builder, PrebuiltImage):
        return Context(build, wanted, settings=settings)
    texts, unreadable = _read_all(build)
    python = python_of(build.service, wanted, texts)
    foreign = tuple(path for path in texts if path.endswith(".py") and not _is_utf8(build.folder / path))
    sources = [path for path in build.kept if path.endswith(".py") and path in texts and path not in foreign]
    return Context(
        build,
        wanted,
        texts,
        unreadable,
        foreign,
        _start(build, wanted, texts),
        python,
        checker.check(build.folder, sources, python.version) if sources else (),
        _would_go_in(build, wanted, changed),
        settings,
        gitignore,
    )


def _at_root(export: Path, name: str) -> str:
    return (export / name).read_text("utf-8", "replace") if (export / name).is_file() else ""


def _start(build: BuildContext, wanted: Service, texts: Mapping[str, str]) -> Start:
    """Read how it is started: the emulator goes by the Procfile, everybody else by the Dockerfile first."""
    paths = tuple(sorted({*build.kept, *(exclusion.path for exclusion in build.excluded)}))
    if dockerfile.NAME in texts and not isinstance(wanted.builder, SnapshotBuilder):
        return start.by_dockerfile(texts[dockerfile.NAME], paths, texts.get)
    return start.by_procfile(texts.get(start.PROCFILE, ""), paths, texts.get)


def _read_all(build: BuildContext) -> tuple[dict[str, str], dict[str, str]]:
    texts: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for path in (*build.kept, *(exclusion.path for exclusion in build.excluded)):
        if path in _BUILD_FILES or path.endswith(_READ):
            text, trouble = _read(build.folder, path)
            if trouble:
                unreadable[path] = trouble
            else:
                texts[path] = text
    return texts, unreadable


def _read(folder: Path, path: str) -> tuple[str, str]:
    """Return a file's text, or why there is none. A source may declare its encoding."""
    file = folder / path
    if not file.resolve().is_relative_to(folder.resolve()):
        return "", "it is a link that leads out of the build context"
    if not file.is_file():
        return "", "it is a link that leads nowhere"
    if file.stat().st_size > _LARGEST:
        return "", f"it is larger than {_LARGEST // 1024**2} MiB"
    raw = file.read_bytes()
    try:
        encoding = tokenize.detect_encoding(BytesIO(raw).readline)[0] if path.endswith(".py") else "utf-8"
        return raw.decode(encoding), ""
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return "", str(error)


def _is_utf8(file: Path) -> bool:
    try:
        file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _would_go_in(build: BuildContext, wanted: Service, changed: Iterable[str]) -> tuple[str, ...]:
    """Keep what lies in the context and no ignore file keeps out."""
    root = f"{build.source}/" if build.source else ""
    inside = [path.removeprefix(root).rstrip("/") for path in changed if path.startswith(root) and path != root]
    return tuple(sorted(sorted_out(build.folder, build.source, wanted, inside)[0]))
