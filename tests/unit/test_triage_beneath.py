"""Old lines that fail for something else: a setting, a class, a library, a caller, a limit, what a store holds."""

from __future__ import annotations

from tests.unit.triage_world import World, sha, types
from untilgreen.model.analysis import Analysis
from untilgreen.model.claims import ConfigMismatch, EndpointMissing, RegressedBy, ResourceExhausted, TimedOut
from untilgreen.model.evidence import Request
from untilgreen.model.suite import Outcome

DB = {"db.py": "import os\n\ndef rows(db):\n    return db.run(os.environ['DB_PASSWORD'])\n"}


def leaf(world: World) -> object:
    """Return the last claim of the only analysis."""
    return world.analysis()[1].leaf.claim


def failing(world: World, exception: str, message: str, *places: tuple[str, int, str]) -> World:
    """Fail two tests with an exception on their traces."""
    for name in ("a", "b"):
        world.test(name, "shop", "/x", 500)
        world.raises("shop", exception, message, *places, test=name)
    return world


def test_credentials_that_are_not_accepted_lead_to_the_secret_that_changed() -> None:
    """The line that connects is as it was, and so is whoever tidied up around it."""
    world = World()
    world.service("shop", DB, secrets={"DB_PASSWORD": "db:2"})
    world.good("shop", secrets={"DB_PASSWORD": "db:1"})
    world.commit("tidy", "apps/shop/db.py", added=("def rows(db):",), line=3)
    commit = world.commit("rotate", "untilgreen.yaml", added=("      DB_PASSWORD: db:2",))
    failing(world, "OperationalError", "FATAL: password authentication failed for user", ("db.py", 4, "rows"))
    assert types(world.analysis()[1])[-2:] == ["config_mismatch", "regressed_by"]
    assert leaf(world) == RegressedBy(commit=commit, path="untilgreen.yaml")


def test_a_setting_that_the_failing_line_reads_comes_before_the_line() -> None:
    """An old line that reads a variable fails for the variable's new value."""
    world = World()
    world.service("shop", {"main.py": "import os\nN = int(os.environ['N'])\n"}, env={"N": "two"}, ready=False)
    world.good("shop", env={"N": "2"})
    world.raises("shop", "ValueError", "invalid literal for int(): 'two'", ("main.py", 2, "<module>"))
    assert leaf(world) == ConfigMismatch(service="shop", key="N", expected="2", actual="two")


def test_what_a_store_holds_is_no_defect_of_the_line_that_writes() -> None:
    """Left-over data: nothing that changed has to do with it, so nobody is blamed."""
    world = World()
    world.service("shop", DB)
    world.commit("elsewhere", "apps/shop/log.py", added=("LEVEL = 3",))
    failing(world, "IntegrityError", "duplicate key value violates unique constraint", ("db.py", 4, "rows"))
    _, analysis = world.analysis()
    assert types(analysis)[-1] == "unknown"
    assert "elsewhere" in analysis.leaf.answer


TABLE = {
    "app.py": "from floors import FLOORS\n\ndef card(p):\n    return FLOORS[p]\n",
    "floors.py": "FLOORS = {'a': 1}\n",
}


def test_a_name_that_the_failing_line_uses_leads_to_its_change() -> None:
    """The line is old; the mapping that it looks into lost an entry."""
    world = World()
    world.service("shop", TABLE)
    commit = world.commit(
        "fewer", "apps/shop/floors.py", removed=("FLOORS = {'a': 1, 'north': 2}",), added=("FLOORS = {'a': 1}",)
    )
    world.commit("elsewhere", "apps/shop/log.py", added=("LEVEL = 3",))
    failing(world, "KeyError", "'north'", ("app.py", 4, "card"))
    assert leaf(world) == RegressedBy(commit=commit, path="apps/shop/floors.py")


