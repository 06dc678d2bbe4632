"""Faults through the command line: exit codes and messages that a person sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.shop_project import SETTINGS, Done, Project
from untilgreen.ledger import loops
from untilgreen.model.delivery import Rollout, Served
from untilgreen.wiring import STATE

pytestmark = pytest.mark.slow

Command = Callable[..., Done]

ACCOUNT = "shop@emulator-moon.iam.gserviceaccount.com"
APIS = ("Services", "Revisions", "Operations", "SecretManagerService", "LoggingServiceV2")


def seeded(seed: dict[str, Any], more: str = "") -> dict[str, str]:
    """Return the files of a project whose emulator starts with this."""
    settings = SETTINGS.replace("    source: shop\n", f"    source: shop\n    account: {ACCOUNT}\n{more}")
    files = {"project": "emulator-moon", **seed}
    return {"untilgreen.yaml": "cloud: {seed: seed.yaml}\n" + settings, "seed.yaml": json.dumps(files)}


def cycles(done: Done) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.out)["cycles"]
    return found


def test_a_container_that_exits(project: Project, untilgreen: Command) -> None:
    """Exit 3; the platform's words, the exit code and the container's own last words are shown."""
    root = project(**{"shop/main.py": "import sys\nprint('cannot find my settings', file=sys.stderr)\nsys.exit(3)\n"})
    done = untilgreen("run", "--repo", root, "--json")
    assert done.code == 3, done.err
    assert cycles(done)[0]["color"] == "broken"
    for words in ("HEALTH_CHECK_CONTAINER_ERROR", "failed to start and listen", "exit code 3"):
        assert words in done.err
    assert "Traceback" not in done.err


def test_a_secret_that_may_not_be_read(project: Project, untilgreen: Command) -> None:
    """Exit 3; who may not read which secret, and which role mends it; the value is nowhere."""
    seed = {"secrets": {"key": {"value": "planted-and-never-shown-1"}}}
    done = untilgreen("run", "--repo", project(**seeded(seed, "    secrets: {KEY: key:1}\n")), "--json")
    assert done.code == 3, done.err
    assert (
        f"Permission denied on secret: projects/emulator-moon/secrets/key for Revision service account {ACCOUNT}"
        in (done.err)
    )
    assert "roles/secretmanager.secretAccessor" in done.err
    assert "planted-and-never-shown-1" not in done.err + done.out


def test_a_difficult_cloud_is_no_excuse(project: Project, untilgreen: Command) -> None:
    """Exit 0: with a fifth of all calls failing, late logs and a read quota, green is still proven line by line."""
    faults = {
        "fault": [f"{api}/*:UNAVAILABLE:0.2" for api in APIS],
        "fault_seed": 11,
        "ingestion_delay": "1s-3s",
        "read_quota": "20/2s",
    }
    done = untilgreen("run", "--repo", project(**seeded({"faults": faults})), "--json")
    assert done.code == 0, done.err
    (cycle,) = cycles(done)
    assert cycle["counts"] == {"collected": 6, "passed": 6}
    assert [line["holds"] for line in cycle["verdict"]] == [True] * len(cycle["verdict"])


def test_a_cloud_that_is_down(project: Project, untilgreen: Command) -> None:
    """Exit 3; which service could not be deployed, what the API said, and what to do, without a traceback."""
    seed = {"faults": {"fault": ["Services/*:UNAVAILABLE"]}}
    done = untilgreen("deploy", "--repo", project(**seeded(seed)))
    assert done.code == 3, done.err
    assert "shop: Cloud Run does not answer" in done.err
    assert "The service is currently unavailable." in done.err
    assert "Traceback" not in done.err + done.out


def test_the_second_loop_goes_on_where_the_first_one_ended(project: Project, untilgreen: Command) -> None:
    """Exit 0 both times: the emulator keeps its services, and the second rollout replaces what serves."""
    root = project()
    first = untilgreen("run", "--repo", root, "--json")
    second = untilgreen("run", "--repo", root, "--json")
    assert (first.code, second.code) == (0, 0), first.err + second.err
    before, after = rollouts(root)
    assert after.previous_revision == before.revision != after.revision
    assert after.url == before.url


def rollouts(root: Path) -> list[Served]:
    """Return how the shop was rolled out by each loop, the oldest first."""
    found = [ledger.recall(1, Rollout) for ledger in loops(root / STATE)]
    return [rollout.of("shop") for rollout in reversed(found) if rollout]
