"""A coding agent in the loop: its fix is judged, committed, and judged again by the next cycle."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.shop_project import SERVICE, SETTINGS, Done, Project
from untilgreen.adapters.git import Git

pytestmark = pytest.mark.slow

BROKEN = SERVICE.replace("return len(item) * 10", "return {'tea': 30}[item]")

AGENT = """\
import json, pathlib, sys
case = pathlib.Path(sys.argv[1])
leaf = max(json.loads((case / "analysis.json").read_text())["whys"], key=lambda why: why["number"])["claim"]
assert leaf["symbol"] in (case / "EVIDENCE.md").read_text()
source = pathlib.Path(leaf["path"])
lines = source.read_text().splitlines(keepends=True)
for number, line in enumerate(lines):
    if "return {'tea': 30}[item]" in line:
        lines[number] = line.replace("return {'tea': 30}[item]", sys.argv[2])
source.write_text("".join(lines))
(case / "fix.json").write_text(json.dumps({"title": "Price every item"}))
"""
"""Stands in for a coding agent: it reads the cause, and mends the line that it names in the way that it is told."""


def settings(mend: str, cycles: int = 3) -> str:
    """Return settings with the agent as the only fixer."""
    fixers = f"fixers:\n- kind: command\n  command: {json.dumps([sys.executable, '-c', AGENT, '{evidence}', mend])}\n"
    return SETTINGS.replace("max_cycles: 2", f"max_cycles: {cycles}") + fixers


def git(root: Path, *words: str) -> str:
    """Ask git about the repository."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)  # noqa: S607 - git from the path
    return done.stdout.strip()


def run(project: Project, untilgreen: Callable[..., Done], mend: str, cycles: int = 3) -> tuple[Path, Done, Any]:
    """Let the loop run; the user's branch, work tree, index, hooks and settings stay as they were."""
    root = project(**{"shop/main.py": BROKEN, "untilgreen.yaml": settings(mend, cycles)})
    before = Git(root).state()
    done = untilgreen("run", "--repo", root, "--json")
    assert done.out, done.err
    after = Git(root).state()
    assert {part for part in after if after[part] != before[part]} == {"refs"}
    assert git(root, "rev-list", "--count", "main") == "1"
    return root, done, json.loads(done.out)


def test_an_agent_makes_it_green(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Red, a fix from EVIDENCE.md and analysis.json alone, one commit with trailers, green: the fix is confirmed."""
    root, done, report = run(project, untilgreen, "return len(item) * 10")
    assert done.code == 0, done.err
    first, second = report["cycles"]
    (applied,) = first["fixes"]["applied"]
    (verdict,) = second["fix_verdicts"]
    assert (verdict["fix"], verdict["effect"]) == (applied["fix"], "confirmed")
    message = git(root, "log", "-1", "--format=%B", applied["branch"])
    assert message.startswith("Price every item")
    assert {"Analysis", "Evidence", "Cycle", "Fix"} <= {line.partition(":")[0] for line in message.splitlines()}
    assert list(root.glob(".untilgreen/loops/*/cycle-01/fixers/*.txt"))


def test_a_fix_that_breaks_what_worked_is_taken_back(project: Project, untilgreen: Callable[..., Done]) -> None:
    """A fix under which a test fails that passed before is reverted by a commit of its own, and is not tried again."""
    root, done, report = run(project, untilgreen, "return {'milk': 40, 'honey': 50}[item]")
    assert done.code in (1, 5), done.err
    first, second, *rest = report["cycles"]
    (applied,) = first["fixes"]["applied"]
    assert [v["effect"] for v in second["fix_verdicts"]] == ["regressed"]
    (taken,) = second["undone"]["reverted"]
    assert second["undone"]["quarantined"] == [applied["fix"]]
    assert git(root, "rev-parse", applied["branch"]) == taken["commit"]
    assert git(root, "diff", "main", applied["branch"]) == ""
    assert f"Reverts: {applied['commit']}" in git(root, "log", "-1", "--format=%B", taken["commit"])
    assert not any((cycle["fixes"] or {}).get("applied") for cycle in rest)
    assert "regressed" in (next(root.glob(".untilgreen/loops/*/report/*.md"))).read_text()
