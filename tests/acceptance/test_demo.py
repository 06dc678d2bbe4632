"""The demo's story, and what becomes of it when one thing in it is changed."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.shop_project import Done

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def build(target: Path, without: Collection[str] = ()) -> Path:
    """Build the demo's repository, with some of its parts left out."""
    place = ROOT / "examples" / "01-agents" / "story.py"
    spec = importlib.util.spec_from_file_location("story", place)
    assert spec
    assert spec.loader
    story = importlib.util.module_from_spec(spec)
    sys.modules["story"] = story  # dataclasses look their module up
    spec.loader.exec_module(story)
    story.build(target, without)
    return target


def states(cycle: dict[str, Any]) -> dict[str, str]:
    """Return what became of each cause, by its words."""
    return {change["key"]: change["state"] for change in cycle["comparison"]["changes"]}


def refuted(cycle: dict[str, Any]) -> dict[str, str]:
    """Return what speaks against the fixes that were rejected, by rule."""
    rejected = [review for review in cycle["fixes"]["reviews"] if review["decision"] == "rejected"]
    findings = [finding for review in rejected for finding in review["findings"] if finding["truth"] == "refuted"]
    return {finding["rule"]: finding["message"] for finding in findings}


def test_the_story_ends_in_proven_green(tmp_path: Path, untilgreen: Callable[..., Done]) -> None:
    """Three causes, a rejected analysis, rejected fixes, a partial fix, a broken start, and then proof."""
    done = untilgreen("demo", "--folder", tmp_path, "--json")
    assert done.code == 0, done.err
    first, second, third, fourth = json.loads(done.out)["cycles"]
    assert {cause["leaf"]["path"]: cause["cases"] for cause in first["causes"]} == {
        "services/backend/ws.py": 251,
        "services/backend/routes.py": 161,
        "services/auth/calls.py": 124,
    }
    assert {cause["leaf"]["type"] for cause in first["causes"]} == {"regressed_by"}
    (rejected,) = [review for review in first["reviews"] if review["decision"] == "rejected"]
    assert rejected["author"] == "capacity-bot"
    refusals = refuted(first)
    assert set(refusals) == {"fix.duplicate", "fix.unbound"}
    assert "safe_dumps" in refusals["fix.duplicate"]
    assert "leaves backend without SERVICE_SECRET: services/backend/settings.py" in refusals["fix.unbound"]
    assert sorted(states(second).values()) == ["improved", "resolved", "resolved"]
    assert set(refuted(second)) == {"fix.image"}
    assert all(word in refuted(second)["fix.image"] for word in ("asks for frames", "backend/.dockerignore:9"))
    assert len(second["fixes"]["applied"]) == 1
    assert third["color"] == "broken"
    (incident,) = [cause for cause in third["causes"] if cause["state"] == "new"]
    assert (incident["leaf"]["type"], incident["leaf"]["path"]) == ("regressed_by", "services/backend/settings.py")
    assert third["counts"]["not_run"] == 1000
    assert sorted(states(third).values()) == ["masked", "new"]
    assert fourth["counts"] == {"collected": 1000, "passed": 1000}
    assert [line["holds"] for line in fourth["verdict"]] == [True] * 5


def test_a_route_that_nobody_restores_keeps_the_loop_red(tmp_path: Path, untilgreen: Callable[..., Done]) -> None:
    """Without the patch that brings the routes back, the loop ends red, and the missing routes are why."""
    root = build(tmp_path / "story", without=["0003-route-stop-and-cancel.patch"])
    done = untilgreen("run", "--repo", root, "--json")
    assert done.code == 1, done.err
    last = json.loads(done.out)["cycles"][-1]
    (cause,) = [cause for cause in last["causes"] if cause["state"] == "persistent"]
    assert "404" in cause["key"]
    assert last["counts"]["failed"] == cause["cases"] == 161
