"""What really went wrong with causes, reconstructed: each test is named after its row."""

from __future__ import annotations

import pytest

from tests.unit.triage_world import World, sha, types
from untilgreen.model.analysis import Analysis, Decision, Truth, Why
from untilgreen.model.claims import (
    CodeDefect,
    ConfigMismatch,
    ErrorRaised,
    FileExcluded,
    HttpFailure,
    RegressedBy,
)
from untilgreen.model.evidence import Revision, Stream
from untilgreen.model.suite import Outcome
from untilgreen.review.gate import review

PACKAGE = {
    "main.py": "from agents import watch\n",
    "agents/__init__.py": "",
    "agents/watch/__init__.py": "from .loop import go\n",
    ".dockerignore": "*.pyc\n**/watch/\n",
}


def kept_out(suffix: str = "00007") -> World:
    """Return a world whose image lacks a package since a rule was added; an export list was polished beside it."""
    world = World(salt=suffix)
    world.service("brain", PACKAGE, suffix=suffix, ready=False, message="failed to start and listen on PORT=8080")
    world.image("brain", ("agents/watch/__init__.py", "**/watch/", "apps/brain/.dockerignore", 2))
    world.commit("smaller build context", "apps/brain/.dockerignore", added=("**/watch/",), line=2)
    world.commit("export what is missing", "apps/brain/agents/watch/__init__.py", added=("from .loop import go",))
    world.raises("brain", "ModuleNotFoundError", "No module named 'agents.watch'", ("main.py", 1, "<module>"))
    world.log("brain", "Container called exit(1).", severity="WARNING", stream=Stream.SYSTEM)
    return world


def test_c02_a_package_that_an_ignore_rule_took_out_is_found_not_its_exports() -> None:
    """C02: the leaf is the rule and who added it; the commit that a laptop believed to mend it is not blamed."""
    _, analysis = kept_out().analysis()
    assert types(analysis) == ["startup_failed", "error_raised", "file_excluded", "regressed_by"]
    assert analysis.leaf.claim == RegressedBy(commit=sha("smaller build context"), path="apps/brain/.dockerignore")


def test_c02_what_passed_on_a_laptop_is_refuted_by_the_image() -> None:
    """C02: whoever says that an export is missing passes over the file that the image lacks, and is not approved."""
    world = kept_out()
    path = "apps/brain/agents/watch/__init__.py"
    whys = (
        Why(
            number=1,
            question="Why?",
            answer="It does not start.",
            claim=ErrorRaised(service="brain", exception="ModuleNotFoundError"),
            because=2,
        ),
        Why(
            number=2,
            question="Why?",
            answer="The package exports too little.",
            claim=CodeDefect(path=path, line=1, symbol="<module>"),
        ),
    )
    believed = Analysis(id="a", author="laptop", group="g", cases=(), whys=whys, confidence=0.98)
    assert review(believed, world.bundle()).decision is not Decision.APPROVED


def test_c02_a_signature_that_comes_back_on_a_later_revision_is_the_same_cause() -> None:
    """C02: a fix that changed nothing is disproved: the next revision fails under the same key."""
    assert kept_out("00007").analysis()[0].id == kept_out("00012").analysis()[0].id


STORE = {"db.py": "import driver\n\ndef rows(db):\n    return db.run('select 1')\n"}


def cut_off(*, named: bool = False) -> World:
    """Return a world whose egress was changed to reach one store, and which cannot reach its database since."""
    world = World()
    limits = {"egress": "ALL_TRAFFIC", "timeout": "300s"}
    world.service("shop", STORE, env={"DB": "db.internal:5432", "CACHE": "on"}, limits=limits)
    world.good("shop", env={"DB": "db.internal:5432"}, limits={"egress": "PRIVATE_RANGES_ONLY", "timeout": "300s"})
    world.commit("wait longer", "apps/shop/db.py", removed=("TIMEOUT = 20",), added=("TIMEOUT = 45",), line=2)
    for number in range(3):
        world.test(f"t{number}", "shop", f"/carts/{number}", 500)
        words = "connection to db.internal:5432 timed out" if not named else "db.internal:5432 timed out, egress?"
        world.raises("shop", "OperationalError", words, ("db.py", 4, "rows"), test=f"t{number}")
    return world


