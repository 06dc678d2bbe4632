"""What tests print is nobody else's to read until it has been gone through, whoever is killed meanwhile."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from untilgreen.adapters.pytest_launch import OUTPUT
from untilgreen.adapters.pytest_privacy import MARK, private
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.redaction import Redactor, needles

VALUE = "q7Zr2Lw9Xb4Kc8Vn1Tm6"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and locks are those of POSIX")


def suite() -> PytestSuite:
    """Return one that knows a value."""
    return PytestSuite(redaction=Redactor([needles("key", VALUE.encode())]))


def left_behind(state: Path) -> Path:
    """Return the folder of a run that printed a secret."""
    folder = state / "loops/l/cycle-01/suite/rerun-1"
    folder.mkdir(parents=True)
    (folder / OUTPUT).write_text(VALUE)
    return folder


def mode(folder: Path) -> int:
    """Return who may read it."""
    return stat.S_IMODE(folder.stat().st_mode)


def test_a_folder_is_its_owners_until_it_is_clean(tmp_path: Path) -> None:
    """Nobody else can look in before its files have been gone through; whoever could before can afterwards."""
    folder, cleaned = left_behind(tmp_path), list[int]()
    folder.parent.chmod(0o755)

    def interrupted() -> None:
        with private(folder, lambda: cleaned.append(mode(folder))):
            assert (mode(folder), cleaned) == (0o700, [])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert cleaned == [0o700]
    assert (mode(folder), (folder / MARK).exists()) == (0o755, False)


def test_the_next_start_goes_through_what_was_left(tmp_path: Path) -> None:
    """Whoever starts next takes the secrets out of what a killed run left; a run that is alive keeps its own files."""
    folder = left_behind(tmp_path)
    with private(folder, lambda: None):
        suite().tidy(tmp_path)
        assert (folder / OUTPUT).read_text() == VALUE
    (folder / MARK).touch()
    suite().tidy(tmp_path)
    assert (folder / OUTPUT).read_text() == "[redacted:key]"
    assert not (folder / MARK).exists()
