"""Step build, from a repository in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from untilgreen.build.step import build
from untilgreen.errors import BuildFailed, ConfigError
from untilgreen.model.delivery import Images
from untilgreen.settings import Settings, parse
from untilgreen.testing import FakeChecker, FakeHistory, FakeRegistry

PROCFILE = "web: python app.py\n"


def settings(source: str = "backend") -> Settings:
    """Return settings with one service."""
    return parse(f"services: {{backend: {{source: '{source}', image: registry.test/shop/backend}}}}")


def built(tmp_path: Path, files: dict[str, str], source: str = "backend") -> Images:
    """Build one commit that holds these files."""
    history = FakeHistory(("first", files))
    return build(
        settings(source),
        history.head,
        history,
        builders={"backend": FakeRegistry()},
        checker=FakeChecker(),
        workdir=tmp_path / "work",
    )


def test_image_is_named_by_its_digest(tmp_path: Path) -> None:
    """An image is named by registry, name and digest, and lists its files."""
    image = built(tmp_path, {"backend/Procfile": PROCFILE, "backend/app.py": "", "other.py": ""}).of("backend")
    assert image.reference == f"registry.test/shop/backend@{image.digest}"
    assert image.files == ("Procfile", "app.py")


def test_ignored_files_stay_out(tmp_path: Path) -> None:
    """A file that an ignore rule matches is not in the image, and the image says which rule it was."""
    files = {
        "backend/Procfile": PROCFILE,
        "backend/.dockerignore": "**/monitoring/\n",
        "backend/monitoring/m.py": "",
    }
    image = built(tmp_path, files).of("backend")
    assert image.files == (".dockerignore", "Procfile")
    assert [(e.path, e.rule_file, e.line) for e in image.excluded] == [("monitoring/m.py", "backend/.dockerignore", 1)]


def test_missing_source_is_a_setting_to_correct(tmp_path: Path) -> None:
    """A source that the commit does not hold is a ConfigError that names setting, commit and folder."""
    with pytest.raises(ConfigError, match=r"services\.backend\.source: commit \w{12} has no folder 'backend'"):
        built(tmp_path, {"app.py": ""})


def test_source_stays_in_the_repository(tmp_path: Path) -> None:
    """A source that leads out of the repository is refused."""
    with pytest.raises(ConfigError, match="leads out of the repository"):
        built(tmp_path, {"app.py": ""}, source="../..")


def test_ignored_procfile_fails_the_build(tmp_path: Path) -> None:
    """An ignore rule that hides the Procfile fails the build, not the revision."""
    with pytest.raises(BuildFailed, match="Procfile"):
        built(tmp_path, {"backend/Procfile": PROCFILE, "backend/app.py": "", "backend/.dockerignore": "*file\n"})


def test_whole_repository_can_be_the_context(tmp_path: Path) -> None:
    """A source of `.` takes the repository's root as its context."""
    image = built(tmp_path, {"Procfile": PROCFILE, ".dockerignore": "docs\n", "docs/a.md": ""}, source=".").of(
        "backend"
    )
    assert [e.rule_file for e in image.excluded] == [".dockerignore"]


def test_building_again_gives_the_same_images(tmp_path: Path) -> None:
    """An interrupted build is repeated over its own leftovers and gives the same images."""
    files = {"backend/Procfile": PROCFILE}
    assert built(tmp_path, files) == built(tmp_path, files)
