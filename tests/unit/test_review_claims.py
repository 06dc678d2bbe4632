"""Claims are judged by evidence alone."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.review_scene import (
    ALL,
    at,
    bundle,
    case,
    entry,
    exchange,
    platform,
    raised,
    request,
    revision,
    secret,
    source,
)
from untilgreen.model.analysis import Truth
from untilgreen.model.claims import (
    AuthRejected,
    Claim,
    CodeDefect,
    ConfigMismatch,
    ContractBroken,
    DefectiveTest,
    DependencyUnreachable,
    EndpointMissing,
    ErrorRaised,
    FileExcluded,
    Flaky,
    FrontRefused,
    HttpFailure,
    RegressedBy,
    ResourceExhausted,
    SecretApart,
    SecretMissing,
    ServiceDown,
    SettingChanged,
    SocketClosed,
    StartupFailed,
    TimedOut,
    Unknown,
)
from untilgreen.model.delivery import Exclusion, SecretBinding, SecretProblem
from untilgreen.model.evidence import Commit, HealthSeen, Hunk, ImageContent, Item, Revision, Usage
from untilgreen.model.suite import Outcome
from untilgreen.review.claims import CHECKS, judge

OOM = ResourceExhausted(service="web", resource="memory", blocked="request")
KILLED = "Memory limit of 512 MiB exceeded with 530 MiB used."
FLAT = Usage(service="web", revision="web-2", resource="memory", utilisation=0.31)
MISSING = EndpointMissing(service="web", method="GET", path="/orders/{}")
TOKEN = SecretMissing(service="web", env="TOKEN")
DEFECT = CodeDefect(path="services/web/app/ws.py", line=2, symbol="send")
CODE = source(DEFECT.path, "def send(x):\n    return dumps(x)\n\n")
COMMIT = Commit(at=at(0), sha="ab" * 20, subject="tidy", author="n", files=("services/web/app/ws.py",))
HUNK = Hunk(commit="ab" * 20, path="services/web/app/ws.py", line=2, added=("    return dumps(x)",))
REGRESSED = RegressedBy(commit="abab", path="services/web/app/ws.py")
EXCLUDED = FileExcluded(service="web", path="frames", rule_file="services/web/.dockerignore", line=3)


def image(*excluded: Exclusion, files: tuple[str, ...] = ("main.py",)) -> ImageContent:
    """Return what went into the image of `web`."""
    return ImageContent(service="web", digest="sha256:0", commit="c", files=files, excluded=excluded)


FRAMES = Exclusion(path="frames/__init__.py", rule="**/frames/", rule_file="services/web/.dockerignore", line=3)
DEPENDENCY = DependencyUnreachable(service="web", callee="auth")
MISMATCH = ConfigMismatch(service="web", key="KEY", expected="key:1", actual="key:2")


def bound(version: str) -> dict[str, object]:
    """Return the part of a template that binds KEY to a version."""
    return {"secrets": (SecretBinding(env="KEY", secret="key", version=version),)}


CHANGED = SettingChanged(service="web", key="MODE", before="fast", after="safe")
APART = SecretApart(service="web", env="KEY", version="1")
CONTRACT = ContractBroken(producer="auth", consumer="web", field="team")
FRONT = FrontRefused(service="web", path="/me", status=403)
TOLD = request("/me", 403).model_copy(update={"said": "The request was not authenticated."})
LOST = (
    raised("KeyError", "/app/app/ws.py", 2, "send"),
    source("services/web/app/ws.py", "def send(x):\n    return x['team']\n"),
    COMMIT.model_copy(update={"files": ("services/auth/card.py",)}),
    Hunk(commit="ab" * 20, path="services/auth/card.py", line=3, removed=('    "team": x,',)),
)
CLOSED = SocketClosed(service="web", path="/ws", close_code=1011)
SUPPORTED: list[tuple[Claim, tuple[Item, ...]]] = [
    (OOM, (platform(KILLED),)),
    (OOM, (platform("Container called exit(137)."),)),
    (OOM, (Usage(service="web", revision="web-2", resource="memory", utilisation=0.97),)),
    (MISSING, (request("/orders/7", 404),)),
    (HttpFailure(service="web", method="GET", path="/a/{}", status=500), (request("/a/b?x=1", 500),)),
    (AuthRejected(service="auth", path="/me", status=401), (request("/me", 401, service="auth"),)),
    (CLOSED, (case("t", Outcome.FAILED, "", exchange("/ws", 101, close_code=1011, method="WS")),)),
    (ServiceDown(service="web"), (request("/", 503),)),
    (ServiceDown(service="web"), (HealthSeen(service="web", url="u", ok=False, status=500),)),
    (ServiceDown(service="web"), (revision(ready=False),)),
    (ServiceDown(service="web"), (platform("Container called exit(1)."),)),
    (
        ConfigMismatch(service="web", key="port", expected="8080", actual="9090"),
        (entry("Serving HTTP on 0.0.0.0:9090"), revision()),
    ),
    (
        ConfigMismatch(service="web", key="traffic", expected="web-2", actual="web-1"),
        (request("/", 200).model_copy(update={"revision": "web-1"}), revision()),
    ),
    (StartupFailed(service="web", revision="web-2"), (revision(ready=False),)),
    (ErrorRaised(service="web", exception="TypeError"), (raised("builtins.TypeError", "/app/a.py", 1, "f"),)),
    (TOKEN, (secret("TOKEN", SecretProblem.DENIED),)),
    (TOKEN, (revision(), source("services/web/a.py", "os.environ['TOKEN']"))),
    (TOKEN, (revision(), revision(current=False, env={"TOKEN": "x"}))),
    (MISMATCH, (revision(**bound("2")), revision(current=False, **bound("1")))),
    (
        ConfigMismatch(service="web", key="memory", expected="1Gi", actual="512Mi"),
        (revision(), revision(current=False, memory="1Gi")),
    ),
    (DEPENDENCY, (entry("ConnectError: auth: Connection refused"),)),
    (DEPENDENCY, (entry("POST http://auth.test:8002/x timed out"),)),
    (TimedOut(service="web", path="/x", limit_s=0.1), (request("/x", 200),)),
    (Flaky(nodeid="t"), (case("t"), case("t", Outcome.PASSED))),
    (DEFECT, (CODE, raised("TypeError", "/app/app/ws.py", 2, "send"))),
    (REGRESSED, (COMMIT, HUNK)),
    (EXCLUDED, (image(FRAMES),)),
    (DefectiveTest(nodeid="t", reason="r"), (case("t"),)),
    (DefectiveTest(nodeid="t", reason="r", specification="api.md:1"), (case("t"), source("api.md", "GET /", ""))),
    (CHANGED, (revision(env={"MODE": "safe"}), revision(current=False, env={"MODE": "fast"}))),
    (APART, (revision(**bound("1")), revision(service="auth", **bound("2")))),
    (CONTRACT, LOST),
    (FRONT, (TOLD,)),
]

REFUTED: list[tuple[Claim, tuple[Item, ...], tuple[str, ...]]] = [
    (OOM, (request("/big", 503, 1), request("/big", 200, 9)), ()),
    (OOM, (FLAT,), ("entry", "usage")),
    (OOM, (entry("quiet"),), ("entry", "usage")),
    (OOM, (entry(KILLED), request("/", 200)), ()),
    (MISSING, (request("/orders/7", 404), request("/orders/8", 200)), ()),
    (MISSING, (request("/orders", 200),), ("request",)),
    (HttpFailure(service="web", method="GET", path="/a", status=500), (request("/a", 200),), ("request",)),
    (StartupFailed(service="web", revision="web-2"), (revision(),), ()),
    (TOKEN, (revision(secrets=(SecretBinding(env="TOKEN", secret="t"),)), secret("TOKEN")), ()),
    (MISMATCH, (revision(**bound("1")),), ()),
    (TimedOut(service="web", path="/x", limit_s=5), (request("/x", 500),), ()),
    (Flaky(nodeid="t"), (case("t"), case("t", Outcome.ERROR)), ()),
    (DEFECT, (source(DEFECT.path, "one line"),), ()),
    (DEFECT, (source(DEFECT.path, "def other():\n    return 1\n"),), ()),
    (DEFECT, (CODE, raised("KeyError", "/app/app/other.py", 2, "g")), ()),
    (REGRESSED, (COMMIT.model_copy(update={"since_good": False}), HUNK), ()),
    (REGRESSED, (COMMIT.model_copy(update={"files": ("other.py",)}), HUNK), ()),
    (EXCLUDED, (image(),), ()),
    (CHANGED, (revision(env={"MODE": "fast"}), revision(current=False, env={"MODE": "fast"})), ()),
    (CHANGED, (revision(env={"MODE": "slow"}), revision(current=False, env={"MODE": "fast"})), ()),
    (APART, (revision(**bound("1")), revision(service="auth", **bound("1"))), ()),
    (APART, (revision(**bound("3")), revision(service="auth", **bound("2"))), ()),
    (APART, (revision(**bound("1")), revision(service="auth")), ("revision",)),
    (CONTRACT, (raised("KeyError", "/app/app/ws.py", 2, "send"),), ("entry", "case", "hunk")),
    (FRONT, (request("/me", 401),), ("request",)),
    (FRONT, (request("/me", 403, trace="t1"), entry("no such user", trace="t1")), ()),
    (FRONT.model_copy(update={"status": 503}), (TOLD.model_copy(update={"status": 503, "said": "malformed"}),), ()),
    (DefectiveTest(nodeid="t", reason="r", specification="api.md:9"), (case("t"), source("api.md", "GET /", "")), ()),
    (MISMATCH, (revision(**bound("2")), revision(current=False, **bound("2"))), ()),
    (DependencyUnreachable(service="web", callee="redis"), (source("a.py", "x = 1"),), ("entry", "file")),
    (ServiceDown(service="web"), (revision(), request("/", 503, 1), request("/", 200, 2), request("/", 503, 3)), ()),
]

CONTESTED: list[tuple[Claim, tuple[Item, ...]]] = [
    (EXCLUDED, (image(FRAMES, files=("frames/kept.py",)),)),
    (OOM, (platform(KILLED, 1), request("/big", 503, 1), request("/big", 200, 9))),
    (MISSING, (request("/orders/7", 404), request("/orders/mine", 200))),
    (ServiceDown(service="web"), (request("/", 503), request("/", 200))),
    (CONTRACT, (*LOST, case("t", Outcome.FAILED, "t1"), request("/x", 500, trace="t1", service="auth"))),
    (DefectiveTest(nodeid="t", reason="r"), (case("t", Outcome.FAILED, "", exchange("/x", 500)),)),
    (
        AuthRejected(service="web", path="/me"),
        (
            request("/me", 403),
            case("a", Outcome.FAILED, "", exchange("/me", 403, principal="p")),
            case("b", Outcome.PASSED, "", exchange("/me", 200, principal="p")),
        ),
    ),
    (
        DEPENDENCY,
        (
            entry("auth: connection refused"),
            case("a", Outcome.PASSED, "t1", exchange("/x", 200)),
            request("/x", 200, trace="t1"),
            request("/verify", 200, trace="t1", service="auth"),
        ),
    ),
]


@pytest.mark.parametrize(("claim", "items"), SUPPORTED)
def test_support(claim: Claim, items: tuple[Item, ...]) -> None:
    """A claim with evidence for it and none against it is supported, and the evidence is named."""
    judgement = judge(claim, bundle(*items))
    assert judgement.truth is Truth.SUPPORTED
    assert set(judgement.evidence) <= {item.id for item in items}
    assert judgement.evidence


@pytest.mark.parametrize(("claim", "items", "covered"), REFUTED)
def test_refutation(claim: Claim, items: tuple[Item, ...], covered: tuple[str, ...]) -> None:
    """A claim that the evidence contradicts, or of which a complete log is silent, is refuted."""
    assert judge(claim, bundle(*items, covered=covered)).truth is Truth.REFUTED


@pytest.mark.parametrize(("claim", "items"), CONTESTED)
def test_both_sides(claim: Claim, items: tuple[Item, ...]) -> None:
    """Evidence on both sides contests a claim and does not refute it."""
    assert judge(claim, bundle(*items)).truth is Truth.CONTESTED


@pytest.mark.parametrize("claim", [claim for claim, _ in SUPPORTED])
def test_no_evidence(claim: Claim) -> None:
    """Without evidence and without a complete collection nothing is proven either way."""
    assert judge(claim, bundle()).truth is Truth.UNPROVEN


def test_every_claim_has_a_check() -> None:
    """No type of claim is without a check, and no check without a type."""
    union = typing.get_args(typing.get_args(Claim)[0])
    assert {kind.model_fields["type"].default for kind in union} == set(CHECKS)


def test_forged_platform_words() -> None:
    """An application that prints the platform's words has not run out of memory."""
    assert judge(OOM, bundle(entry(KILLED))).truth is Truth.UNPROVEN