def test_a_library_that_the_exception_came_through_leads_to_its_requirement() -> None:
    """The newest release of a dependency is a change like any other."""
    world = World()
    world.service("shop", {**DB, "requirements.txt": "pyjwt==3.0\nflask==3.0\n"})
    commit = world.commit("upgrade", "apps/shop/requirements.txt", removed=("jwt==2.9",), added=("jwt==3.0",))
    library = ("/usr/lib/python3.11/site-packages/jwt/api.py", 9, "decode")
    failing(world, "TypeError", "decode() got an unexpected keyword", ("db.py", 4, "rows"), library)
    assert leaf(world) == RegressedBy(commit=commit, path="apps/shop/requirements.txt")


ORDERS = """from pydantic import BaseModel

class Order(BaseModel):
    item: str
    count: int

@app.post("/orders")
def place(order: Order):
    return order
"""


def refused_content() -> World:
    """Return a world whose orders need more than clients send."""
    world = World()
    world.service("shop", {"app.py": ORDERS})
    for name in ("a", "b"):
        world.test(name, "shop", "/orders", 422, method="POST")
    world.test("ok", "shop", "/health", 200, outcome=Outcome.PASSED)
    return world


def test_a_class_that_a_handler_takes_belongs_to_what_serves_it() -> None:
    """A field that became required answers 422 before the handler runs."""
    world = refused_content()
    commit = world.commit("ask for a count", "apps/shop/app.py", added=("    count: int",), line=5)
    assert leaf(world) == RegressedBy(commit=commit, path="apps/shop/app.py")


def test_a_method_that_is_gone_is_told_from_a_route_that_is_gone() -> None:
    """405: the path is there; the change that took the method away is the cause."""
    world = World()
    world.service("shop", {"app.py": '@app.put("/orders")\ndef place(order):\n    return 1\n'})
    commit = world.commit("put", "apps/shop/app.py", removed=('@app.post("/orders")',), added=('@app.put("/orders")',))
    world.test("a", "shop", "/orders", 405, method="POST")
    _, analysis = world.analysis()
    assert analysis.whys[1].claim == EndpointMissing(service="shop", method="POST", path="/orders")
    assert analysis.leaf.claim == RegressedBy(commit=commit, path="apps/shop/app.py")


EDGE = """@get("/me")
async def me(r):
    return await ask("/users/me", forward(r))

def forward(r):
    return {}
"""


def edge_and_back() -> World:
    """Return a world with a gateway that asks another service."""
    world = World()
    world.service("edge", {"app.py": EDGE}, env={"U": "http://127.0.0.1:9001"})
    world.service("back", {"app.py": '@get("/users/me")\ndef me(r):\n    return 1\n'})
    return world


def test_a_caller_that_no_longer_says_who_asks_is_behind_the_refusal() -> None:
    """A 401 of the callee for what its caller leaves out since a change."""
    world = edge_and_back()
    commit = world.commit(
        "less", "apps/edge/app.py", removed=("    return r.headers",), added=("    return {}",), line=6
    )
    world.commit("innocent", "apps/back/words.py", added=("HELLO = 1",))
    for name in ("a", "b"):
        world.test(name, "edge", "/me", 401)
        world.row(name, "back", "/users/me", 401)
    assert leaf(world) == RegressedBy(commit=commit, path="apps/edge/app.py")


def test_the_address_of_another_service_is_a_wrong_setting() -> None:
    """Who is asked for what it cannot know was asked by mistake."""
    world = World()
    world.service("edge", {"app.py": "x = 1\n"}, env={"USERS": "http://127.0.0.1:9002"})
    world.service("users", {"app.py": "@get('/users/me')\ndef me(r):\n    return 1\n"})
    world.service("stock", {"app.py": "@get('/stock')\ndef stock(r):\n    return 1\n"})
    world.good("edge", env={"USERS": "http://127.0.0.1:9001"})
    world.test("a", "edge", "/me", 502)
    world.row("a", "stock", "/users/me", 404)
    assert leaf(world) == ConfigMismatch(
        service="edge", key="USERS", expected="http://127.0.0.1:9001", actual="http://127.0.0.1:9002"
    )


