"""One test for each way from a symptom to a cause, with the decoys that must not be blamed."""

from __future__ import annotations

from tests.unit.triage_world import World, sha, types
from untilgreen.collect.traceback import find_raised
from untilgreen.model.analysis import Analysis
from untilgreen.model.claims import (
    CodeDefect,
    ConfigMismatch,
    EndpointMissing,
    FileExcluded,
    RegressedBy,
    SecretMissing,
)
from untilgreen.model.evidence import Case, Stream
from untilgreen.model.suite import Exchange, Failure, Outcome

FEED = """import json
from codec import encode

async def hello(ws):
    await ws.send_str(encode({"a": 1}))

async def price(ws, p):
    await ws.send_str(encode(p))

async def refuse(ws, state):
    await ws.send_str(json.dumps({"state": state}))

async def leave(ws, state):
    await ws.send_str(json.dumps({"bye": state}))

async def stock(ws, s):
    text = encode(s)
    await ws.send_str(text)
"""
CODEC = """import json

def encode(value):
    return json.dumps(value, default=str)
"""


def sockets(**_: object) -> World:
    """Return a world in which two places bypass the encoder that three others use."""
    world = World()
    world.service("feed", {"feed.py": FEED, "codec.py": CODEC})
    for name in ("a", "b"):
        world.test(name, "feed", "/ws/prices", 101, method="WS", close=1011, message="received 1011 (internal error)")
        world.raises(
            "feed",
            "TypeError",
            "Object of type State is not JSON serializable",
            ("feed.py", 11, "refuse"),
            ("/usr/lib/python3.11/json/encoder.py", 180, "default"),
            test=name,
        )
    return world


def leaf(analysis: Analysis) -> object:
    """Return the last claim."""
    return analysis.leaf.claim


def test_a_closed_socket_leads_to_the_line_and_its_class() -> None:
    """A close code leads over the trace's exception to the failing line, its custom and all that break it."""
    group, analysis = sockets().analysis()
    assert types(analysis) == ["socket_closed", "error_raised", "code_defect"]
    assert leaf(analysis) == CodeDefect(
        path="apps/feed/feed.py", line=11, symbol="refuse", canonical="encode", siblings=("apps/feed/feed.py:14",)
    )
    assert "3 of 5 sibling call sites use encode" in analysis.leaf.answer
    assert len(group.cases) == 2


def test_noise_and_innocent_commits_are_not_blamed() -> None:
    """Errors on other traces, errors that passing tests have too, and a commit to the same file change nothing."""
    world = sockets()
    world.commit("tidy the feed", "apps/feed/feed.py", added=("async def hello(ws):",), line=4)
    for number in range(20):
        world.test(f"ok{number}", "feed", "/ws/prices", 101, method="WS", close=1000, outcome=Outcome.PASSED)
        world.raises("feed", "ValueError", "stale quote", ("feed.py", 5, "hello"), test=f"ok{number}")
    world.raises("feed", "ValueError", "stale quote", ("feed.py", 5, "hello"), test="a")
    world.raises("feed", "TimeoutError", "proxy", ("feed.py", 8, "price"))
    _, analysis = world.analysis()
    assert types(analysis)[-1] == "code_defect"
    assert "TypeError" in analysis.whys[1].claim.subject


def test_the_commit_that_brought_the_line_follows_the_line() -> None:
    """The line stays in the chain, and the change that brought it explains since when."""
    world = sockets()
    commit = world.commit(
        "refuse politely", "apps/feed/feed.py", added=('    await ws.send_str(json.dumps({"state": state}))',)
    )
    _, analysis = world.analysis()
    assert types(analysis)[-2:] == ["code_defect", "regressed_by"]
    assert leaf(analysis) == RegressedBy(commit=commit, path="apps/feed/feed.py")


