"""The negative control on a project that nobody here knows: what passes against a broken service is named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.shop_project import SETTINGS, TESTS, Done, Project, commit

pytestmark = pytest.mark.slow

FIXTURES = """\
import os, httpx, pytest

@pytest.fixture
def milk():
    answer = httpx.get(os.environ["SHOP_URL"] + "/items/milk")
    assert answer.status_code == 200
    return answer.json()
"""

MIXED = """\
import os, httpx

def test_body_is_never_looked_at(milk):
    answer = httpx.get(os.environ["SHOP_URL"] + "/items/tea")
    assert answer.request.url.path == "/items/tea" and milk["price"] == 40

def test_failure_is_swallowed():
    url = os.environ["SHOP_URL"] + "/items/tea"
    try:
        price = httpx.get(url).json()["price"]
    except Exception:
        price = len(url.rpartition("/")[2]) * 10
    assert price == 30

def test_status_only():
    assert httpx.get(os.environ["SHOP_URL"] + "/items/tea").status_code == 200

def test_fixture_asks(milk):
    assert milk == {"item": "milk", "price": 40}

def test_fixture_and_test_ask(milk):
    assert httpx.get(os.environ["SHOP_URL"] + "/items/milk").json() == milk
"""

BODY, SWALLOWED, STATUS = (
    f"e2e/test_mixed.py::test_{name}" for name in ("body_is_never_looked_at", "failure_is_swallowed", "status_only")
)
MIX: dict[str, str | None] = {"e2e/conftest.py": FIXTURES, "e2e/test_mixed.py": MIXED}


def due(done: Done) -> int:
    """Return how many tests were run against a broken service."""
    found = re.search(r"running (\d+) passed tests against a broken service", done.err)
    return int(found[1]) if found else 0


def asked(done: Done) -> dict[str, Any]:
    """Return the result of a command."""
    document: dict[str, Any] = json.loads(done.out)
    return document


def test_what_passes_against_a_broken_service_is_vacuous(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Liars are named with what they passed, honest tests stay real, and what is known costs nothing again."""
    repo = project(**MIX)
    done = untilgreen("run", "--repo", repo)
    assert (done.code, due(done)) == (4, 11), done.err

    kept = asked(untilgreen("prove", "--repo", repo, "--json"))
    assert (kept["counts"], kept["controlled"]) == ({"real": 8, "vacuous": 3}, 11)
    assert {proof["nodeid"] for proof in kept["proofs"] if proof["reality"] == "vacuous"} == {BODY, SWALLOWED, STATUS}

    known = untilgreen("prove", "--negative", "--repo", repo, "--json")
    assert (known.code, due(known)) == (4, 0), known.err
    expected = {BODY: ["error", "empty"], SWALLOWED: ["error", "empty", "silence"], STATUS: ["empty"]}
    assert asked(known)["vacuous"] == expected

    anew = untilgreen("prove", "--negative", "--all", "--repo", repo)
    assert (anew.code, due(anew)) == (4, 11), anew.err
    assert f"VACUOUS {STATUS}  passes under empty" in anew.out
    assert "11 tests against silence: 10 failed as they should, 1 passed all the same" in anew.out


def test_only_changed_tests_are_controlled_again(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Another loop controls the tests of a changed file only, and a pattern excuses what looks at the status only."""
    only_status = "import os, httpx\n" + MIXED[MIXED.index("def test_status") : MIXED.index("def test_fixture_asks")]
    excused = SETTINGS.replace("approve:", "  negative: {status_only: ['*::test_status_only']}\napprove:")
    repo = project(**{"e2e/test_status.py": only_status, "untilgreen.yaml": excused})
    first = untilgreen("run", "--repo", repo)
    assert (first.code, due(first)) == (0, 7), first.err
    again = untilgreen("run", "--repo", repo)
    assert (again.code, due(again)) == (0, 0), again.err
    (repo / "e2e/test_shop.py").write_text(TESTS + "\n# changed\n")
    commit(repo, "change")
    changed = untilgreen("run", "--repo", repo)
    assert (changed.code, due(changed)) == (0, 6), changed.err


def test_a_control_that_nobody_wants_or_can_have(project: Project, untilgreen: Callable[..., Done]) -> None:
    """A control that is switched off is not run, and one of a loop that never tested anything is refused."""
    off = SETTINGS.replace("approve:", "  negative: {when: never}\napprove:")
    repo = project(**{"untilgreen.yaml": off})
    done = untilgreen("run", "--repo", repo)
    assert (done.code, due(done)) == (0, 0), done.err
    refused = untilgreen("prove", "--negative", "--repo", repo / "e2e")
    assert refused.code == 2
    assert "no loop yet" in refused.err


def test_nobody_is_controlled_against_another_revision(project: Project, untilgreen: Callable[..., Done]) -> None:
    """When something else was deployed since, the control says what serves instead of judging it."""
    repo = project()
    assert untilgreen("run", "--repo", repo).code == 0
    assert untilgreen("deploy", "--repo", repo).code == 0
    refused = untilgreen("prove", "--negative", "--all", "--repo", repo)
    assert refused.code == 3
    assert "serves, not shop-" in refused.err
