"""Rule image.import: imports from the start command on against the files that the ignore files leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.build_world import DOCKER, blocking, findings, service, warnings

RUN = {"Procfile": "web: python main.py\n"}
DOCKERFILE = 'FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n'


def test_kept_out_package_is_refused_with_its_line(tmp_path: Path) -> None:
    """An import whose file an ignore line keeps out is blocking, and names importer, line, rule and file."""
    files = {
        **RUN,
        "main.py": "import os\nimport frames\n",
        "frames/__init__.py": "A = 1\n",
        ".dockerignore": "frames\n",
    }
    (found,) = findings(tmp_path, files)
    assert found.blocking
    assert (found.rule, found.path, found.line) == ("image.import", "web/main.py", 2)
    assert found.exclusion
    assert (found.exclusion.path, found.exclusion.rule_file, found.exclusion.line) == (
        "frames/__init__.py",
        "web/.dockerignore",
        1,
    )
    assert (
        "web/main.py:2 asks for frames, and web/.dockerignore:1 (frames) keeps web/frames/__init__.py" in found.message
    )


@pytest.mark.parametrize(
    "source",
    [
        "import gone.deep",
        "from gone import deep",
        "from gone.deep import x",
        "from gone import deep as d",
        "class A:\n    import gone.deep",
        "try:\n    import gone.deep\nfinally:\n    pass",
        "try:\n    import gone.deep\nexcept KeyError:\n    pass",
        "with open('x') as f:\n    import gone.deep",
        "if __name__ == '__main__':\n    import gone.deep",
        "import kept",
    ],
)
def test_what_is_certainly_imported_is_refused(tmp_path: Path, source: str) -> None:
    """Every import that the start carries out counts, also through other files."""
    files = {
        **RUN,
        "main.py": f"{source}\n",
        "kept.py": "from gone import deep\n",
        "gone/__init__.py": "",
        "gone/deep.py": "x = 1\n",
        ".dockerignore": "**/deep.py\n",
    }
    assert len(blocking(findings(tmp_path, files))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import gone\nexcept ImportError:\n    gone = None",
        "try:\n    import gone\nexcept (KeyError, ModuleNotFoundError):\n    gone = None",
        "try:\n    import gone\nexcept Exception:\n    pass",
        "try:\n    import gone\nexcept:\n    pass",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import gone",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import gone",
        "import typing\nif typing.TYPE_CHECKING:\n    from gone import x",
        "import kept",
        "import json, yaml, google.cloud.run_v2",
        "'import gone'",
    ],
)
def test_what_nothing_breaks_without_is_no_finding(tmp_path: Path, source: str) -> None:
    """Guarded imports, those for type checkers, other files' main blocks, libraries and texts are no findings."""
    files = {
        **RUN,
        "main.py": f"{source}\n",
        "kept.py": "if __name__ == '__main__':\n    import gone\n",
        "gone.py": "x = 1\n",
        ".dockerignore": "gone.py\n",
    }
    assert findings(tmp_path, files) == ()


@pytest.mark.parametrize(
    "source",
    [
        "def later():\n    import gone",
        "async def later():\n    from gone import x",
        "import sys\nif sys.platform == 'win32':\n    import gone",
        "for _ in ():\n    import gone",
        "def later():\n    import kept",
        "try:\n    import fast\nexcept ImportError:\n    import gone",
    ],
)
def test_what_is_perhaps_imported_is_a_warning(tmp_path: Path, source: str) -> None:
    """An import in a function or under a condition does not stop a start: it is told, and refuses nothing."""
    files = {
        **RUN,
        "main.py": f"{source}\n",
        "kept.py": "import gone\n",
        "gone.py": "x = 1\n",
        ".dockerignore": "gone.py\n",
    }
    found = findings(tmp_path, files)
    assert blocking(found) == []
    assert len(warnings(found)) == 1


def test_relative_imports_are_resolved(tmp_path: Path) -> None:
    """Dots lead to the package and to those around it; a module that no file holds is refused."""
    files = {
        "Procfile": "web: python -m pkg.app\n",
        "pkg/__init__.py": "",
        "pkg/app.py": "from . import near\nfrom .sub.deep import x\nfrom .nothing import y\n",
        "pkg/near.py": "from .sub import deep\n",
        "pkg/sub/__init__.py": "from ..near import *\n",
        "pkg/sub/deep.py": "x = 1\n",
    }
    (message,) = blocking(findings(tmp_path, files))
    assert message.startswith(
        "web/pkg/app.py:3 asks for .nothing, and the commit has no such file (web/pkg/nothing.py)"
    )