def test_a_partly_mended_class_keeps_its_key() -> None:
    """A cause whose class shrinks is the same cause, not a new one."""
    world = World()
    half = FEED.replace('ws.send_str(json.dumps({"bye": state}))', 'ws.send_str(encode({"bye": state}))')
    world.service("feed", {"feed.py": half, "codec.py": CODEC})
    world.test("a", "feed", "/ws/prices", 101, method="WS", close=1011)
    world.raises("feed", "TypeError", "no", ("feed.py", 11, "refuse"), test="a")
    assert world.analysis()[0].key == sockets().analysis()[0].key


ROUTES = """from web import router

@router.get("/jobs/{id}")
async def job(id): ...

@router.post("/jobs/{id}/start")
async def start(id): ...
"""


def routes_gone() -> World:
    """Return a world whose latest commit dropped two routes."""
    world = World()
    world.service("queue", {"api.py": ROUTES})
    world.commit("rename a variable", "apps/queue/api.py", removed=("x = 1",), added=("y = 1",))
    world.commit(
        "simplify",
        "apps/queue/api.py",
        removed=(
            '@router.post("/jobs/{id}/stop")',
            "async def stop(id): ...",
            '@router.post("/jobs/{id}/cancel")',
            "async def cancel(id): ...",
        ),
    )
    for number in range(4):
        world.test(f"stop{number}", "queue", f"/jobs/{number}/stop", 404, method="POST")
        world.test(f"cancel{number}", "queue", f"/jobs/{number}/cancel", 404, method="POST")
    return world


def test_routes_that_one_commit_dropped_are_one_cause() -> None:
    """Missing sibling routes join one group, each said, and explained by the commit that removed them."""
    group, analysis = routes_gone().analysis()
    assert types(analysis) == ["http_failure", "endpoint_missing", "endpoint_missing", "regressed_by"]
    assert [why.because for why in analysis.whys] == [2, 4, 4, None]
    paths = {why.claim.path for why in analysis.whys if isinstance(why.claim, EndpointMissing)}
    assert paths == {"/jobs/{}/stop", "/jobs/{}/cancel"}
    assert leaf(analysis) == RegressedBy(commit=sha("simplify"), path="apps/queue/api.py")
    assert len(group.cases) == 8


def test_a_404_from_a_handler_is_no_missing_route() -> None:
    """When the source serves the path, the thing is missing, and the evidence ends there."""
    world = World()
    world.service("queue", {"api.py": ROUTES})
    world.test("x", "queue", "/jobs/9", 404)
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "unknown"]


def test_an_unregistered_router_is_a_missing_route() -> None:
    """The route's own literal is still there; the line that mounted its module is not."""
    world = World()
    world.service("queue", {"jobs.py": ROUTES, "app.py": "app = App()\n"})
    commit = world.commit("tidy the app", "apps/queue/app.py", removed=("app.include(jobs.router)",))
    world.test("x", "queue", "/jobs/9/start", 404, method="POST")
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "endpoint_missing", "regressed_by"]
    assert leaf(analysis) == RegressedBy(commit=commit, path="apps/queue/app.py")


CALLER = """import os
KEY = "PEER_KEY"

def headers():
    return {"x-key": os.environ.get(KEY, "")}

LEVEL = os.environ["LEVEL"]
"""
CALLEE = """import os
expected = os.environ["PEER_KEY"]
"""


def refused(world: World) -> World:
    """Deploy a shop that is refused by its ledger, and fail two tests on two routes."""
    for name, path in (("a", "/orders"), ("b", "/refunds")):
        world.test(name, "shop", path, 403, method="POST")
        world.row(name, "ledger", "/verify", 403, method="POST")
        world.log("ledger", "caller shop is not known", test=name, severity="WARNING")
    return world


