"""The image gate's other rules, and what step build does with what they find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.build_world import DOCKER, blocking, findings, service, warnings
from untilgreen.build.step import build
from untilgreen.errors import BuildFailed
from untilgreen.model.delivery import Images
from untilgreen.ports import Builder
from untilgreen.settings import parse
from untilgreen.testing import FakeBuilder, FakeChecker, FakeHistory

RUN = {"Procfile": "web: python main.py\n", "main.py": "a = 1\n"}
DOCKERFILE = "FROM python:3.11-slim\nCOPY . .\n"


def test_source_that_does_not_parse_is_refused(tmp_path: Path) -> None:
    """File, line, Python version and where that version is written stand in the finding."""
    files = {**RUN, "Dockerfile": DOCKERFILE, "main.py": "a = 1\ndef f(:\n"}
    (found,) = findings(tmp_path, files)
    assert found.blocking
    assert (found.rule, found.path, found.line) == ("image.syntax", "web/main.py", 2)
    assert "web/main.py:2 does not parse under Python 3.11 (Dockerfile)" in found.message


def test_only_the_first_place_of_a_file_is_told(tmp_path: Path) -> None:
    """What follows a syntax error mostly follows from it, and its line holds something."""
    (found,) = findings(tmp_path, {**RUN, "main.py": "a = (1,\n\n\n"})
    assert found.line == 1


@pytest.mark.parametrize(
    "path", ["tests/broken.py", "test_a.py", "templates/{{name}}/x.py", "my-notes.py", "docs/x.py"]
)
def test_files_beside_the_service_are_only_told(tmp_path: Path, path: str) -> None:
    """A test, a template or a file that nobody can import does not stop a start."""
    found = findings(tmp_path, {**RUN, path: "def f(:\n"})
    assert blocking(found) == []
    assert len(warnings(found)) == 1


def test_unreadable_source_is_a_finding(tmp_path: Path) -> None:
    """Bytes that are no text, and links that lead nowhere, are never passed over."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web/odd.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "web/link.py").symlink_to("nowhere.py")
    (tmp_path / "web/old.py").write_bytes(b"# -*- coding: latin-1 -*-\nx = '\xe9'\n")
    found = findings(tmp_path, RUN)
    assert [message.partition(" cannot be read")[0] for message in blocking(found)] == ["web/link.py", "web/odd.py"]
    assert ["web/old.py is not UTF-8" in message for message in warnings(found)] == [True]


@pytest.mark.parametrize(
    ("files", "more", "version", "source"),
    [
        ({"Dockerfile": "FROM python:3.12\n"}, {"python": "3.13"}, "3.13", "untilgreen.yaml: services.web.python"),
        ({"Dockerfile": "FROM python:3.12-slim\n", ".python-version": "3.11"}, {}, "3.12", "Dockerfile"),
        ({"Dockerfile": "ARG V=3.10\nFROM python:${V} AS a\nFROM a\n"}, {}, "3.10", "Dockerfile"),
        ({"Dockerfile": "FROM ghcr.io/astral-sh/uv:python3.9-bookworm\n"}, {}, "3.9", "Dockerfile"),
        ({"Dockerfile": "FROM python:3\n", "runtime.txt": "python-3.12.4\n"}, {}, "3.12", "runtime.txt"),
        ({".python-version": "cpython-3.12.1\n"}, {}, "3.12", ".python-version"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.10,<4"\n'}, {}, "3.10", "pyproject.toml"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.10"\n'}, {}, "3.10", "pyproject.toml"),
    ],
)
def test_version_and_its_source(
    tmp_path: Path, files: dict[str, str], more: dict[str, str], version: str, source: str
) -> None:
    """The image's Python comes from the settings, then the Dockerfile, then the files that tools read it from."""
    (found,) = findings(tmp_path, {**RUN, **files, "main.py": "def f(:\n"}, service(**more))
    assert f"under Python {version} ({source}" in found.message


def test_unknown_version_is_told(tmp_path: Path) -> None:
    """When nothing says the version, ours stands in for it: for the emulator rightly, for an image with a warning."""
    assert findings(tmp_path / "a", RUN) == ()
    (message,) = warnings(findings(tmp_path / "b", RUN, service(builder=DOCKER)))
    assert "Nothing says which Python web's image runs" in message


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        ("uvicorn main:app --port 9000", True),
        ("uvicorn main:app --port=9000", True),
        ("gunicorn -b 0.0.0.0:9000 main:app", True),
        ("exec uvicorn main:app --port $PORT", False),
        ("uvicorn main:app --port ${PORT:-9000}", False),
        ("uvicorn main:app --port 8080", False),
        ("gunicorn -b :9000 -b :$PORT main:app", False),
        ("gunicorn -b unix:/run/app.sock main:app", False),
        ("uvicorn main:app", False),
        ("python main.py --port 9000", False),
    ],
)
def test_port_of_the_command(tmp_path: Path, command: str, refused: bool) -> None:
    """A server told to listen on another literal port is refused; a script's option may mean anything."""
    found = findings(tmp_path, {"Procfile": f"web: {command}\n", "main.py": "app = 1\n"})
    assert bool(blocking(found)) is refused
    if refused:
        assert (found[0].key, found[0].expected, found[0].actual) == ("port", "8080", "9000")


