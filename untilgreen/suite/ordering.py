"""Says what to run against which deployed services: one order for the suite, its controls, and a look at it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from untilgreen.deploy.wanted import fill
from untilgreen.errors import ConfigError
from untilgreen.model.cycle import Run
from untilgreen.ports import SuiteOrder
from untilgreen.prove.hosts import hosts_of
from untilgreen.settings import FILE, SuiteSettings


def suite_order(wanted: SuiteSettings, run: Run, urls: Mapping[str, str], folder: Path) -> SuiteOrder:
    """Return the order for the whole suite.

    Args:
        wanted: the settings.
        run: which cycle.
        urls: service -> where it serves.
        folder: the cycle's; the tested commit lies in `checkout`, and the runner writes beside it.

    Raises:
        ConfigError: there is no such interpreter.
    """
    return SuiteOrder(
        run_id=f"{run.loop}/{run.cycle}",
        root=str(folder / "checkout"),
        path=wanted.path,
        python=interpreter(wanted.python, Path(run.root)),
        args=wanted.args,
        workers=wanted.workers,
        env=fill(wanted.env, dict(urls)),
        hosts=tuple(sorted(hosts_of(filter(None, urls.values())))),
        folder=str(folder / "suite"),
        deadline_s=wanted.deadline_s,
        test_timeout_s=wanted.test_timeout_s,
    )


def interpreter(python: str, root: Path) -> str:
    """Return the tests' interpreter: a path begins at the repository, a bare name is looked for as a shell does.

    Args:
        python: as the settings name it; empty means the one that runs untilgreen.
        root: the user's repository. The tested commit is run elsewhere, and an environment is in no commit.

    Raises:
        ConfigError: it is not there.
    """
    if not python:
        return sys.executable
    if Path(python).name == python:
        if found := shutil.which(python):
            return found
        raise ConfigError(
            f"{FILE}: suite.python: there is no {python} on the PATH. Name the tests' interpreter by path."
        )
    place = root / os.path.expanduser(python)  # noqa: PTH111 - the one of pathlib raises where nobody has such a home
    if not place.is_file():
        raise ConfigError(
            f"{FILE}: suite.python: there is no {place}. A path begins at the repository ({root}). "
            f"Make the tests' environment there, or name its interpreter."
        )
    return str(place)