def test_a_refusal_upstream_leads_to_the_secret_that_a_peer_has() -> None:
    """A 403 leads to who refused, and to the variable that the caller reads, lacks, and its peer is given."""
    world = World()
    world.service("shop", {"app.py": CALLER}, env={"LEVEL": "1", "LEDGER_URL": "http://127.0.0.1:9001"})
    world.service("ledger", {"app.py": CALLEE}, secrets={"PEER_KEY": "peer"})
    commit = world.commit("tidy settings", "untilgreen.yaml", removed=("      PEER_KEY: peer",))
    world.commit("polish tokens", "apps/shop/app.py", removed=("# old",), added=("# new",))
    group, analysis = refused(world).analysis()
    assert types(analysis) == ["http_failure", "auth_rejected", "secret_missing", "regressed_by"]
    assert analysis.whys[2].claim == SecretMissing(service="shop", env="PEER_KEY")
    assert leaf(analysis) == RegressedBy(commit=commit, path="untilgreen.yaml")
    assert len(group.cases) == 2


def test_a_secret_that_the_last_good_revision_had_is_missing() -> None:
    """Without any upstream the last good revision tells what the new one lacks."""
    world = World()
    world.service("shop", {"app.py": CALLEE})
    world.good("shop", secrets={"PEER_KEY": "peer"})
    world.test("a", "shop", "/orders", 401)
    _, analysis = world.analysis()
    assert types(analysis) == ["auth_rejected", "secret_missing"]


def test_a_variable_that_never_was_there_is_not_missing() -> None:
    """What the last good revision did without cannot be the cause."""
    world = World()
    world.service("shop", {"app.py": CALLEE})
    world.good("shop")
    world.test("a", "shop", "/orders", 403)
    assert types(world.analysis()[1]) == ["auth_rejected", "unknown"]


def test_a_pinned_version_apart_from_its_peers_is_a_mismatch() -> None:
    """Two services that share a secret must have one version of it."""
    world = World()
    world.service("shop", {"app.py": CALLER}, env={"LEVEL": "1"}, secrets={"PEER_KEY": "peer:1"})
    world.service("ledger", {"app.py": CALLEE}, secrets={"PEER_KEY": "peer:2"})
    _, analysis = refused(world).analysis()
    assert leaf(analysis) == ConfigMismatch(service="shop", key="PEER_KEY", expected="peer:2", actual="peer:1")


def test_a_module_that_an_ignore_rule_keeps_out_stops_the_start() -> None:
    """The traceback names the module, the image says which rule excluded it, the history says who added the rule."""
    world = World()
    world.service(
        "shop",
        {"main.py": "from shop.watch import go\n", ".dockerignore": "*.pyc\n**/watch/\n"},
        ready=False,
        message="failed to start and listen on PORT=8080",
    )
    world.image("shop", ("shop/watch/__init__.py", "**/watch/", "apps/shop/.dockerignore", 2))
    commit = world.commit("smaller context", "apps/shop/.dockerignore", added=("**/watch/",), line=2)
    world.raises("shop", "ModuleNotFoundError", "No module named 'shop.watch'", ("main.py", 1, "<module>"))
    world.health("shop", ok=False)
    group, analysis = world.analysis()
    assert types(analysis) == ["service_down", "startup_failed", "error_raised", "file_excluded", "regressed_by"]
    assert analysis.whys[3].claim == FileExcluded(
        service="shop", path="shop/watch/__init__.py", rule_file="apps/shop/.dockerignore", line=2
    )
    assert leaf(analysis) == RegressedBy(commit=commit, path="apps/shop/.dockerignore")
    assert "00007" not in group.key


def test_source_that_does_not_parse_is_found_though_it_is_no_frame() -> None:
    """A SyntaxError names its place in the text of the traceback."""
    world = World()
    world.service("shop", {"main.py": "import views\n", "views.py": "x = 1\nprint(f'{'a'}')\n"}, ready=False)
    text = (
        'Traceback (most recent call last):\n  File "/srv/main.py", line 1, in <module>\n    import views\n'
        "  File \"/srv/views.py\", line 2\n    print(f'{'a'}')\nSyntaxError: f-string: expecting '}'"
    )
    world.log("shop", text, raised=find_raised(text))
    _, analysis = world.analysis()
    assert types(analysis) == ["startup_failed", "error_raised", "code_defect"]
    assert analysis.leaf.claim.subject == "apps/shop/views.py <module>"


