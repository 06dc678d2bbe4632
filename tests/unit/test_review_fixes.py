"""A fix is approved when no rule stops it, and every rule says where and what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.review_scene import chain
from untilgreen.model.analysis import Decision, Fix, FixReview
from untilgreen.model.claims import Claim, CodeDefect, ConfigMismatch, DefectiveTest
from untilgreen.review.fixes import RULES, refuse, review_fix
from untilgreen.review.fixes.change import paths_in
from untilgreen.review.fixes.credentials import looks_secret
from untilgreen.settings import FILE, parse

CODE = """
import json


def send(socket, message):
    if not message:
        raise ValueError("nothing to send")
    check_size(message)
    return socket.send(json.dumps(message), timeout=5)
"""
YAML = """
services:
  web: {source: web, image: r/web, env: {MODE: slow}, needs: [TOKEN]}
suite: {path: e2e, minimum: 1000}
"""
TREE = {
    "web/ws.py": CODE,
    "e2e/test_ws.py": "def test_ws():\n    assert 1\n",
    FILE: YAML,
    "pyproject.toml": "[tool.pytest.ini_options]\nxfail_strict = true\n",
}
DEFECT = CodeDefect(path="web/ws.py", line=8, symbol="send")
MENDED = CODE.replace("json.dumps(message)", "safe_dumps(message)")


def judged(changes: dict[str, str | None], diff: str = "", claim: Claim = DEFECT, breaks: str = "") -> FixReview:
    """Review a fix that changes these files; None removes one."""
    after = {path: text for path, text in (TREE | changes).items() if text is not None}
    fix = Fix(
        id="fix-1",
        author="a",
        title="t",
        analysis="analysis-1",
        breaks=breaks or f"{claim.type} {claim.subject}",
        diff=diff,
    )
    return review_fix(fix, chain(claim), TREE, after, parse(YAML))


def rules(review: FixReview) -> set[str]:
    """Return the rules that speak against a fix."""
    return {finding.rule for finding in review.findings if finding.truth != "supported"}


def test_good_fix() -> None:
    """A small change of the product that names the why it breaks is approved."""
    review = judged({"web/ws.py": MENDED})
    assert review.decision is Decision.APPROVED
    assert review.findings[0].message == "breaks why 1: code_defect web/ws.py send"


def test_binding_a_secret() -> None:
    """In the loop's settings a fix may change what services get."""
    assert judged({FILE: YAML.replace("MODE: slow", "MODE: fast")}).decision is Decision.APPROVED


REJECTED: dict[str, tuple[dict[str, str | None], str, str]] = {
    "nothing": ({}, "", "fix.empty"),
    "a test": ({"e2e/test_ws.py": "def test_ws():\n    pass\n"}, "", "fix.tests"),
    "a deleted test": ({"e2e/test_ws.py": None}, "", "fix.tests"),
    "a new conftest": ({"web/conftest.py": "x = 1\n"}, "", "fix.tests"),
    "data of the tests": ({"e2e/people.json": "{}\n"}, "", "fix.tests"),
    "pytest's table": ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "", "fix.tests"),
    "a pyproject that cannot be read": ({"pyproject.toml": "[tool"}, "", "fix.tests"),
    "CI": ({".github/workflows/ci.yml": "on: push\n"}, "", "fix.tests"),
    "start-up of Python": ({"web/sitecustomize.py": "x = 1\n"}, "", "fix.tests"),
    "fewer tests wanted": ({FILE: YAML.replace("1000", "10")}, "", "fix.settings"),
    "settings that cannot be used": ({FILE: "services: 3\n"}, "", "fix.settings"),
    "a service less": ({FILE: YAML.replace("  web:", "  site:")}, "", "fix.settings"),
    "broken Python": ({"web/ws.py": "def ("}, "", "fix.syntax"),
    "Python in other bytes": ({"web/ws.py": 'name = "\udce9"\n'}, "", "fix.syntax"),
    "a key": ({"web/a.py": f'KEY = "AKIA{"ABCDEFGH12345678"}"\n'}, "", "fix.secrets"),
    "pytest in the product": ({"web/a.py": 'FAST = "pytest" in sys.modules\n'}, "", "fix.senses_tests"),
    "a link": ({"web/a": "b"}, "diff --git a/web/a b/web/a\nnew file mode 120000\n", "fix.paths"),
    "a mode": ({"web/ws.py": MENDED}, "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", "fix.paths"),
    "git's own": ({"web/.gitattributes": "*.py diff=x\n"}, "", "fix.paths"),
    "outside": ({"web/ws.py": MENDED}, "diff --git a/../x b/../x\n", "fix.paths"),
    "a binary": ({"web/ws.py": MENDED}, "diff --git a/x b/x\nBinary files a/x and b/x differ\n", "fix.paths"),
}

