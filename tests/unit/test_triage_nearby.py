"""Tracebacks without a trace, the way they took, and moments that must fit."""

from __future__ import annotations

from tests.unit.triage_world import World, sha, types
from untilgreen.model.claims import RegressedBy
from untilgreen.model.evidence import Stream
from untilgreen.model.suite import Exchange, Outcome

REPORTS = """from web import get, answer

@get("/reports")
def weekly(request):
    rows = ask(request)
    return answer(share(rows))

def share(part):
    return 100 * part

@get("/stock")
def stock(request):
    return answer(request.missing)
"""
WEB = """import json

def answer(body):
    return json.dumps(body)
"""


def reports() -> World:
    """Return a world whose reports fail in two ways, by one change, and log no trace."""
    world = World()
    world.service("shop", {"reports.py": REPORTS, "web.py": WEB})
    world.commit("polish", "apps/shop/web.py", removed=("# old",), added=("# new words",), line=9)
    world.commit("one line less", "apps/shop/reports.py", removed=("    rows = rows.all()",), line=6)
    for number in range(4):
        world.test(f"r{number}", "shop", "/reports", 500)
        handler = ("reports.py", 6, "weekly")
        if number % 2:
            world.raises("shop", "TypeError", "unsupported operand", handler, ("reports.py", 9, "share"))
        else:
            world.raises("shop", "TypeError", "not serializable", handler, ("web.py", 4, "answer"))
        world.raises("shop", "AttributeError", "no missing", ("reports.py", 13, "stock"))
    return world


def test_tracebacks_of_a_handler_belong_to_its_requests() -> None:
    """What passes through the function that serves the path is joined, and what another one raised is not."""
    group, analysis = reports().analysis()
    assert types(analysis) == ["http_failure", "error_raised", "regressed_by"]
    assert analysis.leaf.claim == RegressedBy(commit=sha("one line less"), path="apps/shop/reports.py")
    assert len(group.cases) == 4


def test_an_old_line_leads_to_the_change_above_it() -> None:
    """The question says which line is as it was; the citation shows what was removed."""
    _, analysis = reports().analysis()
    assert "which is as it was" in analysis.leaf.question
    assert analysis.leaf.citations[0].quote == "-    rows = rows.all()"


def test_a_traceback_of_another_route_explains_nothing() -> None:
    """The only traceback at that moment came through the handler of something else."""
    world = World()
    world.service("shop", {"reports.py": REPORTS, "web.py": WEB})
    world.test("r", "shop", "/reports", 500)
    world.raises("shop", "AttributeError", "no missing", ("reports.py", 13, "stock"))
    assert types(world.analysis()[1]) == ["http_failure", "unknown"]


def test_what_is_logged_all_the_time_explains_nothing() -> None:
    """A loop in the background that fails again and again is near every request."""
    world = World()
    world.service("shop", {"loop.py": "def run():\n    deliver()\n"})
    world.test("r", "shop", "/reports", 500)
    for _ in range(40):
        world.raises("shop", "ValueError", "poison", ("loop.py", 2, "run"))
    assert types(world.analysis()[1]) == ["http_failure", "unknown"]


def test_a_later_exit_explains_no_earlier_failure() -> None:
    """Of several ends of a container the last one before the failing request counts."""
    world = World()
    world.service("shop", {"app.py": "def run():\n    raise_it()\n"})
    world.raises("shop", "RuntimeError", "boom", ("app.py", 2, "run"))
    world.log("shop", "Container called exit(1).", severity="WARNING", stream=Stream.SYSTEM)
    world.test("a", "shop", "/x", 503)
    for number in range(9):
        world.test(f"ok{number}", "shop", "/y", 200, outcome=Outcome.PASSED)
    world.log("shop", "Container called exit(2).", severity="WARNING", stream=Stream.SYSTEM)
    _, analysis = world.analysis()
    assert types(analysis)[1] == "service_down"
    assert "exit(1)" in analysis.whys[1].answer


def test_a_socket_that_fails_oftener_closed_like_this_is_the_symptom() -> None:
    """That some tests expect to be refused, and that something else was asked last, hides no refusal."""
    world = World()
    world.service("shop", {"app.py": "x = 1\n"})
    refused = Exchange(
        client="websockets", method="WS", host="127.0.0.1:9000", path="/ws", status=101, close_code=4401, latency_ms=1
    )
    for number in range(3):
        world.test(f"bad{number}", "shop", "/login", 200, message="assert 'refused' == 'welcome'", before=(refused,))
    world.test("expected", "shop", "/login", 200, before=(refused,), outcome=Outcome.PASSED)
    for number in range(9):
        world.test(f"ok{number}", "shop", "/login", 200, outcome=Outcome.PASSED)
    assert "socket_closed" in types(world.analysis()[1])


def test_memory_leads_to_the_change_that_needs_it() -> None:
    """The platform's word is a level of the chain; the one change in what serves the request is behind it."""
    world = World()
    world.service("shop", {"reports.py": REPORTS, "web.py": WEB})
    commit = world.commit("keep all", "apps/shop/reports.py", added=("    rows = ask(request)",), line=5)
    world.test("big", "shop", "/reports", 503)
    world.log("shop", "Memory limit of 512 MiB exceeded with 530 MiB used.", stream=Stream.SYSTEM)
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "resource_exhausted", "regressed_by"]
    assert analysis.leaf.claim == RegressedBy(commit=commit, path="apps/shop/reports.py")