def test_another_port_than_the_platform_asks_is_a_mismatch() -> None:
    """What the container says it listens on is compared with the template."""
    world = World()
    world.service("shop", {"main.py": "serve(port=9000)\n"}, ready=False, message="failed to listen on PORT=8080")
    world.commit("move", "apps/shop/main.py", removed=("serve(port=8080)",), added=("serve(port=9000)",))
    world.log("shop", "Uvicorn running on http://0.0.0.0:9000", severity="INFO")
    _, analysis = world.analysis()
    assert types(analysis) == ["startup_failed", "config_mismatch", "regressed_by"]


def test_an_incident_takes_its_failures_and_masks_what_did_not_run() -> None:
    """One service that is not ready is one group; what was not observed stands apart, masked by it."""
    world = World()
    world.service("shop", {"main.py": "import os\nos.environ['DB']\n"}, ready=False)
    world.raises("shop", "KeyError", "'DB'", ("main.py", 2, "<module>"))
    for number in range(5):
        world.test(f"f{number}", "shop", f"/x/{number}", 503)
        world.test(f"n{number}", "shop", f"/y/{number}", None, outcome=Outcome.NOT_RUN, row=False)
    done = world.triage()
    assert [len(g.cases) for g in done.groups] == [5, 5]
    assert done.groups[1].masked_by == done.groups[0].id
    assert len(done.analyses) == 1


def test_two_faults_are_two_groups() -> None:
    """Independent causes stay apart though they fail at once."""
    world = sockets()
    world.service("queue", {"api.py": ROUTES})
    world.commit("simplify", "apps/queue/api.py", removed=('@router.post("/jobs/{id}/stop")',))
    world.test("stop", "queue", "/jobs/1/stop", 404, method="POST")
    assert sorted(len(g.cases) for g in world.triage().groups) == [1, 2]


CLIENT = """import rpc

def total(cart):
    user = rpc.get("/users/me")
    return user["name"].upper()
"""


def test_a_failing_upstream_is_followed() -> None:
    """An error behind a 502 is looked for where the trace leads, however loud the gateway is."""
    world = World()
    world.service("edge", {"app.py": CLIENT}, env={"U": "http://127.0.0.1:9001"})
    world.service("users", {"app.py": "def me():\n    return 1 / 0\n"})
    world.test("a", "edge", "/total", 502)
    world.row("a", "users", "/users/me", 500)
    for _ in range(10):
        world.raises("edge", "UpstreamError", "users answered 500", ("app.py", 4, "total"), test="a")
    world.raises("users", "ZeroDivisionError", "division by zero", ("app.py", 2, "me"), test="a")
    group, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "http_failure", "error_raised", "code_defect"]
    assert group.key == "ZeroDivisionError at apps/users/app.py me"


def test_an_old_line_that_fails_after_a_foreign_change_is_not_blamed() -> None:
    """None from upstream breaks the caller's line; the change is upstream."""
    world = World()
    world.service("edge", {"app.py": CLIENT}, env={"U": "http://127.0.0.1:9001"})
    world.service("users", {"app.py": 'def me():\n    return {"full_name": "x"}\n'})
    commit = world.commit(
        "rename", "apps/users/app.py", removed=('    return {"name": "x"}',), added=('    return {"full_name": "x"}',)
    )
    world.test("a", "edge", "/total", 500)
    world.row("a", "users", "/users/me", 200)
    world.raises("edge", "KeyError", "'name'", ("app.py", 5, "total"), test="a")
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "error_raised", "regressed_by"]
    assert leaf(analysis) == RegressedBy(commit=commit, path="apps/users/app.py")


