"""What init sees in a project."""

from __future__ import annotations

from pathlib import Path

from untilgreen.init import source
from untilgreen.init.survey import survey
from untilgreen.init.tree import read_tree

DOCKERFILE = """\
FROM python:3.12-slim AS base
COPY . .
EXPOSE 9000
CMD ["python", "-m", "shop"]
"""
MAIN = """\
import os
KEY = os.environ["JWT_KEY"]
AUTH = os.environ["AUTH_URL"]
LEVEL = os.getenv("LOG_LEVEL", "info")
app.get("/healthz")
listen(int(os.environ["PORT"]))
"""
TESTS = """\
import os, httpx
BASE = os.environ["BASE_URL"]
def test_one(): ...
class TestMore:
    async def test_two(self): ...
"""


def test_each_folder_that_says_how_it_starts_is_a_service() -> None:
    """A Dockerfile or a Procfile makes a service; port, Python, health path and variables come from its files."""
    seen = survey({"shop/Dockerfile": DOCKERFILE, "shop/main.py": MAIN, "auth/Procfile": "web: x"}, "project")
    auth, shop = seen.services
    assert (auth.name, auth.procfile, auth.reads) == ("auth", True, ())
    assert (shop.source, shop.port, shop.python, shop.health) == ("shop", 9000, "3.12", "/healthz")
    assert shop.command == "python -m shop"
    assert shop.reads == ("AUTH_URL", "JWT_KEY", "LOG_LEVEL")
    assert shop.demands == ("AUTH_URL", "JWT_KEY")
    assert shop.reads_port


def test_a_procfile_that_hands_the_port_on_reads_it() -> None:
    """A server that its command line gives `$PORT` listens where the platform says."""
    (handed,) = survey({"api/Procfile": "web: uvicorn app:app --port $PORT", "api/app.py": ""}, "p").services
    (fixed,) = survey({"api/Procfile": "web: uvicorn app:app --port 8000", "api/app.py": ""}, "p").services
    assert handed.reads_port
    assert not fixed.reads_port


def test_without_such_a_folder_an_entry_point_is_a_guess() -> None:
    """A main.py alone may be a service; it is marked as uncertain."""
    (service,) = survey({"api/main.py": MAIN}, "project").services
    assert (service.name, service.certain) == ("api", False)


def test_a_service_at_the_root_is_called_like_its_folder() -> None:
    """The root is a service only when no folder below it is one, and tests are no part of it."""
    files = {"Procfile": "web: x", "main.py": MAIN, "e2e/test_a.py": TESTS}
    (service,) = survey(files, "My Shop!").services
    assert (service.name, service.source) == ("my-shop", ".")
    assert "BASE_URL" not in service.reads
    assert [one.source for one in survey({**files, "web/Procfile": "web: y"}, "p").services] == ["web"]


def test_services_of_the_same_folder_name_are_told_apart() -> None:
    """Two folders with one name are called by their whole path."""
    seen = survey({"a/api/Procfile": "", "b/api/Procfile": ""}, "p")
    assert [service.name for service in seen.services] == ["a-api", "b-api"]


def test_the_folder_that_calls_itself_end_to_end_is_the_suite() -> None:
    """The outermost folder of that name is taken with all below it, before folders of unit tests."""
    files = {
        "tests/unit/test_a.py": "def test_x(): ...",
        "tests/e2e/orders/test_b.py": TESTS,
        "tests/e2e/users/test_c.py": TESTS,
        "tests/e2e/conftest.py": "import os\nos.environ.get('ADMIN_PASSWORD')",
    }
    suite = survey(files, "p").suite
    assert suite
    assert (suite.path, suite.certain, suite.functions) == ("tests/e2e", True, 4)
    assert suite.reads == ("ADMIN_PASSWORD", "BASE_URL")


def test_tests_that_call_something_go_before_tests_that_do_not() -> None:
    """Without a telling name, the folder whose tests import a client is a guess."""
    files = {"a/test_x.py": "def test_x(): ...", "b/test_y.py": TESTS}
    suite = survey(files, "p").suite
    assert suite
    assert (suite.path, suite.certain) == ("b", False)


def test_variables_are_found_in_other_languages() -> None:
    """JavaScript, Go, Ruby, Rust and Java name their variables in their own ways."""
    texts = ["process.env.A_URL", 'os.Getenv("B_KEY")', "ENV['C_NAME']", 'env::var("D_X")', 'System.getenv("E_Y")']
    assert source.read(texts) == ("A_URL", "B_KEY", "C_NAME", "D_X", "E_Y")


def test_a_tree_is_read_without_what_others_wrote(tmp_path: Path) -> None:
    """Hidden folders, installed packages, large files and links into nothing are left out."""
    for name in (".venv/lib/x.py", "node_modules/y/index.js", "app/main.py", "app/notes.txt", "big.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n" * (100_000 if name == "big.py" else 1))
    (tmp_path / "gone.py").symlink_to(tmp_path / "nothing.py")
    assert sorted(read_tree(tmp_path)) == ["app/main.py"]