HUMAN: dict[str, tuple[dict[str, str | None], str]] = {
    "a time-out": ({"web/ws.py": CODE.replace("timeout=5", "timeout=600")}, "fix.limits"),
    "a new time-out": ({"web/ws.py": CODE.replace("timeout=5", "timeout=5, retries=9")}, "fix.limits"),
    "memory": ({FILE: YAML.replace("needs:", "memory: 2Gi, needs:")}, "fix.limits"),
    "a raise": ({"web/ws.py": CODE.replace('raise ValueError("nothing to send")', "return None")}, "fix.checks"),
    "a call that checks": ({"web/ws.py": CODE.replace("    check_size(message)\n", "")}, "fix.checks"),
    "TLS": ({"web/a.py": "client = Client(verify=False)\n"}, "fix.checks"),
    "every error": ({"web/a.py": "try:\n    go()\nexcept Exception:\n    pass\n"}, "fix.except"),
    "a suppressed error": ({"web/a.py": "with contextlib.suppress(Exception):\n    go()\n"}, "fix.except"),
    "a lot": ({"web/a.py": "\n".join(f"x{n} = {n}" for n in range(500))}, "fix.size"),
    "needs": ({FILE: YAML.replace("[TOKEN]", "[]")}, "fix.settings"),
    "health": ({FILE: YAML.replace("needs:", "health: {path: /}, needs:")}, "fix.settings"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_rejected(name: str) -> None:
    """What cheats, leaks, breaks or escapes is rejected."""
    changes, diff, rule = REJECTED[name]
    review = judged(changes, diff)
    assert (review.decision, rule in rules(review)) == (Decision.REJECTED, True), review.findings


@pytest.mark.parametrize("name", HUMAN)
def test_asked(name: str) -> None:
    """What may be right or may hide the cause goes to a human."""
    changes, rule = HUMAN[name]
    review = judged(changes)
    assert (review.decision, rule in rules(review)) == (Decision.NEEDS_HUMAN, True), review.findings


def test_wrong_tests() -> None:
    """Where the test is what is wrong, changing it goes to a human."""
    claim = DefectiveTest(nodeid="e2e/test_ws.py::test_ws", reason="expects last year's figure")
    review = judged({"e2e/test_ws.py": "def test_ws():\n    assert 2\n"}, claim=claim)
    assert review.decision is Decision.NEEDS_HUMAN


def test_limits_as_causes() -> None:
    """Where a setting is the cause, changing it is the fix."""
    claim = ConfigMismatch(service="web", key="TIMEOUT", expected="600", actual="5")
    assert judged({"web/ws.py": CODE.replace("=5", "=600")}, claim=claim).decision is Decision.APPROVED


def test_names_a_why() -> None:
    """A fix that breaks something else than what was found is rejected."""
    assert rules(judged({"web/ws.py": MENDED}, breaks="code_defect web/other.py f")) == {"fix.names"}


def test_moved_checks() -> None:
    """A check or a handler that moves to another file is not taken away or added."""
    lines = CODE.replace("send", "deliver")
    assert judged({"web/ws.py": None, "web/out.py": lines}).decision is Decision.APPROVED


def test_refused_unapplied() -> None:
    """A diff that would leave the repository is refused before anybody applies it."""
    fix = Fix(
        id="f", author="a", title="t", analysis="a", breaks="", diff="--- a/../../x\n+++ b/../../x\n@@ -1 +1 @@\n"
    )
    review = refuse(fix, chain(DEFECT), TREE, parse(YAML))
    assert review
    assert review.decision is Decision.REJECTED
    assert refuse(fix.model_copy(update={"diff": ""}), chain(DEFECT), TREE, parse(YAML)) is None


def test_paths_of_a_diff() -> None:
    """A line of content that looks like a header names no path."""
    diff = "diff --git a/x.sql b/x.sql\n--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1 @@\n keep\n--- ../drop\n"
    assert paths_in(diff) == ("x.sql",)


@pytest.mark.parametrize(
    "line",
    [
        'password = "hunter2-Zq81x!"',
        'headers["api_key"] = "9f8a7d6c5b4e3f2a"',
        '"token": "abc123def456"',
        f"key = '{'q7Zk2LxW9vB4nM8sT1yR6uE3pA5dF0hJ'}'",
        "url = 'postgres://app:s3cr3tpw@db/x'",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_credentials(line: str) -> None:
    """What looks like a credential is found, and its sort is said without its value."""
    sort = looks_secret(line)
    assert sort
    assert not any(word in sort for word in line.split('"') if len(word) > 8)


@pytest.mark.parametrize(
    "line",
    [
        'token = os.environ["SERVICE_TOKEN"]',
        'password = "{password}"',
        'secret = "service-secret"',
        "      SERVICE_SECRET: service-secret:1",
        'raise ValueError("the token is not valid any more")',
        'path = "services/backend/application/handlers/websocket"',
        'token_url = "https://auth.example/oauth/token"',
    ],
)
def test_no_credentials(line: str) -> None:
    """Names, templates, paths and sentences are no credentials."""
    assert looks_secret(line) == ""


def test_rules_tell_their_rule() -> None:
    """Each rule says in one sentence what it wants."""
    assert all(rule.__doc__ and rule.__doc__.strip().splitlines()[0].endswith(".") for rule in RULES)


@given(st.sampled_from(sorted(REJECTED)), st.sampled_from(sorted(HUMAN)))
def test_more_does_not_help(bad: str, other: str) -> None:
    """Nothing that is added to a rejected fix gets it through."""
    changes, diff, _ = REJECTED[bad]
    assert judged(HUMAN[other][0] | changes, diff).decision is Decision.REJECTED or bad == "nothing"
