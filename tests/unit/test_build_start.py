"""Start commands and Dockerfiles, as far as the image gate understands them."""

from __future__ import annotations

import pytest

from untilgreen.build.dockerfile import instructions, last_stage
from untilgreen.build.start import by_dockerfile, by_procfile, simple_commands

PATHS = ("main.py", "run.sh", "pkg/__init__.py", "pkg/app.py", "pkg/__main__.py", "src/inner/app.py", "manage.py")
SCRIPT = "#!/bin/sh\nset -e\n# python nothing.py\npython manage.py migrate\nexec gunicorn pkg.app:app\n"


@pytest.mark.parametrize(
    ("command", "entries"),
    [
        ("python main.py", ["/main.py"]),
        ("python3.11 -u -X dev ./main.py --flag", ["/main.py"]),
        ("exec env A=1 python main.py", ["/main.py"]),
        ("python -m pkg", ["/pkg/__main__.py"]),
        ("python -m pkg.app", ["/pkg/app.py"]),
        ("python -m uvicorn pkg.app:app", ["/pkg/app.py"]),
        ("uvicorn --workers 2 pkg.app:make_app --factory", ["/pkg/app.py"]),
        ("gunicorn -w 4 -k uvicorn.workers.UvicornWorker 'pkg.app:make()'", ["/pkg/app.py"]),
        ("gunicorn pkg.app", ["/pkg/app.py"]),
        ("hypercorn inner.app:app", ["/src/inner/app.py"]),
        ("uvicorn --app-dir src inner.app:app", ["/src/inner/app.py"]),
        ("fastapi run main.py", ["/main.py"]),
        ("python manage.py migrate && gunicorn pkg.app:app", ["/manage.py", "/pkg/app.py"]),
        ("sh -c 'python manage.py migrate; exec uvicorn pkg.app:app'", ["/manage.py", "/pkg/app.py"]),
        ("./run.sh", ["/manage.py", "/pkg/app.py"]),
        ("poetry run uvicorn pkg.app:app", ["/pkg/app.py"]),
        ("python -c 'import pkg'", []),
        ("node server.js", []),
        ("celery -A pkg worker", []),
        ("python 'unclosed", []),
    ],
)
def test_entries(command: str, entries: list[str]) -> None:
    """What a command starts is found behind options, wrappers, shells and scripts, or not at all."""
    start = by_procfile(f"web: {command}\n", PATHS, lambda path: SCRIPT if path == "run.sh" else None)
    assert [entry.path for entry in start.entries] == entries


def test_web_line_of_a_procfile() -> None:
    """Only the web process counts, and its line is known."""
    start = by_procfile("worker: python w.py\nweb: python main.py\n", PATHS, lambda _: None)
    assert (start.command, start.line) == ("python main.py", 2)


@pytest.mark.parametrize(("command", "other"), [("node server.js", True), ("/srv/run", True), ("serve", False)])
def test_programs_that_are_no_python(command: str, other: bool) -> None:
    """A known runtime or a program named by its path is no Python; any other name may be."""
    assert by_procfile(f"web: {command}\n", PATHS, lambda _: None).other is other


def test_script_path_is_searched_first() -> None:
    """A script's own folder leads the path, then PYTHONPATH, then where the command runs."""
    text = 'FROM x\nWORKDIR /app\nCOPY . .\nENV PYTHONPATH=lib:/opt\nCMD ["python", "pkg/app.py"]\n'
    assert by_dockerfile(text, PATHS, lambda _: None).roots == ["/app/pkg", "/app/lib", "/opt", "/app", "/app/src"]


def test_entry_point_and_command_make_one() -> None:
    """The exec forms are put together; the shell form of an entry point takes no command."""
    both = 'FROM x\nCOPY . .\nENTRYPOINT ["python"]\nCMD ["main.py"]\n'
    shell = 'FROM x\nCOPY . .\nENTRYPOINT python main.py\nCMD ["manage.py"]\n'
    assert [e.path for e in by_dockerfile(both, PATHS, lambda _: None).entries] == ["/main.py"]
    assert [e.path for e in by_dockerfile(shell, PATHS, lambda _: None).entries] == ["/main.py"]


@pytest.mark.parametrize(
    ("copy", "files"),
    [
        ("COPY . .", {"/app/main.py": "main.py", "/app/pkg/app.py": "pkg/app.py"}),
        ("COPY . /srv/", {"/srv/main.py": "main.py", "/srv/pkg/app.py": "pkg/app.py"}),
        ("COPY pkg .", {"/app/app.py": "pkg/app.py"}),
        ("COPY pkg/ pkg/", {"/app/pkg/app.py": "pkg/app.py"}),
        ("COPY main.py ./", {"/app/main.py": "main.py"}),
        ("COPY main.py start.py", {"/app/start.py": "main.py"}),
        ("COPY *.py ./", {"/app/main.py": "main.py"}),
        ('COPY --chown=1:1 ["main.py", "pkg", "./"]', {"/app/main.py": "main.py", "/app/app.py": "pkg/app.py"}),
        ("COPY gone .", {}),
    ],
)
def test_copy(copy: str, files: dict[str, str]) -> None:
    """COPY puts files where Docker puts them."""
    stage = last_stage(f"FROM x\nWORKDIR /app\n{copy}\n", ("main.py", "pkg/app.py"))
    assert stage.files == files


def test_stages() -> None:
    """The last stage counts, with what it takes from earlier ones by name, by number, or as its base."""
    text = (
        "ARG BASE=python:3.12\nFROM ${BASE} AS base\nWORKDIR /app\nFROM base AS made\nCOPY pkg /out/pkg\n"
        "FROM base\nCOPY --from=made /out .\nCOPY --from=1 /out/pkg two\nCOPY --from=nginx /etc/x x\n"
    )
    stage = last_stage(text, ("pkg/app.py",))
    assert (stage.base, stage.workdir) == ("python:3.12", "/app")
    assert stage.files == {"/app/pkg/app.py": "pkg/app.py", "/app/two/app.py": "pkg/app.py"}


def test_lines_comments_and_heredocs() -> None:
    """Continued lines are one instruction at its first line; comments and heredoc texts are none."""
    text = "# FROM no\nFROM x\nRUN a \\\n  # in between\n  && b\nRUN <<EOF\nCMD no\nEOF\nCMD c\n"
    assert [(i.name, i.rest, i.line) for i in instructions(text)] == [
        ("FROM", "x", 2),
        ("RUN", "a && b", 3),
        ("RUN", "<<EOF", 6),
        ("CMD", "c", 9),
    ]


def test_simple_commands() -> None:
    """A shell's text is split at its operators, outside of quotes."""
    assert simple_commands("a 'b && c' && d; e | f") == [["a", "b && c"], ["d"], ["e"], ["f"]]