def test_time_is_followed_to_where_it_is_spent() -> None:
    """A client that gave up leads to the slow service behind the one it asked, not to retries."""
    world = World()
    world.service("edge", {"app.py": CLIENT}, env={"U": "http://127.0.0.1:9001"})
    world.service("users", {"app.py": "@get('/login')\ndef login():\n    sleep(3)\n    return 1\n"})
    world.commit("careful", "apps/users/app.py", added=("    sleep(3)",), line=3)
    for name in ("a", "b"):
        world.test(name, "edge", f"/login/{name}", None, error="ReadTimeout", latency=3.2)
        world.row(name, "users", "/login", 200, latency=3.1)
        world.log("edge", "retrying users", test=name)
    _, analysis = world.analysis()
    assert types(analysis) == ["timed_out", "timed_out", "regressed_by"]
    assert analysis.whys[1].claim.subject == "users /login"


def test_a_crash_loop_is_found_behind_a_loud_gateway() -> None:
    """Who could not be reached is asked next; its last traceback before the exit is the error behind the error."""
    world = World()
    world.service("edge", {"app.py": CLIENT}, env={"U": "http://127.0.0.1:9001"})
    world.service("users", {"app.py": "def run():\n    raise_it()\n"})
    world.raises("users", "RuntimeError", "boom", ("app.py", 2, "run"))
    world.log("users", "Container called exit(1).", severity="WARNING", stream=Stream.SYSTEM)
    for name in ("a", "b"):
        world.test(name, "edge", f"/{name}", 502)
        world.raises(
            "edge", "ConnectError", "connection refused by http://127.0.0.1:9001", ("app.py", 4, "total"), test=name
        )
    _, analysis = world.analysis()
    assert types(analysis) == [
        "http_failure",
        "error_raised",
        "dependency_unreachable",
        "service_down",
        "error_raised",
        "code_defect",
    ]
    assert analysis.leaf.claim.subject == "apps/users/app.py run"


def test_memory_is_exhausted_when_the_platform_says_so() -> None:
    """The platform's own word next to the failing request is a cause."""
    world = World()
    world.service("shop", {"app.py": CLIENT})
    world.test("big", "shop", "/upload", 503)
    world.log("shop", "Memory limit of 512 MiB exceeded with 530 MiB used.", stream=Stream.SYSTEM)
    assert types(world.analysis()[1]) == ["http_failure", "resource_exhausted"]


def test_an_application_cannot_claim_the_platforms_words() -> None:
    """The same text on stderr proves nothing, and the rival is refuted by complete logs."""
    world = World()
    world.service("shop", {"app.py": CLIENT})
    world.test("big", "shop", "/upload", 503)
    world.log("shop", "Memory limit of 512 MiB exceeded with 530 MiB used.")
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "unknown"]
    assert [rival.claim.type for rival in analysis.rivals] == ["resource_exhausted"]


def test_a_table_that_does_not_exist_is_not_the_querys_fault() -> None:
    """The change that brought the need for the table is the cause, not the line that asks."""
    world = World()
    world.service(
        "shop",
        {
            "db.py": "def rows(db):\n    return db.run('select * from coupons')\n",
            "migrations/2.sql": "create table coupons ();\n",
        },
    )
    commit = world.commit("coupons", "apps/shop/migrations/2.sql", added=("create table coupons ();",))
    world.test("a", "shop", "/coupons", 500)
    world.raises("shop", "ProgrammingError", 'relation "coupons" does not exist', ("db.py", 2, "rows"), test="a")
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "error_raised", "regressed_by"]
    assert leaf(analysis) == RegressedBy(commit=commit, path="apps/shop/migrations/2.sql")


POOL = """def one(pool):
    with pool.acquire() as c:
        return c.run(1)

def two(pool):
    with pool.acquire() as c:
        return c.run(2)

def report(pool):
    c = pool.acquire()
    return c.run(3)
"""


