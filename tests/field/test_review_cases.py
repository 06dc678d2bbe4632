"""Wrong judgements of real reviews, told again on evidence of our own; each test is named after its row."""

from __future__ import annotations

import typing

from tests.unit.review_scene import ALL, bundle, case, chain, exchange, quote, request, revision, secret
from tests.unit.test_review_fixes import CODE, DEFECT, MENDED, TREE, YAML
from untilgreen.model.analysis import Decision, Finding, Fix, FixReview, Review, Truth
from untilgreen.model.claims import ConfigMismatch, HttpFailure, SecretMissing
from untilgreen.model.delivery import SecretBinding
from untilgreen.model.evidence import Item
from untilgreen.model.suite import Outcome
from untilgreen.review.fixes import review_fix
from untilgreen.review.gate import review
from untilgreen.settings import parse

DATABASE = "postgresql://db.internal/shop"
FAILED = case("t", Outcome.FAILED, "t1", exchange("/orders", 500))
ROW = request("/orders", 500, 1, trace="t1")
SEEN = HttpFailure(service="web", method="GET", path="/orders", status=500)
ENGINE = ConfigMismatch(service="web", key="DATABASE_URL", expected="mysql://db.internal/shop", actual=DATABASE)


def blaming_the_engine(*items: Item) -> Review:
    """Judge the diagnosis that the service is given the wrong database engine."""
    analysis = chain(SEEN, ENGINE, cases=("t",), cite={1: (quote(FAILED),)})
    given = {"DATABASE_URL": DATABASE}
    return review(analysis, bundle(FAILED, ROW, revision(env=given), *items, covered=ALL, good="d" * 40))


def test_c06_the_control_refutes_the_wrong_engine() -> None:
    """C06: a database that another service uses well is not of the wrong engine, and the control is cited."""
    control = revision(service="auth", env={"DATABASE_URL": DATABASE})
    answered = request("/login", 200, 2, service="auth")
    judged = blaming_the_engine(control, answered)
    assert judged.decision is Decision.REJECTED
    (finding,) = [f for f in judged.findings if f.truth is Truth.REFUTED]
    assert finding.rule == "claim.config_mismatch"
    assert finding.evidence == (control.id, answered.id)


def test_c06_the_last_good_revision_is_a_control_too() -> None:
    """C06: a setting with which the same service was good yesterday is not what broke it today."""
    before = revision(current=False, env={"DATABASE_URL": DATABASE})
    assert blaming_the_engine(before).decision is Decision.REJECTED


def test_c06_no_control_no_verdict() -> None:
    """C06: a neighbour that did not answer, or has another database, controls nothing: a human decides."""
    idle = revision(service="auth", env={"DATABASE_URL": DATABASE})
    other = revision(service="auth", env={"DATABASE_URL": "sqlite://"})
    for items in ((), (idle,), (other, request("/login", 200, 2, service="auth"))):
        assert blaming_the_engine(*items).decision is Decision.NEEDS_HUMAN


def test_c06_an_engine_that_really_changed() -> None:
    """C06: the same words are approved when the last good revision had the other database."""
    before = revision(current=False, env={"DATABASE_URL": ENGINE.expected})
    assert blaming_the_engine(before).decision is Decision.APPROVED


def test_c06_what_passing_tests_do_contradicts() -> None:
    """C06: a cause that would meet every caller is contested by a passing test that went the same way."""
    bound = revision(env={}, secrets=())
    before = revision(current=False, secrets=(SecretBinding(env="TOKEN", secret="token"),))
    passed = case("ok", Outcome.PASSED, "t2", exchange("/orders", 200))
    missing = chain(SEEN, SecretMissing(service="web", env="TOKEN"), cases=("t",), cite={1: (quote(FAILED),)})
    judged = review(missing, bundle(FAILED, ROW, bound, before, passed, secret("OTHER"), covered=ALL))
    (finding,) = judged.against
    assert (finding.rule, finding.evidence, judged.decision) == ("chain.scope", (passed.id,), Decision.NEEDS_HUMAN)


def test_c40_no_judgement_is_a_score() -> None:
    """C40: a judgement holds decisions, findings and evidence; the one number says how sure its author may be."""
    numbers = {
        f"{kind.__name__}.{name}"
        for kind in (Review, FixReview, Finding)
        for name, field in kind.model_fields.items()
        if {int, float} & {field.annotation, *typing.get_args(field.annotation)}
    }
    assert numbers == {"Review.confidence", "Finding.why"}


def test_c40_only_the_diff_is_judged() -> None:
    """C40: the same fix is judged the same in a tidy tree and in one that is full of old repetitions."""
    old = {f"web/old_{n}.py": CODE.replace("def send", f"def send_{n}") for n in range(20)}
    fix = Fix(id="f", author="a", title="t", analysis="analysis-1", breaks=f"code_defect {DEFECT.subject}", diff="")
    judged = [
        review_fix(fix, chain(DEFECT), tree, {**tree, "web/ws.py": MENDED}, parse(YAML))
        for tree in (TREE, {**TREE, **old})
    ]
    assert judged[0].decision is judged[1].decision is Decision.APPROVED
    assert judged[0].findings == judged[1].findings