def limited(status: int, said: str, before: dict[str, str], now: dict[str, str]) -> Analysis:
    """Return the analysis of a failure that the platform explains beside the request."""
    world = World()
    world.service("shop", {"app.py": "x = 1\n"}, limits=now)
    world.good("shop", limits=before)
    world.test("a", "shop", "/x", status)
    world.items = [i.model_copy(update={"said": said}) if isinstance(i, Request) else i for i in world.items]
    return world.analysis()[1]


def test_a_lower_time_limit_of_the_platform_is_named() -> None:
    """The platform ended the request; its own limit is what changed."""
    said = "The request has been terminated because it has reached the maximum request timeout."
    analysis = limited(504, said, {"timeout": "300s"}, {"timeout": "1s"})
    assert isinstance(analysis.whys[1].claim, TimedOut)
    assert analysis.leaf.claim == ConfigMismatch(service="shop", key="timeout", expected="300s", actual="1s")


def test_fewer_instances_are_named_behind_no_available_instance() -> None:
    """429 of the platform: nothing in the source is wrong."""
    said = "The request was aborted because there was no available instance."
    analysis = limited(429, said, {"max_instances": "10"}, {"max_instances": "1"})
    assert analysis.whys[1].claim == ResourceExhausted(service="shop", resource="instances", blocked="request")
    assert analysis.leaf.claim == ConfigMismatch(service="shop", key="max_instances", expected="10", actual="1")


def test_a_start_without_a_word_leads_to_the_only_change_of_what_runs() -> None:
    """It logged no exception; one commit alone touched what the container runs."""
    world = World()
    world.service("shop", {"main.py": "import time\ntime.sleep(60)\nserve()\n"}, ready=False, message="failed to start")
    commit = world.commit("warm up", "apps/shop/main.py", added=("time.sleep(60)",), line=2)
    world.commit("words", "README.md", added=("hello",))
    assert leaf(world) == RegressedBy(commit=commit, path="apps/shop/main.py")


def test_two_changes_of_what_runs_leave_the_start_open() -> None:
    """Where two commits could be it, none is blamed."""
    world = World()
    world.service("shop", {"main.py": "serve()\n"}, ready=False, message="failed to start")
    for word in ("one", "two"):
        world.commit(word, "apps/shop/main.py", added=(f"{word} = 1",))
    assert sha("one") not in str(leaf(world))
    assert types(world.analysis()[1])[-1] == "unknown"


def test_a_library_that_calls_our_code_stands_in_every_traceback() -> None:
    """A newer web server is not blamed for a line that it only serves."""
    world = World()
    world.service("shop", {**DB, "requirements.txt": "uvicorn==3.0\n"})
    world.commit("upgrade", "apps/shop/requirements.txt", removed=("uvicorn==2.9",), added=("uvicorn==3.0",))
    server = ("/usr/lib/python3.11/site-packages/uvicorn/http.py", 9, "run")
    failing(world, "TypeError", "no password", server, ("db.py", 4, "rows"))
    assert types(world.analysis()[1])[-1] == "code_defect"


USED = """from web import get
import store

@get("/x")
def x(r):
    return tell(store.rows(r))["eur"]

@get("/y")
def y(r):
    return tell(store.rows(r))

def tell(rows):
    total = 1
    return rows
"""


def test_a_change_of_what_working_routes_run_as_well_is_innocent() -> None:
    """What /y runs and answers well by is not blamed for /x, nor is a local name that both happen to use."""
    world = World()
    world.service("shop", {"app.py": USED, "store.py": "def rows(r):\n    return {}\n"})
    world.commit("sum it", "apps/shop/app.py", added=("    total = 1",), line=13)
    world.commit("a local name", "apps/shop/log.py", added=("    tell = 3",))
    failing(world, "KeyError", "'eur'", ("app.py", 6, "x"))
    for number in range(3):
        world.test(f"ok{number}", "shop", "/y", 200, outcome=Outcome.PASSED)
    assert types(world.analysis()[1])[-1] == "code_defect"
