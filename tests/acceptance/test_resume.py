"""kill -9 at any moment: `untilgreen resume` ends where an undisturbed loop ends, and does no finished step again."""

from __future__ import annotations

import difflib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.acceptance.shop_project import FILES, SERVICE, SETTINGS, Done, Project, commit

pytestmark = pytest.mark.slow


def begun(root: Path, environment: dict[str, str], command: str = "run") -> subprocess.Popen[str]:
    """Start a loop, or let one go on."""
    return subprocess.Popen(
        [sys.executable, "-m", "untilgreen", command, "--repo", str(root)],
        env=environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def steps(root: Path) -> dict[str, str]:
    """Return the steps that left a document, with the document as it lies there."""
    return {f"{f.parent.name}/{f.name}": f.read_text() for f in root.glob(".untilgreen/loops/*/cycle-*/*.json")}


def test_a_killed_loop_goes_on(project: Project, environment: dict[str, str], untilgreen: Callable[..., Done]) -> None:
    """Killed in the suite, a loop goes on with the suite: what was built and deployed is not touched."""
    root = project()
    process = begun(root, environment)
    while not list(root.glob(".untilgreen/loops/*/cycle-01/suite/*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    before = steps(root)
    done = untilgreen("resume", "--repo", root, "--json")
    assert done.code == 0, done.err
    after = steps(root)
    assert {name: after[name] for name in before} == before
    assert json.loads(done.out)["stop"] == "green"


BROKEN = SERVICE.replace("return len(item) * 10", "return len(itme) * 10")
HUNK = difflib.unified_diff(BROKEN.splitlines(True), SERVICE.splitlines(True), "a/shop/main.py", "b/shop/main.py")
PATCH = "\n".join(
    [
        "Author: Ann",
        "Title: name the argument as it is called",
        "Breaks: code_defect *main.py*",
        "",
        "diff --git a/shop/main.py b/shop/main.py",
        "".join(HUNK),
    ]
)
STORY = {
    "shop/main.py": BROKEN,
    "fixes/0001-name.patch": PATCH,
    "untilgreen.yaml": SETTINGS + "fixers: [{folder: fixes}]\n",
}


def told(root: Path) -> dict[str, object]:
    """Return what a loop came to, without what differs from run to run: times, names of revisions and commits."""
    (folder,) = root.glob(".untilgreen/loops/*")
    cycles = {}
    for cycle in sorted(folder.glob("cycle-*")):
        kept = {
            f.stem: json.loads(json.loads(f.read_text())["document"])
            for f in cycle.glob("[a-z]*.json")
            if f.stem != "cycle"
        }
        cycles[cycle.name] = {
            "steps": sorted(kept),
            "color": kept["verdict"]["color"],
            "lines": [line["holds"] for line in kept["verdict"]["lines"]],
            "counts": kept["suite"]["counts"],
            "gaps": kept["suite"]["gaps"],
            "realities": kept["prove"]["counts"],
            "claims": [[w["claim"]["type"] for w in a["whys"]] for a in kept["triage"]["analyses"]],
            "decisions": [r["decision"] for r in kept["review"]["reviews"]],
            "fixed": [fix["title"] for fix in kept.get("fix", {}).get("applied", ())],
        }
    return {
        "cycles": cycles,
        "stop": json.loads((folder / "end.json").read_text())["stop"],
        "revisions": revisions(root),
    }


def revisions(root: Path) -> int:
    """Return how many revisions were ever made."""
    with closing(sqlite3.connect(root / ".untilgreen/emulator/cloud-1.sqlite")) as database:
        return int(database.execute("SELECT count(*) FROM kept WHERE kind = 'revision'").fetchone()[0])


def written(root: Path) -> Path:
    """Write and commit the story's project."""
    for path, content in {**FILES, **STORY}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    commit(root, "begin")
    return root


@pytest.fixture(scope="module")
def calm(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], float]:
    """Run the story once without any trouble; return what it came to, and how long it took."""
    root = written(tmp_path_factory.mktemp("calm") / "shop")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "PYTEST_"))}
    start = time.monotonic()
    assert begun(root, {**kept, "UNTILGREEN_HOME": str(home)}).wait(timeout=300) == 0
    return told(root), time.monotonic() - start


@pytest.mark.parametrize("seed", range(6))
def test_kills_at_random_moments_change_nothing(
    seed: int,
    calm: tuple[dict[str, object], float],
    tmp_path: Path,
    environment: dict[str, str],
    untilgreen: Callable[..., Done],
) -> None:
    """Killed five times at any moment, a loop comes to the same end by the same steps, with no rollout more."""
    root, dice = written(tmp_path / "shop"), random.Random(seed)  # noqa: S311 - moments, no secrets
    undisturbed, seconds = calm
    process = begun(root, environment)
    for _ in range(5):
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=dice.uniform(0.3, 0.7 * seconds))
        process.kill()
        process.wait()
        if not list(root.glob(".untilgreen/loops/*/loop.json")):
            process = begun(root, environment)
        elif not list(root.glob(".untilgreen/loops/*/end.json")):
            process = begun(root, environment, "resume")
    assert process.wait(timeout=300) in {0, -signal.SIGKILL}
    untilgreen("resume", "--repo", root)
    assert told(root) == undisturbed
