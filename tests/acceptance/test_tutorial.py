"""Pages that lead somewhere, done as they say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown_blocks import Block, blocks, missing

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"


class Reader:
    """Somebody who does what a page says.

    Args:
        folder: where they begin.
        environment: what their shell knows.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._place = folder / "place"
        self._environment = environment
        self.printed = ""

    def do(self, block: Block) -> None:
        """Write a file, run commands, or compare what the last ones printed."""
        if file := block.option("file"):
            (self.folder / file).write_text(block.text)
        elif block.language == "sh" and "run" in block.words:
            self._run(block.text, int(block.option("exit") or 0))
        elif "expect" in block.words:
            assert missing(block.text, self.printed) == [], self.printed

    def _run(self, commands: str, code: int) -> None:
        script = f"set -e\ntrap 'pwd > {self._place}' EXIT\n{commands}"
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        self.printed = done.stdout
        assert done.returncode == code, self.printed
        self.folder = Path(self._place.read_text().strip())


def followed(page: Path, folder: Path, environment: dict[str, str]) -> Reader:
    """Do what a page says, beginning in an empty folder."""
    command = shutil.which("untilgreen", path=str(Path(sys.executable).parent))
    assert command, "untilgreen is not installed beside this Python"
    who = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    path = f"{Path(command).parent}:{environment['PATH']}"
    reader = Reader(folder, {**environment, **who, "PATH": path, "GIT_CONFIG_GLOBAL": "/dev/null"})
    for block in blocks(page):
        reader.do(block)
    return reader


def test_the_tutorial_leads_to_green(tmp_path: Path, environment: dict[str, str]) -> None:
    """Each command ends as the page says and prints what the page shows, from an empty folder to exit code 0."""
    assert followed(DOCS / "tutorial.md", tmp_path, environment).printed.endswith("verdict: green\n")


def test_a_failure_elsewhere_is_explained(tmp_path: Path, environment: dict[str, str]) -> None:
    """Of a report, an exported log and a repository the commands print the cause that the page shows."""
    assert followed(DOCS / "howto" / "explain-a-failure-elsewhere.md", tmp_path, environment).printed
