"""The step as a whole: the same bytes each time, and a fair place for every analyst."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.triage_world import World, types
from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Why
from untilgreen.model.claims import ResourceExhausted
from untilgreen.model.evidence import Case
from untilgreen.model.suite import Exchange, Failure, Outcome
from untilgreen.triage.step import BuiltIn, triage

APP = """import json

@get("/a")
def a(x):
    return json.loads(x)["k"]

@get("/b")
def b(x):
    return x.missing
"""


def busy(salt: str = "", suffix: str = "00007") -> World:
    """Return a world with two faults, noise, and tests that pass."""
    world = World(salt=salt)
    world.service("shop", {"app.py": APP}, suffix=suffix)
    for number in range(30):
        route, line = ("a", 5) if number % 2 else ("b", 9)
        world.test(f"t{number}", "shop", f"/{route}", 500)
        world.raises(
            "shop",
            "KeyError" if number % 2 else "AttributeError",
            f"'{number}'",
            ("app.py", line, route),
            test=f"t{number}",
        )
        world.test(f"ok{number}", "shop", "/c", 200, outcome=Outcome.PASSED)
        world.log("shop", f"slow query {number}", test=f"ok{number}")
    return world


class Colleague:
    """An analyst who believes in memory."""

    def __init__(self, cases: tuple[str, ...], group: str = "") -> None:
        self._cases, self._group = cases, group

    def analyse(self, bundle: object) -> tuple[Analysis, ...]:
        """Return one analysis of fixed tests."""
        assert isinstance(bundle, Bundle)
        claim = ResourceExhausted(service="shop", resource="memory", blocked="request")
        why = Why(number=1, question="Why?", answer="Memory.", claim=claim)
        return (Analysis(id="x", author="colleague", group=self._group, cases=self._cases, whys=(why,)),)


def test_two_runs_give_the_same_bytes() -> None:
    """A verdict can be replayed bit for bit, in whatever order the evidence lies."""
    world = busy()
    first = triage(world.bundle()).model_dump_json()
    random.Random(7).shuffle(world.items)  # noqa: S311 - an order, no secret
    assert triage(world.bundle()).model_dump_json() == first


@pytest.mark.slow
def test_two_processes_give_the_same_bytes(tmp_path: Path) -> None:
    """A bundle on disk is read and analysed by two programs that order their sets differently: no byte differs."""
    busy().bundle().save(tmp_path / "bundle")
    said = []
    for seed in ("1", "2"):
        order = [sys.executable, "-m", "untilgreen", "triage", str(tmp_path / "bundle"), "--json"]
        env = {**os.environ, "PYTHONHASHSEED": seed}
        said.append(subprocess.run(order, capture_output=True, check=False, env=env).stdout)
    assert said[0] == said[1] != b""


def test_keys_live_from_cycle_to_cycle() -> None:
    """Other traces, other revisions, other entry ids: the same groups."""
    one, two = busy().triage(), busy(salt="again", suffix="00042").triage()
    assert [(g.id, g.key) for g in one.groups] == [(g.id, g.key) for g in two.groups]
    assert {g.key for g in one.groups} == {"KeyError at apps/shop/app.py a", "AttributeError at apps/shop/app.py b"}


def test_every_failure_is_in_exactly_one_group() -> None:
    """Nothing is lost and nothing counts twice."""
    world = busy()
    found = [nodeid for group in world.triage().groups for nodeid in group.cases]
    assert len(found) == len(set(found)) == 30


def test_green_gives_nothing() -> None:
    """Where nothing failed there is nothing to explain."""
    world = World()
    world.service("shop", {"app.py": APP})
    world.test("ok", "shop", "/a", 200, outcome=Outcome.PASSED)
    assert world.triage().groups == ()


def test_every_quote_is_verbatim() -> None:
    """What is cited exists and says so, letter by letter."""
    world = busy()
    bundle = world.bundle()
    for analysis in triage(bundle).analyses:
        for citation in (c for why in analysis.whys for c in why.citations):
            item = bundle.get(citation.evidence)
            assert item is not None
            assert citation.quote
            assert citation.quote in item.text


def test_a_colleagues_analysis_goes_to_the_group_it_shares_most_tests_with() -> None:
    """Its tests stay its own claim: the review judges them."""
    bundle = busy().bundle()
    cases = tuple(f"e2e/test_it.py::test_t{n}" for n in (1, 3, 5, 2))
    done = triage(bundle, [Colleague(cases)])
    mine = done.analyses[-1]
    group = next(g for g in done.groups if g.id == mine.group)
    assert group.key == "KeyError at apps/shop/app.py a"
    assert mine.cases == cases
    assert [a.author for a in done.analyses] == ["built-in", "built-in", "colleague"]


def test_a_colleague_may_name_the_group() -> None:
    """A group's key or id decides, whatever the overlap says."""
    done = triage(busy().bundle(), [Colleague(("e2e/test_it.py::test_t1",), "AttributeError at apps/shop/app.py b")])
    group = next(g for g in done.groups if g.key.startswith("AttributeError"))
    assert done.analyses[-1].group == group.id


def test_the_built_in_analyst_speaks_once() -> None:
    """Naming it among the others adds nothing."""
    bundle = busy().bundle()
    assert triage(bundle, [BuiltIn()]) == triage(bundle)
    assert BuiltIn().analyse(bundle) == triage(bundle).analyses


def test_an_analyst_reads_bundles_only() -> None:
    """Anything else is an error, not an empty answer."""
    with pytest.raises(TypeError, match="reads a Bundle"):
        BuiltIn().analyse("evidence")


def test_a_thousand_failures_of_two_causes_are_two_groups() -> None:
    """Many failures, few causes: size changes nothing."""
    world = World()
    world.service("shop", {"app.py": APP})
    for number in range(1000):
        route, line = ("a", 5) if number % 3 else ("b", 9)
        world.test(f"t{number}", "shop", f"/{route}/{number}", 500)
        world.raises(
            "shop",
            "KeyError" if number % 3 else "AttributeError",
            f"'{number}'",
            ("app.py", line, route),
            test=f"t{number}",
        )
    done = world.triage()
    assert [len(g.cases) for g in done.groups] == [666, 334]
    assert all(types(a) == ["http_failure", "error_raised", "code_defect"] for a in done.analyses)


def test_nothing_known_is_still_an_answer() -> None:
    """Failures without service, trace, report or row are grouped, and end honestly."""
    world = World()
    seen = Exchange(client="c", method="GET", host="elsewhere:80", path="/x/1", status=500, latency_ms=1)
    world.items += [
        Case(nodeid="e2e/t.py::test_lost", outcome=Outcome.LOST),
        Case(nodeid="e2e/t.py::test_elsewhere", outcome=Outcome.FAILED, exchanges=(seen,), trace="t"),
        Case(
            nodeid="e2e/t.py::test_silent",
            outcome=Outcome.ERROR,
            failure=Failure(phase="setup", exception="E", message=""),
        ),
    ]
    done = world.triage()
    assert {g.key for g in done.groups} == {"lost without a report", "500 GET /x/{} at elsewhere:<n1>", "E"}
    assert all(types(a)[-1] == "unknown" for a in done.analyses)
