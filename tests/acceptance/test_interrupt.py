"""Ctrl-C in each step: exit 130, no orphan, and what had finished is kept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.shop_project import SETTINGS, TESTS, Done, Project

pytestmark = pytest.mark.slow

SICK = SETTINGS.replace("timeout_s: 10", "timeout_s: 60, consecutive: 5000")
SLOW = TESTS.replace("def test_price(item):", "def test_price(item):\n    import time; time.sleep(3)")
STUCK = "import time\ntime.sleep(600)\n"

MOMENTS = [
    pytest.param("s prefect ", {}, [], id="before the loop"),
    pytest.param("s build ", {"shop/main.py": STUCK}, ["build"], id="deploy"),
    pytest.param(
        "s deploy ",
        {"untilgreen.yaml": SICK},
        ["build", "deploy"],
        id="wait",
    ),
    pytest.param("s wait ", {"e2e/test_shop.py": SLOW}, ["build", "deploy", "wait"], id="suite"),
    pytest.param("rows of the request log", {}, ["build", "deploy", "wait", "suite", "prove"], id="collect"),
]


@pytest.mark.parametrize(("after", "changes", "finished"), MOMENTS)
def test_an_interrupt_is_clean(
    after: str,
    changes: dict[str, str | None],
    finished: list[str],
    project: Project,
    environment: dict[str, str],
    untilgreen: Callable[..., Done],
) -> None:
    """Whatever step runs: no traceback, exit 130, no process of the loop is left, and finished steps are kept."""
    root = project(**changes)
    process = subprocess.Popen(
        [sys.executable, "-m", "untilgreen", "run", "--repo", str(root)],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if after in line:
            break
    time.sleep(0.1)  # into the next step, which takes longer than that
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, "".join(said) + rest
    assert "Traceback" not in rest
    assert "interrupted; what had finished is kept" in rest
    assert orphans(root) == []
    if finished:
        status = untilgreen("status", "--repo", root, "--json")
        assert json.loads(status.out)["stop"] == "interrupted"
        kept = {file.stem for file in root.glob(".untilgreen/loops/*/cycle-01/*.json")}
        assert set(finished) <= kept


def orphans(root: Path) -> list[str]:
    """Return the command lines of processes that still work below a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command, where = (place / "cmdline").read_text(), (place / "cwd").readlink()
        except OSError:
            continue
        if str(root) in command or where.is_relative_to(root):
            found.append(command.replace("\0", " "))
    return found
