"""What the doctor sees of this machine: programs, interpreters, the working tree, the disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from untilgreen.deploy.secrets_environment import RULES
from untilgreen.doctor.facts import DiskSeen, EnvironmentSeen, GitSeen, InterpreterSeen

_LIMIT_S = 30
"""An interpreter on a cold network drive takes seconds; one that needs longer than this is stuck."""

_ASK = (
    "import json, platform\n"
    "from importlib import metadata\n"
    "try: pytest = metadata.version('pytest')\n"
    "except metadata.PackageNotFoundError: pytest = ''\n"
    "print(json.dumps([platform.python_version(), pytest]))"
)


def git() -> GitSeen:
    """Ask git for its version."""
    place = shutil.which("git")
    if not place:
        return GitSeen(version="")
    return GitSeen(version=_run(place, "--version").stdout.strip())


def interpreter(python: str, root: Path) -> InterpreterSeen:
    """Start the tests' interpreter and ask for its version and pytest's."""
    try:
        done = _run(python, "-c", _ASK, folder=root)
        version, pytest = json.loads(done.stdout)
    except OSError as error:
        return InterpreterSeen(python=python, error=error.strerror or str(error))
    except subprocess.TimeoutExpired:
        return InterpreterSeen(python=python, error=f"it did not answer in {_LIMIT_S} s")
    except ValueError:
        return InterpreterSeen(python=python, error=done.stderr.strip()[-200:] or "it is no Python")
    return InterpreterSeen(python=python, version=version, pytest=pytest)


def environment() -> EnvironmentSeen:
    """Return what leaks by the rules of the loop itself, and the names of the variables that hold something."""
    leaks = tuple(leak for rule in RULES if (leak := rule(os.environ)))
    return EnvironmentSeen(leaks=leaks, names=tuple(sorted(name for name, value in os.environ.items() if value)))


def disk(place: Path) -> DiskSeen:
    """Measure the room at a folder that may not exist yet."""
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    return DiskSeen(place=str(there), free=shutil.disk_usage(there).free, writable=os.access(there, os.W_OK))


def _run(program: str, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - git, or the interpreter that the user named; no shell
        [program, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_LIMIT_S,
        check=False,
    )