def test_names_that_a_package_binds_need_no_file(tmp_path: Path) -> None:
    """`from package import name` asks for a module only where the package binds no such name."""
    files = {
        **RUN,
        "main.py": "from pkg import name, other, lazy\n",
        "pkg/__init__.py": "name = 1\ndef other(): ...\n",
        "pkg/name.py": "",
        "pkg/other.py": "",
        "pkg/lazy.py": "",
        ".dockerignore": "pkg/*\n!pkg/__init__.py\n",
    }
    (message,) = blocking(findings(tmp_path, files))
    assert "keeps web/pkg/lazy.py out" in message


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({"pkg/fast.c": ""}, "from .fast import x"),
        ({"pkg/fast.cpython-311-x86_64-linux-gnu.so": ""}, "from .fast import x"),
        (
            {"pyproject.toml": '[tool.hatch.build.hooks.vcs]\nversion-file = "pkg/_version.py"\n'},
            "from ._version import v",
        ),
        ({".gitignore": "_version.py\n"}, "from ._version import v"),
        ({}, "from .api_pb2 import Message"),
        ({"pkg/__init__.py": "import sys\nsys.modules['pkg.made'] = sys\n"}, "from .made import x"),
    ],
)
def test_what_the_build_makes_is_not_refused(tmp_path: Path, more: dict[str, str], asked: str) -> None:
    """A module that is compiled, generated, or made at run time need not be committed."""
    files = {"Procfile": "web: python -m pkg.app\n", "pkg/__init__.py": "", "pkg/app.py": f"{asked}\n", **more}
    assert blocking(findings(tmp_path, files)) == []


def test_repositorys_own_gitignore_counts(tmp_path: Path) -> None:
    """What the repository's `.gitignore` names is made somewhere, not forgotten."""
    files = {"Procfile": "web: python -m pkg.app\n", "pkg/__init__.py": "", "pkg/app.py": "from .made import x\n"}
    found = findings(tmp_path, files, at_root={".gitignore": "/web/pkg/made.py\n"})
    assert blocking(found) == []
    assert len(warnings(found)) == 1


def test_forgotten_commit_is_named(tmp_path: Path) -> None:
    """A missing module that lies in the checkout is told apart: it was never committed."""
    files = {"Procfile": "web: python -m pkg.app\n", "pkg/__init__.py": "", "pkg/app.py": "from .fresh import x\n"}
    found = findings(tmp_path, files, changed=("web/pkg/fresh.py",))
    assert "asks for .fresh, and it is not committed" in blocking(found)[0]


def test_library_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    """When the requirements hold the name, or Python itself does, nobody can tell which one is meant."""
    files = {
        **RUN,
        "main.py": "import redis\nimport queue\n",
        "redis/__init__.py": "",
        "queue.py": "",
        "requirements.txt": "Redis>=5\n",
        ".dockerignore": "redis\nqueue.py\n",
    }
    assert findings(tmp_path, files) == ()


def test_package_without_its_empty_init_still_works(tmp_path: Path) -> None:
    """Python takes the mere folder when the `__init__` that is kept out does nothing."""
    files = {
        **RUN,
        "main.py": "import pkg.a\n",
        "pkg/__init__.py": "# nothing\n",
        "pkg/a.py": "",
        ".dockerignore": "**/__init__.py\n",
    }
    assert findings(tmp_path, files) == ()


@pytest.mark.parametrize(
    ("source", "refused"), [("import pkg.a", False), ("from pkg import a", False), ("from pkg import b", True)]
)
def test_package_without_its_init(tmp_path: Path, source: str, refused: bool) -> None:
    """Without an `__init__` that does something, an import ends where it takes a name of it; else it is told."""
    files = {
        **RUN,
        "main.py": f"{source}\n",
        "pkg/__init__.py": "b = 1\n",
        "pkg/a.py": "",
        ".dockerignore": "**/__init__.py\n",
    }
    found = findings(tmp_path, files)
    assert [finding.blocking for finding in found] == [refused]


def test_only_what_is_reached_counts(tmp_path: Path) -> None:
    """A file that nothing imports from the start on may ask for what is not there."""
    files = {**RUN, "main.py": "", "tool.py": "import gone\n", "gone.py": "", ".dockerignore": "gone.py\n"}
    assert findings(tmp_path, files) == ()


