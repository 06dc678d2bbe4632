"""The port Registry, over folders and over the fake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from untilgreen.adapters.snapshot_registry import SnapshotRegistry
from untilgreen.errors import BuildFailed
from untilgreen.ports import Registry
from untilgreen.testing import FakeRegistry

NAME = "registry.test/shop/backend"


@pytest.fixture(params=["folders", "fake"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    """Return an empty registry."""
    return SnapshotRegistry(tmp_path / "registry") if request.param == "folders" else FakeRegistry()


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Return a build context."""
    folder = tmp_path / "context"
    (folder / "app").mkdir(parents=True)
    (folder / "Procfile").write_text("web: python -m app\n")
    (folder / "app/main.py").write_text("a = 1\n")
    return folder


def test_same_files_same_digest(registry: Registry, context: Path) -> None:
    """The same files give the same digest, in whatever order they are named."""
    digest = registry.push(NAME, context, ["Procfile", "app/main.py"])
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest)
    assert registry.push(NAME, context, ["app/main.py", "Procfile"]) == digest


def test_other_files_other_digest(registry: Registry, context: Path) -> None:
    """Another byte or another path gives another digest."""
    digests = {registry.push(NAME, context, ["Procfile"]), registry.push(NAME, context, ["Procfile", "app/main.py"])}
    (context / "app/main.py").write_text("a = 2\n")
    digests.add(registry.push(NAME, context, ["Procfile", "app/main.py"]))
    assert len(digests) == 3


@pytest.mark.parametrize("procfile", [None, "", "worker: python w.py\n", "web:\n"])
def test_nothing_to_start(registry: Registry, context: Path, procfile: str | None) -> None:
    """A context that nobody can start is BuildFailed, with what to add."""
    (context / "Procfile").write_text(procfile or "")
    with pytest.raises(BuildFailed, match="Procfile"):
        registry.push(NAME, context, ["app/main.py"] if procfile is None else ["app/main.py", "Procfile"])


def test_image_is_a_folder(context: Path, tmp_path: Path) -> None:
    """An image lies under registry, name and digest, and holds exactly the files that were named."""
    (context / "secret.txt").write_text("not named")
    (context / "Procfile").chmod(0o755)
    digest = SnapshotRegistry(tmp_path / "r").push(NAME, context, ["Procfile", "app/main.py"])
    image = tmp_path / "r" / NAME / digest.removeprefix("sha256:")
    found = {p.relative_to(image).as_posix() for p in image.rglob("*") if p.is_file()}
    assert found == {"Procfile", "app/main.py"}
    assert (image / "Procfile").stat().st_mode & 0o100
    assert [p.name for p in image.parent.iterdir()] == [image.name]


def test_executable_files_differ(context: Path, tmp_path: Path) -> None:
    """Whether a file can be executed is part of what it is."""
    registry = SnapshotRegistry(tmp_path / "r")
    before = registry.push(NAME, context, ["Procfile"])
    (context / "Procfile").chmod(0o755)
    assert registry.push(NAME, context, ["Procfile"]) != before


def test_links_stay_inside(context: Path, tmp_path: Path) -> None:
    """A link inside the context is kept as a link; one that leads out is BuildFailed."""
    (context / "inner").symlink_to("app/main.py")
    (context / "outer").symlink_to("../../etc/passwd")
    registry = SnapshotRegistry(tmp_path / "r")
    digest = registry.push(NAME, context, ["Procfile", "app/main.py", "inner"])
    assert (tmp_path / "r" / NAME / digest.removeprefix("sha256:") / "inner").is_symlink()
    with pytest.raises(BuildFailed, match="outer is a link that leads out"):
        registry.push(NAME, context, ["Procfile", "outer"])