def test_an_empty_pool_leads_to_who_does_not_give_back() -> None:
    """The line that waits is a victim; the sibling without `with` is the leak."""
    world = World()
    world.service("shop", {"db.py": POOL})
    world.test("late", "shop", "/one", 500)
    world.raises("shop", "PoolTimeout", "pool exhausted: timeout after 3 s", ("db.py", 2, "one"), test="late")
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "error_raised", "code_defect"]
    assert analysis.leaf.claim.subject == "apps/shop/db.py report"


HANDLER = """@app.get("/prices")
def prices():
    try:
        return load()
    except Exception:
        return {}

def load():
    return fetch("v2")
"""


def test_a_wrong_200_leads_to_the_only_change_in_what_serves_it() -> None:
    """A swallowed exception leaves no log; the one change within the handler's reach is the suspect."""
    world = World()
    world.service("shop", {"app.py": HANDLER})
    commit = world.commit(
        "second version",
        "apps/shop/app.py",
        removed=('    return fetch("v1")',),
        added=('    return fetch("v2")',),
        line=9,
    )
    world.commit("elsewhere", "apps/shop/other.py", added=("def unrelated(): ...",))
    world.test("a", "shop", "/prices", 200, error="KeyError", message="'eur'")
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "regressed_by"]
    assert leaf(analysis) == RegressedBy(commit=commit, path="apps/shop/app.py")


def test_what_fails_now_and_then_is_not_explained() -> None:
    """Random 503 without any error are one group without a cause, whatever was committed."""
    world = World()
    world.service("shop", {"app.py": HANDLER})
    world.commit("second version", "apps/shop/app.py", added=('    return fetch("v2")',), line=9)
    for number in range(60):
        bad = number % 20 == 0
        path = "/prices" if number < 30 else "/stock"
        world.test(f"t{number}", "shop", path, 503 if bad else 200, outcome=Outcome.FAILED if bad else Outcome.PASSED)
    group, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "unknown"]
    assert len(group.cases) == 3
    assert analysis.confidence <= 0.5


def test_answers_of_another_revision_are_told() -> None:
    """A revision without traffic is not to blame for what another one answered."""
    world = World()
    world.service("shop", {"app.py": HANDLER})
    world.test("a", "shop", "/prices", 500, row=False)
    world.row("a", "shop", "/prices", 500, revision="shop-00001")
    _, analysis = world.analysis()
    assert leaf(analysis) == ConfigMismatch(service="shop", key="traffic", expected="shop-00007", actual="shop-00001")


def test_an_expected_error_on_the_way_is_not_blamed() -> None:
    """A test that gets a 404 it asked for fails for what comes after it."""
    world = sockets()
    gone = Exchange(client="httpcore", method="GET", host="127.0.0.1:9000", path="/gone", status=404, latency_ms=1)
    world.test("c", "feed", "/prices", 200, message="assert 3 == 4", before=(gone,))
    keys = [group.key for group in world.triage().groups]
    assert "AssertionError after 200 GET /prices at feed" in keys


def test_a_test_that_breaks_before_it_asks_is_its_own_fault() -> None:
    """Without any exchange no service is blamed."""
    world = World()
    world.service("shop", {"app.py": HANDLER})
    failure = Failure(phase="call", exception="NameError", message="name 'clinet' is not defined")
    world.items.append(Case(nodeid="e2e/t.py::test_x", outcome=Outcome.FAILED, failure=failure))
    assert types(world.analysis()[1]) == ["test_defect"]


def test_a_traceback_without_a_trace_is_linked_by_time_when_there_is_no_choice() -> None:
    """Services that do not log the trace are still explained, with less confidence."""
    world = World()
    world.service("shop", {"app.py": HANDLER})
    world.test("a", "shop", "/prices", 500)
    world.raises("shop", "LookupError", "v2", ("app.py", 9, "load"))
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "error_raised", "code_defect"]
    assert analysis.confidence <= 0.7


