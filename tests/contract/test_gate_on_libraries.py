"""The gate on sources that certainly run: the libraries of this environment, each as if it were a service."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from tests.unit.build_world import blocking, findings
from untilgreen.adapters.ruff_checker import RuffChecker

IGNORE = "**/tests\n**/test\n**/*.md\n**/__pycache__\n"
START = {"requirements.txt": "", ".dockerignore": IGNORE}


def refusals(name: str, root: Path, procfile: str) -> list[str]:
    """Return for what the gate would refuse a library."""
    spec = importlib.util.find_spec(name)
    assert spec
    assert spec.origin
    shutil.copytree(Path(spec.origin).parent, root / "web" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return blocking(findings(root, {**START, "Procfile": procfile}, checker=RuffChecker()))


@pytest.mark.parametrize("name", ["click", "uvicorn", "yaml"])
def test_a_library_that_runs_is_not_refused(name: str, tmp_path: Path) -> None:
    """Whether its start is known or not, nothing of what runs is called broken."""
    assert refusals(name, tmp_path / "all", "web: nobody knows\n") == []
    assert refusals(name, tmp_path / "one", f"web: uvicorn {name}:app\n") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prefect", "sqlalchemy", "pydantic", "aiohttp", "fastapi", "jinja2", "mypy"])
def test_a_large_library_is_not_refused(name: str, tmp_path: Path) -> None:
    """The same for thousands of files."""
    assert refusals(name, tmp_path / "all", "web: nobody knows\n") == []
    assert refusals(name, tmp_path / "one", f"web: uvicorn {name}:app\n") == []