def test_other_subjects() -> None:
    """What another service or an older revision did neither supports nor contradicts."""
    old = request("/orders/9", 200).model_copy(update={"revision": "web-1"})
    other = request("/orders/8", 200, service="auth")
    assert judge(MISSING, bundle(request("/orders/7", 404), old, other)).truth is Truth.SUPPORTED
    assert judge(OOM, bundle(platform(KILLED, service="auth"))).truth is Truth.UNPROVEN


def test_expected_errors_of_passing_tests() -> None:
    """A 404 that a passing test asked for is no evidence of a missing route."""
    items = (case("ok", Outcome.PASSED, "t1"), case("bad", Outcome.FAILED, "t2"), request("/orders/7", 404, trace="t1"))
    assert judge(MISSING, bundle(*items)).truth is Truth.UNPROVEN


def test_answers_before_the_routes() -> None:
    """A refusal or a redirect in front of the routes does not show that a route exists."""
    rows = [request("/orders/7", status) for status in (404, 301, 401, 403, 429, 500)]
    assert judge(MISSING, bundle(*rows)).truth is Truth.SUPPORTED


def test_recovery_elsewhere() -> None:
    """Other routes that work after an OOM do not contest it."""
    items = (platform(KILLED, 1), request("/big", 503, 1), request("/small", 200, 9))
    assert judge(OOM, bundle(*items)).truth is Truth.SUPPORTED


