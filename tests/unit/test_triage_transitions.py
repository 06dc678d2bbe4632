"""Where failing tests leave the way of passing ones, by what they log and by what they no longer log."""

from __future__ import annotations

from tests.unit.triage_world import World, types
from untilgreen.model.claims import RegressedBy
from untilgreen.model.suite import Outcome

APP = """import jobs

@app.get("/parts/{kind}")
def parts(kind):
    log.info("looking for parts of %s", kind)
    rows = jobs.find(kind)
    log.info("parts were found: %s", len(rows))
    return rows
"""
JOBS = """def find(kind):
    return deliver(kind)

def deliver(kind):
    log.info("asking the store for %s", kind)
    return store(kind)
"""


def parts(*, failing: tuple[str, ...], passing: tuple[str, ...]) -> World:
    """Return a world in which some kinds of parts are answered wrongly; each test logs these lines."""
    world = World()
    world.service("shop", {"app.py": APP, "jobs.py": JOBS})
    for number in range(8):
        name, bad = f"t{number}", number < 3
        world.test(name, "shop", f"/parts/{number}", 200, outcome=Outcome.FAILED if bad else Outcome.PASSED)
        for line in failing if bad else passing:
            world.log("shop", line.replace("N", str(number)), test=name, severity="INFO")
    return world


USUAL = ("looking for parts of N", "asking the store for N", "parts were found: N")


def test_silence_after_a_line_leads_to_the_change_of_what_logs_there() -> None:
    """A swallowed exception says nothing; that the next line is missing tells where."""
    world = parts(failing=USUAL[:2], passing=USUAL)
    commit = world.commit("never fail", "apps/shop/jobs.py", added=("    return store(kind)",), line=6)
    world.commit("words", "apps/shop/app.py", added=("    rows = jobs.find(kind)",), line=6)
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "regressed_by"]
    assert analysis.leaf.claim == RegressedBy(commit=commit, path="apps/shop/jobs.py")
    assert "'parts were found: <n>' in passing tests, and nothing more in these" in analysis.leaf.answer


def test_the_parting_is_said_where_nobody_is_to_blame() -> None:
    """Without a change the chain stays open and tells where the ways part."""
    _, analysis = parts(failing=(*USUAL[:1], "parts were found: 0"), passing=USUAL).analysis()
    assert types(analysis)[-1] == "unknown"
    assert "'asking the store for <n>' in passing tests" in analysis.leaf.answer


def test_tests_that_log_alike_do_not_part() -> None:
    """How many lines there are counts nothing, and neither does what varies in them."""
    _, analysis = parts(failing=USUAL, passing=USUAL).analysis()
    assert "passing tests" not in analysis.leaf.answer


def test_a_change_elsewhere_is_not_blamed_for_a_parting() -> None:
    """Only what logs the lines on both sides is asked for its changes."""
    world = parts(failing=USUAL[:2], passing=USUAL)
    world.commit("far away", "apps/shop/other.py", added=("LEVEL = 4",))
    assert not isinstance(world.analysis()[1].leaf.claim, RegressedBy)
