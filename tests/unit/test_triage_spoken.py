"""Causes of silent failures: what a service says, sets or asks for otherwise than before, with no exception logged."""

from __future__ import annotations

from tests.unit.triage_world import World, types
from untilgreen.model.analysis import Analysis
from untilgreen.model.claims import ConfigMismatch, DefectiveTest, RegressedBy, SecretMissing

GUARD = """\
def only_clerks(caller):
    if caller["role"] != "clerk":
        raise Refused(401, "only clerks may come in")
    return caller


def order(caller):
    return only_clerks(caller)
"""
TALK = """\
KINDS = {"ping": ping}


def reply(message):
    kind = KINDS.get(message["type"])
    if kind is None:
        return {"why": "nobody knows this kind"}
    return kind(message)
"""


def leaf(world: World) -> object:
    """Return the last claim of the one analysis that there must be."""
    found: Analysis = world.analysis()[1]
    return found.leaf.claim


def test_a_status_that_one_line_changed_is_followed_to_the_change() -> None:
    """The failure says 401 and expects 403; the one change from 403 to 401 in the service is the suspect."""
    world = World()
    world.service("shop", {"app.py": GUARD})
    commit = world.commit(
        "tidy",
        "apps/shop/app.py",
        removed=('        raise Refused(403, "only clerks may come in")',),
        added=('        raise Refused(401, "only clerks may come in")',),
        line=3,
    )
    world.commit("other", "apps/shop/other.py", added=("    return 401",))
    world.test("a", "shop", "/orders", 401, message="assert 401 == 403")
    assert leaf(world) == RegressedBy(commit=commit, path="apps/shop/app.py")


def test_two_commits_that_changed_the_status_leave_it_open() -> None:
    """Where two changes fit none is blamed."""
    world = World()
    world.service("shop", {"app.py": "X = 1\n"})
    for name in ("one", "two"):
        world.commit(name, f"apps/shop/{name}.py", removed=("    return 403",), added=("    return 401",))
    world.test("a", "shop", "/orders", 401, message="assert 401 == 403")
    assert types(world.analysis()[1])[-1] == "unknown"


def test_a_name_that_came_into_the_answer_leads_to_who_brought_it() -> None:
    """The answer shows a name that one commit brought; another commit that also names the lost one is innocent."""
    world = World()
    world.service("shop", {"app.py": 'def shown(row):\n    return {"weight": row["grams"]}\n'})
    commit = world.commit(
        "rename",
        "apps/shop/app.py",
        removed=('    return {"grams": row["grams"]}',),
        added=('    return {"weight": row["grams"]}',),
    )
    world.commit(
        "count", "apps/shop/report.py", removed=('    sum(row["grams"] for row in rows)',), added=("    total(rows)",)
    )
    world.test("a", "shop", "/things", 200, message="assert {'weight': 100} == {'grams': 100}")
    assert leaf(world) == RegressedBy(commit=commit, path="apps/shop/app.py")


def test_words_of_an_answer_lead_to_what_their_function_reads() -> None:
    """The function that says it is as it was; the constant that it looks into is not."""
    world = World()
    world.service("shop", {"app.py": TALK})
    commit = world.commit(
        "fewer kinds",
        "apps/shop/app.py",
        removed=('KINDS = {"ping": ping, "track": track}',),
        added=('KINDS = {"ping": ping}',),
    )
    world.commit("other", "apps/shop/other.py", added=('LEVEL = "loud"',))
    world.test(
        "a", "shop", "/talk", 200, message="assert {'why': 'nobody knows this kind'} == {'why': 'no such thing'}"
    )
    assert leaf(world) == RegressedBy(commit=commit, path="apps/shop/app.py")


def test_what_a_condition_asks_is_followed_to_another_service() -> None:
    """A token is refused for its age: the change is in its issuer, which no trace names."""
    world = World()
    reader = 'def read(claims):\n    if claims["exp"] <= now():\n        raise Refused(401, "the token is too old")\n'
    world.service("shop", {"app.py": reader}, env={"ISSUER_URL": "http://127.0.0.1:9001"})
    world.service("issuer", {"app.py": 'def issue():\n    return {"exp": now() - 60}\n'})
    commit = world.commit(
        "shorter",
        "apps/issuer/app.py",
        removed=('    return {"exp": now() + 3600}',),
        added=('    return {"exp": now() - 60}',),
        line=2,
    )
    world.commit("names", "apps/shop/names.py", removed=('    "role"',), added=("    ROLE",))
    world.test("a", "shop", "/orders", 401, message='{"error": "the token is too old"}')
    assert leaf(world) == RegressedBy(commit=commit, path="apps/issuer/app.py")