def test_a_change_without_a_good_commit() -> None:
    """A changed line leads to a defect only when a good commit before it is known."""
    assert judge(DEFECT, bundle(CODE, HUNK)).truth is Truth.UNPROVEN
    assert judge(DEFECT, bundle(CODE, HUNK, good="d" * 40)).truth is Truth.SUPPORTED


def test_a_custom() -> None:
    """A line that bypasses what its siblings call is led to by them."""
    claim = DEFECT.model_copy(update={"canonical": "safe_dumps"})
    siblings = source("services/web/app/api.py", "safe_dumps(a)\nsafe_dumps(b)\n")
    assert judge(claim, bundle(CODE, siblings)).truth is Truth.SUPPORTED
    assert judge(claim, bundle(CODE)).truth is Truth.UNPROVEN


def test_a_hidden_value() -> None:
    """A value that an analyst may not show is compared with the last good revision's."""
    claim = ConfigMismatch(service="web", key="API_KEY", expected="(not shown)", actual="(not shown)")
    now, good = revision(env={"API_KEY": "b"}), revision(current=False, env={"API_KEY": "a"})
    assert judge(claim, bundle(now, good)).truth is Truth.SUPPORTED
    assert judge(claim, bundle(now, revision(current=False, env={"API_KEY": "b"}))).truth is not Truth.SUPPORTED


