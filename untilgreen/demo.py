"""Builds the demo: a repository with a history, out of examples/01-agents."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from untilgreen.errors import RepositoryError
from untilgreen.project import project


def build_story(target: Path, say: Callable[[str], None]) -> Path:
    """Write the demo's repository into a new folder.

    Raises:
        RepositoryError: git is missing, or the folder cannot be written.
    """
    say(f"untilgreen demo: two services and 1000 e2e tests, in {target}")
    script = project() / "examples" / "01-agents" / "story.py"
    done = subprocess.run(  # noqa: S603 - our own script, no shell
        [sys.executable, str(script), str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RepositoryError(f"{target}: the demo's repository could not be built: {done.stderr.strip()[-500:]}")
    return target