@pytest.mark.parametrize("named", [False, True])
def test_c04_a_changed_egress_is_the_first_suspect_of_a_lost_database(named: bool) -> None:
    """C04: of what differs from the last good revision, what has to do with the network comes before any time-out."""
    world = cut_off(named=named)
    group, analysis = world.analysis()
    assert types(analysis)[-2:] == ["dependency_unreachable", "config_mismatch"]
    assert analysis.leaf.claim == ConfigMismatch(
        service="shop", key="egress", expected="PRIVATE_RANGES_ONLY", actual="ALL_TRAFFIC"
    )
    assert len(group.cases) == 3
    judged = review(analysis, world.bundle())
    assert [f.truth for f in judged.findings if f.rule == "claim.config_mismatch"] == [Truth.SUPPORTED]


WIRE = {
    "wire.py": "import json\n\ndef safe(value):\n    return json.dumps(value, default=str)\n",
    "greet.py": (
        "import json\nfrom wire import safe\n\n"
        "async def welcome(ws, state):\n    await ws.send_str(safe({'s': state}))\n\n"
        "async def refuse(ws, state):\n    await ws.send_str(json.dumps({'s': state}))\n"
    ),
    "leave.py": (
        "import json\nfrom wire import safe\n\n"
        "async def bye(ws, state):\n    await ws.send_str(json.dumps({'s': state}))\n\n"
        "async def kicked(ws, state):\n    await ws.send_str(safe({'s': state}))\n"
    ),
    "news.py": (
        "import json\nfrom wire import safe\n\n"
        "async def tell(ws, state):\n    await ws.send_str(safe({'s': state}))\n\n"
        "async def retry(ws, state):\n    await ws.send_str(json.dumps({'s': state}))\n\n"
        "async def stop(ws, state):\n    await ws.send_str(safe({'s': state}))\n"
    ),
}


def test_c09_all_places_that_bypass_the_safe_function_are_named_at_once() -> None:
    """C09: one of three bare calls failed; the two that have not failed yet are in the same claim."""
    world = World()
    world.service("feed", WIRE)
    world.test("a", "feed", "/ws", 101, method="WS", close=1011)
    world.raises(
        "feed", "TypeError", "Object of type State is not JSON serializable", ("greet.py", 8, "refuse"), test="a"
    )
    _, analysis = world.analysis()
    claim = analysis.leaf.claim
    assert isinstance(claim, CodeDefect)
    assert claim.canonical == "safe"
    assert claim.siblings == ("apps/feed/leave.py:5", "apps/feed/news.py:8")


CARDS = {
    "cards.py": (
        "from store import load\nfrom wire import encode\n\n"
        "async def one(request):\n    card = load(request)\n    return encode(card)\n\n"
        "async def two(request):\n    card = await load(request)\n    return encode(card)\n"
    ),
    "store.py": "async def load(request):\n    return {'id': request}\n",
    "wire.py": "import json\n\ndef encode(value):\n    return json.dumps(value)\n",
}


def coroutine() -> World:
    """Return a world in which a coroutine reaches the serializer."""
    world = World()
    world.service("shop", CARDS)
    world.commit("fewer words", "apps/shop/cards.py", added=("    card = load(request)",), line=5)
    for name in ("a", "b"):
        world.test(name, "shop", "/cards/one", 500)
        message = "Object of type coroutine is not JSON serializable"
        world.raises("shop", "TypeError", message, ("cards.py", 6, "one"), ("wire.py", 4, "encode"), test=name)
    return world


def test_c31_the_missing_await_is_the_leaf_not_the_serializer() -> None:
    """C31: of two theories for one signature the traceback decides: the coroutine was made a line above."""
    _, analysis = coroutine().analysis()
    assert types(analysis) == ["http_failure", "error_raised", "code_defect", "regressed_by"]
    assert analysis.whys[2].claim == CodeDefect(
        path="apps/shop/cards.py", line=5, symbol="one", canonical="await load", siblings=()
    )
    assert "apps/shop/cards.py:9" in analysis.whys[2].answer


def test_c31_the_other_theory_is_judged_on_the_same_traceback() -> None:
    """C31: whoever blames a file that the traceback never passes is refuted by that traceback."""
    world = coroutine()
    world.service("mail", {"mail.py": "def send():\n    return 1\n"})
    _, analysis = world.analysis()
    wrong = analysis.whys[2].model_copy(
        update={"claim": CodeDefect(path="apps/shop/store.py", line=2, symbol="load"), "citations": ()}
    )
    theory = analysis.model_copy(update={"id": "b", "whys": (*analysis.whys[:2], wrong), "confidence": 0.97})
    theory = theory.model_copy(update={"whys": (*theory.whys[:2], wrong.model_copy(update={"because": None}))})
    assert review(theory, world.bundle()).decision is Decision.REJECTED