def test_a_setting_that_went_away() -> None:
    """A setting that the last good revision had and this one has not is a mismatch."""
    claim = ConfigMismatch(service="web", key="MODE", expected="fast", actual="")
    assert judge(claim, bundle(revision(), revision(current=False, env={"MODE": "fast"}))).truth is Truth.SUPPORTED
    assert judge(claim, bundle(revision())).truth is Truth.UNPROVEN


def test_disagreeing_sides() -> None:
    """A failure that a client saw is not refuted by a request log without it: the two sides disagree."""
    claim = HttpFailure(service="web", method="GET", path="/a", status=503)
    seen = case("t", Outcome.FAILED, "", exchange("/a", 503))
    assert judge(claim, bundle(seen, covered=ALL)).truth is Truth.UNPROVEN


def test_unknown() -> None:
    """Not knowing is neither true nor false."""
    assert judge(Unknown(missing=("a trace",)), bundle(covered=ALL)).truth is Truth.UNPROVEN


MANY = [item for _, items in SUPPORTED for item in items if not isinstance(item, Revision)]
"""Evidence of which there may be any number; there is one revision under test."""


@given(picked=st.sampled_from(SUPPORTED), others=st.lists(st.sampled_from(MANY), max_size=6))
def test_more_evidence(picked: tuple[Claim, tuple[Item, ...]], others: list[Item]) -> None:
    """More evidence may contest or rebut a supported claim, but never makes it unproven."""
    claim, items = picked
    assert judge(claim, bundle(*items, *others)).truth is not Truth.UNPROVEN
