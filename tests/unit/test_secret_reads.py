"""Which environment variables a service's source cannot do without."""

from __future__ import annotations

import pytest

from untilgreen.deploy.secrets_reads import needed_by_source, source_texts
from untilgreen.testing import FakeHistory


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('import os\nKEY = os.environ["KEY"]', {"KEY"}),
        ('from os import environ\nKEY = environ["KEY"]', {"KEY"}),
        ('import os\nNAME = "KEY"\nKEY = os.environ[NAME]', {"KEY"}),
        ('import os\nKEY = os.environ.get("KEY")', set()),
        ('import os\nKEY = os.getenv("KEY", "")', set()),
        ('import os\nos.environ["KEY"] = "1"\nprint(os.environ["KEY"])', set()),
        ('import os\nos.environ.setdefault("KEY", "1")\nprint(os.environ["KEY"])', set()),
        ('import os\nif "KEY" in os.environ:\n    print(os.environ["KEY"])', set()),
        ('import os\ntry:\n    os.environ["KEY"]\nexcept KeyError:\n    pass', set()),
        ('import os\nprint(os.environ["PORT"], os.environ["HOME"])', set()),
        ('import os\nprint(os.environ["KEY"', set()),
        ('import os\nprint("\\d", os.environ["KEY"])', {"KEY"}),
    ],
)
def test_only_what_certainly_raises(source: str, names: set[str]) -> None:
    """A name counts when its absence raises KeyError and neither the source, the platform nor a base image has it."""
    assert set(needed_by_source({"app/main.py": source})) == names


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app/Dockerfile", "FROM x\nENV KEY=1\n"),
        ("app/Procfile", "web: KEY=1 python main.py"),
        ("app/run.sh", "export KEY=1"),
    ],
)
def test_images_may_set_it_themselves(path: str, text: str) -> None:
    """What a Dockerfile, a Procfile or a start script sets is not lacking."""
    assert needed_by_source({"app/main.py": 'import os\nos.environ["KEY"]', path: text}) == {}


def test_place() -> None:
    """The first place that reads a name is told."""
    found = needed_by_source({"b.py": 'import os\nos.environ["KEY"]', "a.py": 'import os\n\nos.environ["KEY"]'})
    assert (found["KEY"].path, found["KEY"].line) == ("a.py", 3)


def test_tests_and_other_services_do_not_count() -> None:
    """Only the sources of a service's own build context are read, without its tests."""
    tree = {"a/main.py": "1", "a/tests/test_x.py": "2", "a/conftest.py": "3", "b/main.py": "4", "a/Dockerfile": "5"}
    history = FakeHistory(("first", tree))
    texts = source_texts(history, history.resolve("HEAD"), {"a": "a"})
    assert texts == {"a": {"a/main.py": "1", "a/Dockerfile": "5"}}
