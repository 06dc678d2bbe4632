"""Starts pytest in the tests' own environment, with the witness inside."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple

from untilgreen.adapters.pytest_journal import CHANNEL, JOURNAL
from untilgreen.errors import SuiteCrashed
from untilgreen.ports import SuiteOrder

WITNESS = Path(__file__).parents[1] / "witness"
"""Holds nothing but the witness, so that the tests' environment sees nothing else of ours."""
OUTPUT, ORDER = "pytest.out", "order.json"
COOKIE = "UNTILGREEN_ORDER"
"""Variable by which a process is known to belong to a run, whichever process group it went to."""

_CONFIG = {
    "pytest.toml": "",
    ".pytest.toml": "",
    "pytest.ini": "",
    ".pytest.ini": "",
    "pyproject.toml": "[tool.pytest",
    "tox.ini": "[pytest]",
    "setup.cfg": "[tool:pytest]",
}
"""Where pytest finds its options, and by what it knows that they are its own."""

_NOT_INHERITED = (
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "PYTEST_CURRENT_TEST",
    "PYTEST_VERSION",
    "__PYVENV_LAUNCHER__",
)
"""These describe our own interpreter; the tests have another."""

_NOT_THEIRS = re.compile(r"PREFECT_.*(AUTH_STRING|API_KEY|DATABASE_.*URL|DATABASE_PASSWORD)")
"""A test, which may come from a fix, must not be able to approve one."""

_FOR_WITNESS = frozenset(
    {
        *("run_id", "attempt", "hosts", "workers", "first_worker", "only", "select", "first", "collect_only"),
        *("test_timeout_s", "spared", "brief"),
    }
)


class Start(NamedTuple):
    """One start of pytest."""

    number: int = 1
    mode: str = ""
    """xdist or serial; empty lets the witness fork workers if it can."""
    why: str = ""
    """Why it is not run as usual."""
    left: tuple[str, ...] = ()
    """Tests that an earlier start did not get to; empty for all of the order."""


def command(order: SuiteOrder) -> tuple[str, ...]:
    """Return what is started."""
    quiet = ("-q", "--no-header", "--color=no", "-o", "console_output_style=classic")
    complete = ("--maxfail=0", "--continue-on-collection-errors")
    apart = ("-o", f"cache_dir={Path(order.folder, 'cache')}", *_configuration(order))
    witnessed = (order.python, "-m", "pytest", "-p", "untilgreen_witness")
    counted = (
        "--assert=rewrite"  # assertions are counted where pytest rewrites them, whatever the suite's own options say
    )
    return (*witnessed, *quiet, *complete, *apart, *order.args, counted, order.path)


def prepare(order: SuiteOrder) -> None:
    """Lay out the folder: nothing of an earlier run.

    Raises:
        SuiteCrashed: nothing can be written there.
    """
    folder = Path(order.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (CHANNEL, JOURNAL, OUTPUT):
            (folder / name).unlink(missing_ok=True)
        (folder / "pytest.ini").write_text("[pytest]\n")
    except OSError as error:
        raise SuiteCrashed(f"The runner cannot write where it must: {error}. Make room there.") from None


def launch(order: SuiteOrder, start: Start, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start pytest as the leader of its own session.

    Raises:
        SuiteCrashed: there is no such interpreter or folder.
    """
    folder = Path(order.folder)
    try:
        _write_order(order, start, folder)
        return subprocess.Popen(  # noqa: S603 - the interpreter and the tests are the user's own
            command(order),
            cwd=order.root,
            env=_environment(order, os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # what Windows has instead
        )
    except OSError as error:
        raise SuiteCrashed(f"{order.python} in {order.root} cannot be started: {error}. Set suite.python.") from None


def _write_order(order: SuiteOrder, start: Start, folder: Path) -> None:
    fields = order.model_dump(mode="json", include=set(_FOR_WITNESS))
    root, tests = Path(order.root).resolve(), Path(order.root, order.path).resolve()
    beside = str(tests if tests.is_dir() else tests.parent)
    paths = {"root": str(root), "tests": beside, "events": str(folder / CHANNEL), "folder": str(folder)}
    started = {"mode": start.mode, "why": start.why, "only": start.left or order.only}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ORDER).write_text(json.dumps({**fields, **paths, **started}))


def _environment(order: SuiteOrder, ours: Mapping[str, str]) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in ours.items()
        if name not in _NOT_INHERITED and "PYTEST_XDIST" not in name and not _NOT_THEIRS.fullmatch(name)
    }
    paths = [str(WITNESS), *filter(None, [order.env.get("PYTHONPATH")])]
    added = {"PYTHONPATH": os.pathsep.join(paths), COOKIE: str(Path(order.folder, ORDER))}
    return {**inherited, **order.env, **added}


def _configuration(order: SuiteOrder) -> tuple[str, ...]:
    """Keep pytest from looking above the checkout: it often lies inside another project, whose options are not its own.

    Node ids then start at the checkout in every cycle, wherever it lies.
    """
    root, tests = Path(order.root).resolve(), Path(order.root, order.path).resolve()
    folders = [folder for folder in (tests, *tests.parents) if folder.is_relative_to(root)]
    files = [folder / name for folder in folders for name in _CONFIG]
    if any(file.is_file() and _CONFIG[file.name] in file.read_text(errors="replace") for file in files):
        return ()
    return ("-c", str(Path(order.folder, "pytest.ini")), f"--rootdir={root}", f"--confcutdir={root}")