OLD = "    return quote(price, currency=None)"
NEW = "    return quote(price, currency='EUR')"


def mended_source(*, commit: str) -> World:
    """Return a world whose source is mended, while the revision that answers still runs the line before."""
    world = World()
    world.service("shop", {"price.py": f"def total(price):\n{OLD}\n"})
    world.test("a", "shop", "/total", 500)
    world.raises("shop", "TypeError", "no currency", ("price.py", 2, "total"), test="a")
    world.items = [
        item.model_copy(update={"content": f"def total(price):\n{NEW}\n"})
        if getattr(item, "path", "") == "apps/shop/price.py"
        else item.model_copy(update={"commit": commit})
        if isinstance(item, Revision)
        else item
        for item in world.items
    ]
    world.commit("name the currency", "apps/shop/price.py", removed=(OLD,), added=(NEW,), line=2)
    return world


@pytest.mark.parametrize("commit", ["", "0" * 40])
def test_c33_what_is_mended_and_not_deployed_asks_for_a_deploy(commit: str) -> None:
    """C33: the running line is gone from the tested commit: the cause is what runs, and nobody fixes it twice."""
    world = mended_source(commit=commit)
    _, analysis = world.analysis()
    assert types(analysis) == ["http_failure", "error_raised", "config_mismatch"]
    claim = analysis.leaf.claim
    assert isinstance(claim, ConfigMismatch)
    assert (claim.key, claim.expected) == ("commit", "c")
    assert "Fixed in the source, not deployed" in analysis.leaf.answer
    judged = review(analysis, world.bundle())
    assert [f.truth for f in judged.findings if f.rule == "claim.config_mismatch"] == [Truth.SUPPORTED]


def test_c33_what_runs_the_tested_commit_is_deployed() -> None:
    """C33: where the revision was made from the tested commit, the line that fails is the one to mend."""
    world = World()
    world.service("shop", {"price.py": f"def total(price):\n{OLD}\n"})
    world.commit("tidy", "apps/shop/price.py", removed=("    return quote(price)",), added=(OLD,), line=2)
    world.test("a", "shop", "/total", 500)
    world.raises("shop", "TypeError", "no currency", ("price.py", 2, "total"), test="a")
    assert types(world.analysis()[1])[-2:] == ["code_defect", "regressed_by"]


def test_c38_harmless_errors_do_not_outvote_the_one_that_kills() -> None:
    """C38: 20 errors that nothing came of, 10 that ended the container: distance to the exit decides, not the count."""
    world = World()
    world.service("shop", {"app.py": "def beat():\n    ping()\n\ndef run():\n    settle()\n"}, ready=False)
    for number in range(10):
        world.raises("shop", "TimeoutError", "no heartbeat", ("app.py", 2, "beat"))
        world.raises("shop", "RuntimeError", "ledger is torn", ("app.py", 5, "run"))
        if number in (3, 9):
            world.raises("shop", "TimeoutError", "no heartbeat", ("app.py", 2, "beat"))
        world.log("shop", "Container called exit(3).", severity="WARNING", stream=Stream.SYSTEM)
        world.raises("shop", "TimeoutError", "no heartbeat", ("app.py", 2, "beat"))
        world.test(f"t{number}", "shop", f"/x/{number}", 503)
    _, analysis = world.analysis()
    assert ErrorRaised(service="shop", exception="RuntimeError") in [why.claim for why in analysis.whys]
    assert analysis.leaf.claim.subject == "apps/shop/app.py run"


def test_c38_harmless_errors_on_the_same_trace_do_not_count_either() -> None:
    """C38: what passing tests log as well explains no failing one, however often it is there."""
    world = World()
    world.service("shop", {"app.py": "def beat():\n    ping()\n\ndef run():\n    settle()\n"})
    for number in range(20):
        outcome = Outcome.FAILED if number < 3 else Outcome.PASSED
        world.test(f"t{number}", "shop", f"/x/{number}", 500 if number < 3 else 200, outcome=outcome)
        for _ in range(20):
            world.raises("shop", "TimeoutError", "no heartbeat", ("app.py", 2, "beat"), test=f"t{number}")
    for number in range(3):
        world.raises("shop", "RuntimeError", "torn", ("app.py", 5, "run"), test=f"t{number}")
    claims = [why.claim for why in world.analysis()[1].whys]
    assert isinstance(claims[0], HttpFailure)
    assert claims[1] == ErrorRaised(service="shop", exception="RuntimeError")
    assert not any(isinstance(claim, FileExcluded) for claim in claims)