def test_a_refusal_that_a_passing_test_also_got_is_still_followed() -> None:
    """A test may pass for the wrong reason: what failing tests see oftener is telling."""
    world = World()
    world.service("shop", {"app.py": CALLER}, env={"LEVEL": "1", "LEDGER_URL": "http://127.0.0.1:9001"})
    world.service("ledger", {"app.py": CALLEE}, secrets={"PEER_KEY": "peer"})
    world.test("lucky", "shop", "/orders", 403, method="POST", outcome=Outcome.PASSED)
    world.row("lucky", "ledger", "/verify", 403, method="POST")
    for name in ("x", "y", "z"):
        world.test(name, "shop", "/menu", 200, outcome=Outcome.PASSED)
    assert types(refused(world).analysis()[1]) == ["http_failure", "auth_rejected", "secret_missing"]


def test_a_route_that_moved_is_not_removed() -> None:
    """A commit that puts the line back elsewhere in the service removed nothing."""
    world = World()
    world.service("queue", {"api.py": ROUTES})
    line = '@router.post("/jobs/{id}/stop")'
    world.commit("move", "apps/queue/api.py", removed=(line,), added=("# moved", line), line=9)
    world.test("x", "queue", "/jobs/9/stop", 404, method="POST")
    assert types(world.analysis()[1]) == ["http_failure", "endpoint_missing", "unknown"]


def test_a_removed_line_about_something_else_unregisters_nothing() -> None:
    """A handler's 404 stays a handler's 404 when a commit removed other calls on the same object."""
    world = World()
    world.service("queue", {"jobs.py": ROUTES, "app.py": "app = App()\n"})
    world.commit("tidy", "apps/queue/app.py", removed=("app.include(users.router)", "jobs.log('x')"))
    world.test("x", "queue", "/jobs/9/start", 404, method="POST")
    assert types(world.analysis()[1]) == ["http_failure", "unknown"]


def test_a_client_that_names_nobody_asked_the_only_one_it_knows() -> None:
    """Some HTTP clients say only that all attempts failed; the template knows whom."""
    world = World()
    world.service("edge", {"app.py": CLIENT}, env={"U": "http://127.0.0.1:9001"})
    world.service("users", {"app.py": "x = 1\n"}, ready=True)
    world.test("a", "edge", "/total", 500)
    library = ("/usr/lib/python3.11/site-packages/httpx/_client.py", 9, "send")
    world.raises("edge", "ConnectError", "All connection attempts failed", ("app.py", 4, "total"), library, test="a")
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "error_raised", "dependency_unreachable", "unknown"]
    assert analysis.whys[2].claim.subject == "edge users"


def test_a_database_that_cannot_be_reached_is_named_by_its_address() -> None:
    """What is not deployed here is a border: the chain names it, and the setting that changed, if a log line does."""
    world = World()
    world.service("shop", {"db.py": "def rows(db):\n    return db.run(1)\n"}, env={"DB_HOST": "db-two:5432"})
    world.good("shop", env={"DB_HOST": "db-one:5432"})
    world.test("a", "shop", "/x", 500)
    world.raises("shop", "OperationalError", "connection to db-two:5432 refused", ("db.py", 2, "rows"), test="a")
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "error_raised", "dependency_unreachable", "config_mismatch"]
    assert leaf(analysis) == ConfigMismatch(service="shop", key="DB_HOST", expected="db-one:5432", actual="db-two:5432")


def test_without_a_good_commit_the_oldest_explains_nothing() -> None:
    """The first commit of a history brought every line, and so no fault."""
    world = World(good="")
    world.service("feed", {"feed.py": FEED, "codec.py": CODEC})
    world.commit("all", "apps/feed/feed.py", added=tuple(FEED.splitlines()))
    world.commit("more", "apps/feed/other.py", added=("x = 1",))
    world.test("a", "feed", "/ws/prices", 101, method="WS", close=1011)
    world.raises("feed", "TypeError", "no", ("feed.py", 11, "refuse"), test="a")
    assert types(world.analysis()[1])[-1] == "code_defect"