@pytest.mark.parametrize(
    ("source", "refused"),
    [
        ("import uvicorn\nuvicorn.run('main:app', port=9000)", True),
        ("if __name__ == '__main__':\n    app.run(host='0.0.0.0', port=9000)", True),
        ("from aiohttp import web\nweb.run_app(app, port=9000)", True),
        ("app.run(port=8080)", False),
        ("app.run(port=int(os.environ['PORT']))", False),
        ("if DEBUG:\n    app.run(port=9000)\nelse:\n    app.run(port=PORT)", False),
        ("def main():\n    app.run(port=9000)\nmain()", False),
        ("start_http_server(port=9000)", False),
    ],
)
def test_port_of_the_script(tmp_path: Path, source: str, refused: bool) -> None:
    """A literal port is refused only where the started script certainly listens on it."""
    found = findings(tmp_path, {**RUN, "main.py": f"{source}\n"})
    assert [finding.actual for finding in found if finding.blocking] == (["9000"] if refused else [])


def test_variable_that_nobody_fills_in(tmp_path: Path) -> None:
    """The exec form hands `$PORT` over as it is written, and no server can listen on that."""
    dockerfile = 'FROM python:3.11\nWORKDIR /app\nCOPY . .\nEXPOSE 80\nCMD ["uvicorn", "main:app", "--port", "$PORT"]\n'
    found = findings(tmp_path, {"Dockerfile": dockerfile, "main.py": ""}, service(builder=DOCKER))
    assert ["web/Dockerfile:5 hands $PORT over as it is written" in m for m in blocking(found)] == [True]
    assert ["web/Dockerfile:4 exposes port 80, and the platform asks port 8080" in m for m in warnings(found)] == [True]


def test_reserved_names_are_refused_where_they_are_written(tmp_path: Path) -> None:
    """Names that Cloud Run sets itself are refused, with their line; others that begin with K_ are told."""
    yaml = "services:\n  web:\n    source: web\n    image: r/web\n    env:\n      PORT: '9'\n      K_OWN: x\n"
    found = findings(tmp_path, RUN, service(env={"PORT": "9", "K_OWN": "x"}), at_root={"untilgreen.yaml": yaml})
    refused = [(f.path, f.line, f.key, f.actual) for f in found if f.blocking]
    assert refused == [("untilgreen.yaml", 6, "PORT", "9")]
    assert len(warnings(found)) == 1
    (secret,) = findings(tmp_path, RUN, service(secrets={"K_SERVICE": "name:1"}))
    assert "services.web.secrets.K_SERVICE" in secret.message


def test_uncommitted_files_are_told(tmp_path: Path) -> None:
    """Changes in the context that no ignore file keeps out are not in what is tested: a warning."""
    changed = ("web/main.py", "web/new/", "web/notes.md", "other/x.py")
    (found,) = findings(tmp_path, {**RUN, ".dockerignore": "*.md\n"}, changed=changed)
    assert not found.blocking
    assert "web/main.py, web/new in the build context of web are not committed" in found.message


def test_prebuilt_images_are_not_looked_into(tmp_path: Path) -> None:
    """An image from elsewhere is judged by its settings alone, and that is said."""
    found = findings(tmp_path, {"main.py": "def f(:\n"}, service(builder={"kind": "prebuilt", "tag": "v7"}))
    assert ["was built elsewhere" in message for message in warnings(found)] == [True]
    assert blocking(found) == []


SETTINGS = parse("services: {web: {source: web, image: r.test/web}, api: {source: api, image: r.test/api}}")
GOOD = {f"{name}/{path}": text for name in ("web", "api") for path, text in RUN.items()}


def built(tmp_path: Path, files: dict[str, str], builders: dict[str, Builder]) -> Images:
    """Build a commit that holds these files."""
    history = FakeHistory(("first", files))
    return build(SETTINGS, history.head, history, builders=builders, checker=FakeChecker(), workdir=tmp_path / "work")


def test_nothing_is_built_when_one_image_is_refused(tmp_path: Path) -> None:
    """A refused image spares the builds of all: there are images without digests, and the findings say why."""
    builders = {"web": FakeBuilder(), "api": FakeBuilder(down="down")}
    images = built(tmp_path, {**GOOD, "web/main.py": "def f(:\n"}, dict(builders))
    assert images.refused
    assert [(image.service, image.digest, image.reference) for image in images.images] == [
        ("web", "", ""),
        ("api", "", ""),
    ]
    assert builders["web"].orders == []


def test_every_engine_is_asked_before_the_first_build(tmp_path: Path) -> None:
    """One engine that is down ends the build before anything was made."""
    builders = {"web": FakeBuilder(), "api": FakeBuilder(down="The engine is down.")}
    with pytest.raises(BuildFailed, match="engine is down"):
        built(tmp_path, GOOD, dict(builders))
    assert builders["web"].orders == []


def test_order_names_context_and_files(tmp_path: Path) -> None:
    """A builder gets the exported context of the commit, never the user's checkout."""
    web = FakeBuilder()
    images = built(
        tmp_path, {**GOOD, "web/.dockerignore": "*.md\n", "web/a.md": ""}, {"web": web, "api": FakeBuilder()}
    )
    (order,) = web.orders
    assert Path(order.context) == (tmp_path / "work/web").resolve()
    assert order.files == (".dockerignore", "Procfile", "main.py")
    assert images.of("web").source != images.of("api").source != ""
