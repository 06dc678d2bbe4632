"""What a project shows: its services and its end-to-end tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from untilgreen.init import source
from untilgreen.model.delivery import SecretBinding
from untilgreen.model.document import Document

Files = Mapping[str, str]
"""Path relative to the root -> text."""

_STARTS = ("Procfile", "Dockerfile")
_ENTRIES = ("main.py", "app.py", "server.py", "package.json", "go.mod")
_TEST_FILE = re.compile(r"^(test_.*|.*_test)\.py$")
_E2E = re.compile(r"e2e|(^|[-_.])(end[-_]to[-_]end|acceptance|integration|system|smoke)($|[-_.])", re.IGNORECASE)
_CLIENT = re.compile(
    r"^\s*(?:import|from)\s.*\b(httpx|requests|aiohttp|websockets?|urllib|grpc|playwright)\b", re.MULTILINE
)


class ServiceSeen(Document):
    """A folder that looks like a service, or a service that is deployed."""

    name: str
    source: str = ""
    """Relative to the root; empty when no folder was found for it."""
    certain: bool = True
    """Whether something says how it starts."""
    port: int | None = None
    reads_port: bool = False
    procfile: bool = False
    command: str = ""
    """How its Dockerfile starts it."""
    python: str = ""
    health: str = ""
    reads: tuple[str, ...] = ()
    """Env names."""
    demands: tuple[str, ...] = ()
    """Those of them that it cannot do without."""
    image: str = ""
    account: str = ""
    memory: str = ""
    secrets: tuple[SecretBinding, ...] = ()
    urls: dict[str, str] = {}
    """Env name -> the service whose URL it holds."""


class SuiteSeen(Document):
    """A folder that looks like end-to-end tests."""

    path: str
    certain: bool
    functions: int
    reads: tuple[str, ...] = ()
    demands: tuple[str, ...] = ()


class Survey(Document):
    """All of it."""

    services: tuple[ServiceSeen, ...]
    suite: SuiteSeen | None


def survey(files: Files, name: str) -> Survey:
    """Look at a project.

    Args:
        files: from `read_tree`.
        name: of the project's folder; a service at its root is called so.
    """
    suite = _suite(files)
    return Survey(services=_services(files, name, suite), suite=suite)


def _services(files: Files, name: str, suite: SuiteSeen | None) -> tuple[ServiceSeen, ...]:
    tests = suite.path if suite else ""
    folders = _folders(files, _STARTS) or _folders(files, _ENTRIES)
    folders = [folder for folder in folders if not (tests and _inside(folder, tests))]
    inner = [folder for folder in folders if folder != "."] or folders
    names = _names(inner, name)
    return tuple(_service(files, folder, names[folder], suite) for folder in inner)


def _service(files: Files, folder: str, name: str, suite: SuiteSeen | None) -> ServiceSeen:
    own = {path: text for path, text in files.items() if _inside(path, folder)}
    texts = [text for path, text in own.items() if not _is_test(path, suite) and PurePosixPath(path).suffix]
    dockerfile = own.get(_join(folder, "Dockerfile"), "")
    procfile = _join(folder, "Procfile") in own
    return ServiceSeen(
        name=name,
        source=folder,
        certain=procfile or bool(dockerfile),
        port=source.exposed_port(dockerfile),
        reads_port=source.reads_port([*texts, dockerfile, own.get(_join(folder, "Procfile"), "")]),
        procfile=procfile,
        command=source.start_command(dockerfile),
        python=source.python_version(dockerfile, own.get(_join(folder, "pyproject.toml"), "")),
        health=source.health_path(texts),
        reads=source.read(texts),
        demands=source.demanded(texts),
    )


def _suite(files: Files) -> SuiteSeen | None:
    """Choose the folder whose name or whose imports look most like end-to-end tests."""
    folders = {_top(PurePosixPath(path).parent) for path in files if _TEST_FILE.match(PurePosixPath(path).name)}
    ranked = sorted(folders, key=lambda folder: (-_likeness(files, folder), folder.count("/"), folder))
    if not ranked:
        return None
    path = ranked[0]
    texts = [text for file, text in files.items() if _inside(file, path) and file.endswith(".py")]
    return SuiteSeen(
        path=path,
        certain=bool(_E2E.search(PurePosixPath(path).name)),
        functions=source.test_functions(texts),
        reads=source.read(texts),
        demands=source.demanded(texts),
    )


def _top(folder: PurePosixPath) -> str:
    """Return the outermost folder on the way that calls itself end-to-end tests, or the folder itself."""
    outer = (way for way in reversed((folder, *folder.parents)) if _E2E.search(way.name))
    return str(next(outer, folder))


def _likeness(files: Files, folder: str) -> int:
    texts = [text for path, text in files.items() if _inside(path, folder)]
    return 2 * bool(_E2E.search(PurePosixPath(folder).name)) + any(_CLIENT.search(text) for text in texts)


def _folders(files: Files, marks: tuple[str, ...]) -> list[str]:
    return sorted({str(PurePosixPath(path).parent) for path in files if PurePosixPath(path).name in marks})


def _names(folders: list[str], project: str) -> dict[str, str]:
    """Name services by their folder, and by their parent too where two folders have the same name."""
    last = [PurePosixPath(folder).name for folder in folders]
    names: dict[str, str] = {}
    for folder, own in zip(folders, last, strict=True):
        name = service_name((own or project) if last.count(own) == 1 else folder)
        tries = (name, *(f"{name[:45]}-{number}" for number in range(2, len(folders) + 2)))
        names[folder] = next(free for free in tries if free not in names.values())
    return names


def service_name(text: str) -> str:
    """Return text as Cloud Run lets a service be called."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:49].strip("-")
    return name if name[:1].isalpha() else f"s-{name}"[:49].strip("-")


def _inside(path: str, folder: str) -> bool:
    return folder in (".", path) or path.startswith(f"{folder}/")


def _join(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"


def _is_test(path: str, suite: SuiteSeen | None) -> bool:
    name = PurePosixPath(path).name
    return bool(_TEST_FILE.match(name)) or name == "conftest.py" or bool(suite and _inside(path, suite.path))