def test_support_code_of_the_suite_is_blamed_only_beside_unchanged_services() -> None:
    """A changed constant that the failing way names makes the test suspect; a changed service takes that away."""

    def world_with(path: str) -> World:
        world = World()
        world.service("shop", {"app.py": "X = 1\n"})
        world.commit("users", "e2e/test_it.py", removed=('USERS = ["a"]',), added=('USERS = ["b"]',))
        world.commit("more", path, added=("def more(): ...",))
        text = "    def test_a(http):\n>       assert http.post(USERS[0]).status_code == 200"
        world.test("a", "shop", "/login", 401, message="assert 401 == 200", text=text)
        return world

    assert isinstance(leaf(world_with("docs/more.md")), DefectiveTest)
    assert types(world_with("apps/shop/app.py").analysis()[1])[-1] == "unknown"


def test_an_address_with_another_path_is_another_setting() -> None:
    """The same service under a prefix that it does not know: the setting is wrong, and the commit that set it."""
    world = World()
    world.service("shop", {"app.py": "X = 1\n"}, env={"LEDGER_URL": "http://127.0.0.1:9001/v1"})
    world.good("shop", env={"LEDGER_URL": "http://127.0.0.1:9001"})
    world.service("ledger", {"app.py": 'app.get("/entries")(entries)\n'})
    commit = world.commit(
        "prefix",
        "untilgreen.yaml",
        removed=('  LEDGER_URL: "{ledger.url}"',),
        added=('  LEDGER_URL: "{ledger.url}/v1"',),
    )
    world.test("a", "shop", "/orders", 404)
    world.row("a", "ledger", "/v1/entries", 404)
    claims = [why.claim for why in world.analysis()[1].whys]
    assert [c.key for c in claims if isinstance(c, ConfigMismatch)] == ["LEDGER_URL"]
    assert claims[-1] == RegressedBy(commit=commit, path="untilgreen.yaml")


def test_a_variable_that_a_commit_began_to_read_leads_to_that_commit() -> None:
    """Nobody ever bound it: what changed is that it is asked for."""
    world = World()
    source = 'import os\n\nREGION = os.environ["REGION"]\n'
    world.service("shop", {"app.py": source}, ready=False, message="The container failed to start.")
    world.good("shop")
    commit = world.commit("region", "apps/shop/app.py", added=('REGION = os.environ["REGION"]',), line=3)
    world.raises("shop", "KeyError", "'REGION'", ("app.py", 3, "<module>"))
    claims = [why.claim for why in world.analysis()[1].whys]
    assert SecretMissing(service="shop", env="REGION") in claims
    assert claims[-1] == RegressedBy(commit=commit, path="apps/shop/app.py")


def test_who_only_passes_a_failure_on_is_not_blamed_for_its_words() -> None:
    """The line that says that the callee is late was touched; the callee is late, and its own change is the cause."""
    world = World()
    gate = 'def ask(call):\n    if call.late:\n        raise Problem(504, "ledger does not answer")\n'
    ledger = 'def entries(request):\n    return slowly(request)\n\n\napp.add_route("/entries", entries)\n'
    world.service("shop", {"app.py": gate}, env={"LEDGER_URL": "http://127.0.0.1:9001"})
    world.service("ledger", {"app.py": ledger})
    commit = world.commit(
        "thorough",
        "apps/ledger/app.py",
        removed=("    return quickly(request)",),
        added=("    return slowly(request)",),
        line=2,
    )
    world.commit("retries", "apps/shop/app.py", removed=("    if late:",), added=("    if call.late:",), line=2)
    world.test("a", "shop", "/orders", 504, message='{"error": "ledger does not answer"}', latency=3.0)
    world.row("a", "ledger", "/entries", 200, latency=2.9)
    assert leaf(world) == RegressedBy(commit=commit, path="apps/ledger/app.py")