def test_unknown_start_looks_at_all_files_but_tests(tmp_path: Path) -> None:
    """When nothing tells what is started, every file counts that is no test, example or script."""
    files = {
        "Procfile": "web: poetry run serve\n",
        "app.py": "import gone\n",
        "tests/test_app.py": "import helpers\n",
        "scripts/load.py": "import helpers\n",
        "gone.py": "",
        "helpers.py": "",
        ".dockerignore": "gone.py\nhelpers.py\n",
    }
    (message,) = blocking(findings(tmp_path, files))
    assert "asks for gone" in message


def test_other_languages_are_not_refused(tmp_path: Path) -> None:
    """A service that starts node has Python files for something else: what they lack is only told."""
    files = {
        "Procfile": "web: node server.js\n",
        "app.py": "import gone\n",
        "gone.py": "",
        ".dockerignore": "gone.py\n",
    }
    found = findings(tmp_path, files)
    assert blocking(found) == []
    assert len(warnings(found)) == 1


def test_one_rule_is_one_finding(tmp_path: Path) -> None:
    """However many imports one ignore line breaks, it is reported once."""
    files = {
        **RUN,
        "main.py": "import gone.a\nimport gone.b\nimport other\n",
        "other.py": "import gone.c\n",
        **{f"gone/{name}.py": "" for name in "abc"},
        ".dockerignore": "gone\n",
    }
    (message,) = blocking(findings(tmp_path, files))
    assert "and 2 more that are asked for" in message


def test_start_that_is_kept_out(tmp_path: Path) -> None:
    """The started file itself may be what is kept out, or what nobody committed."""
    files = {**RUN, "main.py": "", ".dockerignore": "main.py\n"}
    assert "web/Procfile:1 asks for python main.py" in blocking(findings(tmp_path / "a", files))[0]
    assert "starts main.py, and the commit has no such file" in blocking(findings(tmp_path / "b", RUN))[0]


def test_dockerfile_says_where_files_lie(tmp_path: Path) -> None:
    """What is imported is looked for where COPY puts it, in the folder that the command runs in."""
    files = {
        "Dockerfile": "FROM python:3.11\nWORKDIR /srv\nCOPY src/ .\nCOPY lib /srv/lib\nENV PYTHONPATH=/srv/lib\n"
        'CMD ["uvicorn", "pkg.app:app"]\n',
        "src/pkg/__init__.py": "",
        "src/pkg/app.py": "import inner\nimport pkg.gone\n",
        "src/pkg/gone.py": "",
        "lib/inner.py": "import pkg.gone\n",
        ".dockerignore": "**/gone.py\n",
    }
    (message,) = blocking(findings(tmp_path, files, service(builder=DOCKER)))
    assert "keeps web/src/pkg/gone.py" in message


def test_dockerfile_may_make_what_is_kept_out(tmp_path: Path) -> None:
    """A file that a RUN or another stage makes may be kept out of the context."""
    files = {
        "Dockerfile": DOCKERFILE.replace("CMD", "RUN python -m grpc_tools.protoc -I. api.proto\nCMD"),
        "main.py": "import api_pb2\n",
        "api_pb2.py": "",
        ".dockerignore": "*_pb2.py\n",
    }
    assert blocking(findings(tmp_path, files, service(builder=DOCKER))) == []


def test_gcloud_has_its_own_ignore_file(tmp_path: Path) -> None:
    """What gcloud does not upload is missing as well; without a file of its own it goes by git's."""
    gcloud = service(builder={"kind": "command", "command": "gcloud builds submit {context} --tag {image}"})
    files = {"Dockerfile": DOCKERFILE, "main.py": "import gone\n", "gone.py": ""}
    own = findings(
        tmp_path / "a", {**files, ".gcloudignore": "#!include:.gitignore\n", ".gitignore": "gone.py\n"}, gcloud
    )
    gits = findings(tmp_path / "b", {**files, ".gitignore": "gone.py\n"}, gcloud)
    dockers = findings(tmp_path / "c", {**files, ".gitignore": "gone.py\n"}, service(builder=DOCKER))
    assert [found.exclusion and found.exclusion.rule_file for found in (*own, *gits)] == ["web/.gitignore"] * 2
    assert dockers == ()


def test_unreadable_for_us_is_told(tmp_path: Path) -> None:
    """A source that parses for the image and not for us is a warning: its imports were not looked at."""

    class Newer:
        def check(self, *_: object) -> tuple[()]:
            return ()

    (found,) = findings(tmp_path, {**RUN, "main.py": "x = 1 ?? 2\n"}, service(python="3.99"), checker=Newer())
    assert not found.blocking
    assert "imports were not looked at" in found.message
