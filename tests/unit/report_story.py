"""A loop of four cycles, told in documents: three causes, a partial fix, a broken deploy, green.

Built from the same steps as a real one where they are pure (`judge`, `compare`), so that the story cannot drift from
what they say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from untilgreen.compare.step import Observed, compare
from untilgreen.green import judge
from untilgreen.model.analysis import (
    Analysis,
    AppliedFix,
    Approval,
    Citation,
    Decision,
    Finding,
    Fixes,
    FixReview,
    Group,
    Review,
    Reviews,
    Rival,
    Triage,
    Truth,
    Why,
)
from untilgreen.model.claims import (
    CodeDefect,
    EndpointMissing,
    ErrorRaised,
    HttpFailure,
    ResourceExhausted,
    SocketClosed,
    StartupFailed,
    Unknown,
)
from untilgreen.model.cycle import Cycle, Loop, Stop
from untilgreen.model.delivery import Health, HealthCheck, Image, Images, Rollout, Served, ServingStatus
from untilgreen.model.suite import (
    Attempt,
    Exchange,
    Failure,
    Outcome,
    ProofSummary,
    Reality,
    Result,
    Sighting,
    SuiteRun,
)

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
AREAS = ("orders", "checkout", "login", "search", "profile", "stream", "billing", "export")
SERVICES = ("web", "auth")
COMMITS = {1: "5d1f0c8a9b2d3e4f", 2: "a7c31e90b4d25f68", 3: "09be77d1c2f3a4b5", 4: "e4f5061728394a5b"}


def at(cycle: int, minute: float = 0) -> datetime:
    """Return a moment in a cycle."""
    return START + timedelta(minutes=20 * (cycle - 1) + minute)


def nodeids(count: int) -> list[str]:
    """Name tests, spread over a few files."""
    areas = ((AREAS[i * len(AREAS) // count], i) for i in range(count))
    return [f"e2e/test_{area}.py::test_{area}_journey[{i:04d}]" for area, i in areas]


def attempt(outcome: Outcome, number: int = 1, cycle: int = 1, message: str = "boom") -> Attempt:
    """Execute a test once."""
    failure = Failure(phase="call", exception="AssertionError", message=message) if outcome.bad else None
    seen = Exchange(client="httpcore", method="GET", host="web:443", path="/", status=200, latency_ms=3.0)
    return Attempt(
        number=number,
        outcome=outcome,
        started=at(cycle, 5),
        duration_s=0.12,
        failure=failure,
        sighting=Sighting(trace=f"{number:032x}", exchanges=(seen,), bytes_sent=310, bytes_received=900, assertions=2),
    )


def result(nodeid: str, *outcomes: Outcome, reason: str = "", cycle: int = 1, message: str = "boom") -> Result:
    """Return a test with one attempt for each outcome; the last one decides."""
    executed = [o for o in outcomes if o not in (Outcome.NOT_RUN, Outcome.SKIPPED)]
    attempts = tuple(attempt(o, n, cycle, message) for n, o in enumerate(executed, start=1))
    return Result(nodeid=nodeid, outcome=outcomes[-1], reason=reason, attempts=attempts)


def suite_of(results: Iterable[Result], cycle: int = 1, *, ran: bool = True) -> SuiteRun:
    """Summarise results as a runner does."""
    results = list(results)
    return SuiteRun(
        started=at(cycle, 4),
        finished=at(cycle, 9),
        ran=ran,
        command=("pytest", "e2e"),
        python="3.11.9",
        workers=8,
        collected=len(results),
        counts=dict(Counter(r.outcome for r in results)),
        exit_code=int(any(r.outcome.bad for r in results)) if ran else None,
        gaps=() if ran else ("web is not healthy",),
        results_file="results.jsonl",
    )


def proof_of(results: Iterable[Result]) -> ProofSummary:
    """Prove every passed test."""
    passed = sum(r.outcome is Outcome.PASSED for r in results)
    return ProofSummary(
        counts={Reality.REAL: passed}, request_rows=3 * passed, log_complete=True, proofs_file="proofs.jsonl"
    )


def digest_of(service: str, cycle: int) -> str:
    """Return a digest."""
    return f"sha256:{SERVICES.index(service):02x}{cycle:02x}" + "c0ffee12" * 7 + "ab12"


def images_of(cycle: int) -> Images:
    """Build both services."""
    made = tuple(
        Image(
            service=s,
            reference=f"registry.example/{s}@{digest_of(s, cycle)}",
            digest=digest_of(s, cycle),
            commit=COMMITS[cycle],
            files=("app.py",),
        )
        for s in SERVICES
    )
    return Images(commit=COMMITS[cycle], images=made)


def rollout_of(cycle: int, failed: str = "") -> Rollout:
    """Roll out both services; one may fail."""
    served = []
    for s in SERVICES:
        broken = s == failed
        served.append(
            Served(
                service=s,
                status=ServingStatus.FAILED if broken else ServingStatus.SERVING,
                url=f"https://{s}.example",
                revision=f"{s}-0000{cycle}",
                serving_revision=f"{s}-0000{cycle - broken}",
                previous_revision=f"{s}-0000{cycle - 1}" if cycle > 1 else "",
                digest=digest_of(s, cycle),
                commit=COMMITS[cycle],
                reason="HealthCheckContainerError" if broken else "",
                message="The container failed to start and listen on PORT=8080." if broken else "",
                last_words=("Container called exit(3).", "<b>ValueError</b>: no customers") if broken else (),
                exit_code=3 if broken else None,
            )
        )
    return Rollout(commit=COMMITS[cycle], started=at(cycle, 1), finished=at(cycle, 3), services=tuple(served))


def health_of(cycle: int, failed: str = "") -> Health:
    """Check both services."""
    checks = tuple(
        HealthCheck(service=s, url=f"https://{s}.example/health", at=at(cycle, 3), status=200, latency_s=0.01)
        for s in SERVICES
        if s != failed
    )
    return Health(
        healthy=not failed, checks=checks, reason=f"{failed}: its new revision is not Ready" if failed else ""
    )


def why(number: int, question: str, answer: str, claim: object, *quotes: str, leaf: bool = False) -> Why:
    """Return one step of a ladder."""
    citations = tuple(Citation(evidence=f"entry-{number:012x}", quote=quote) for quote in quotes)
    return Why(
        number=number,
        question=question,
        answer=answer,
        claim=claim,
        citations=citations,
        because=None if leaf else number + 1,
    )


DEFECT = CodeDefect(
    path="web/render.py",
    line=41,
    symbol="send_page",
    canonical="web.json.safe_dump",
    siblings=("web/stream.py:88", "web/stream.py:131"),
)


def analyses(rows: list[str], lost: list[str], slow: list[str]) -> tuple[Analysis, ...]:
    """Explain the three causes; the second analysis of the first one is wrong."""
    ladder = (
        why(
            1,
            "Why do 52 tests fail?",
            "The socket closes with 1011 before the first message.",
            SocketClosed(service="web", path="/stream", close_code=1011),
            'WS /stream -> close 1011 "internal error"',
        ),
        why(
            2,
            "Why does it close?",
            "The handler raises while it writes the reply.",
            ErrorRaised(service="web", exception="TypeError"),
            "TypeError: Object of type State is not JSON serializable",
        ),
        why(
            3,
            "Why does that reach the socket?",
            "Two of fourteen call sites hand the value to the socket without the canonical serialiser.",
            DEFECT,
            'await socket.send_json({"state": state})',
            leaf=True,
        ),
    )
    memory = ResourceExhausted(service="web", resource="memory", blocked="request")
    guess = (why(1, "Why do they fail?", "The service runs out of memory.", memory, "Killed", leaf=True),)
    missing = EndpointMissing(service="web", method="POST", path="/orders/{}/pay")
    route = (
        why(
            1,
            "Why do 31 tests fail?",
            "Payment is answered with 404.",
            HttpFailure(service="web", method="POST", path="/orders/{}/pay", status=404),
            "POST /orders/{}/pay -> 404 by web-00001",
        ),
        why(
            2, "Why 404?", "No such route is registered since the refactoring.", missing, "no route matched", leaf=True
        ),
    )
    unknown = Unknown(missing=("the upstream's own log for the login window",))
    stops = (why(1, "Why do 12 logins time out?", "The evidence stops at the gateway.", unknown, leaf=True),)
    rival = Rival(claim=memory, citations=(Citation(evidence="usage-00000000000a", quote="at most 31% of its limit"),))
    return (
        Analysis(
            id="an-a1",
            author="untilgreen",
            group="g-json",
            cases=tuple(rows),
            whys=ladder,
            rivals=(rival,),
            confidence=0.95,
        ),
        Analysis(id="an-a2", author="agent-7 <b>", group="g-json", cases=tuple(rows), whys=guess, confidence=1.0),
        Analysis(id="an-b1", author="untilgreen", group="g-route", cases=tuple(lost), whys=route, confidence=0.8),
        Analysis(id="an-c1", author="untilgreen", group="g-login", cases=tuple(slow), whys=stops, confidence=0.5),
    )


REFUTED = Finding(
    rule="claim.resource_exhausted",
    truth=Truth.REFUTED,
    message="web used at most 31 % of its memory; no revision of it was ended by the platform",
    why=1,
    evidence=("usage-00000000000a",),
)


def reviews_of(found: tuple[Analysis, ...]) -> Reviews:
    """Approve what the evidence supports, reject the memory guess, hand the unknown to a human."""
    made = []
    for analysis in found:
        leaf = analysis.leaf.claim
        if isinstance(leaf, ResourceExhausted):
            decision, findings = Decision.REJECTED, (REFUTED,)
        elif isinstance(leaf, Unknown):
            open_end = Finding(rule="chain.leaf", truth=Truth.UNPROVEN, message="the leaf is unknown", why=1)
            decision, findings = Decision.NEEDS_HUMAN, (open_end,)
        else:
            decision = Decision.APPROVED
            findings = tuple(
                Finding(rule=f"claim.{w.claim.type}", truth=Truth.SUPPORTED, message="found", why=w.number)
                for w in analysis.whys
            )
        made.append(
            Review(
                analysis=analysis.id,
                author=analysis.author,
                decision=decision,
                findings=findings,
                confidence=analysis.confidence,
            )
        )
    return Reviews(reviews=tuple(made))


BREAKS = {
    "an-a1": f"{DEFECT.type} {DEFECT.subject}",
    "an-b1": "endpoint_missing web POST /orders/{}/pay",
    "an-s1": "startup_failed web web-00003",
}

DUPLICATE = FixReview(
    fix="fix-dup",
    title="Write our own JSON encoder",
    analysis="an-a1",
    decision=Decision.REJECTED,
    findings=(
        Finding(
            rule="fix.duplicate",
            truth=Truth.REFUTED,
            message="it writes web.json.safe_dump again (dice 0.91); call that instead",
            evidence=("web/json.py:12",),
        ),
    ),
)


def fixes_of(cycle: int, *titles: tuple[str, str, str], rejected: tuple[FixReview, ...] = ()) -> Fixes:
    """Apply fixes, each (title, analysis, file)."""
    applied = tuple(
        AppliedFix(
            fix=f"fix-{cycle}{n}",
            title=title,
            analysis=analysis,
            breaks=BREAKS[analysis],
            commit=COMMITS[cycle + 1],
            branch="untilgreen/20260304",
            files=(file,),
        )
        for n, (title, analysis, file) in enumerate(titles)
    )
    reviews = tuple(
        FixReview(fix=a.fix, title=a.title, analysis=a.analysis, decision=Decision.APPROVED, findings=())
        for a in applied
    )
    return Fixes(reviews=(*reviews, *rejected), applied=applied, commit=COMMITS[cycle + 1])


class Story:
    """The four cycles and their results.

    Args:
        count: number of tests; at least 100.
    """

    def __init__(self, count: int = 200) -> None:
        tests = nodeids(count)
        self.tests = tests
        self.rows, self.lost, self.slow = tests[:52], tests[52:83], tests[83:95]
        self.groups = {
            "json": Group(id="g-json", key="TypeError in web/render.py:send_page", cases=tuple(self.rows)),
            "route": Group(id="g-route", key="HTTP 404 POST /orders/{}/pay", cases=tuple(self.lost)),
            "login": Group(id="g-login", key="ReadTimeout POST /login", cases=tuple(self.slow)),
        }
        self.results: dict[int, list[Result]] = {
            1: self._results(1, {*self.rows, *self.lost, *self.slow}),
            2: self._results(2, {*self.rows[:9], *self.slow}),
            3: [result(t, Outcome.NOT_RUN, reason="web is not healthy") for t in tests],
            4: self._results(4, set()),
        }
        self.triages = self._triages()
        self.cycles = tuple(self._cycle(number) for number in (1, 2, 3, 4))

    def loop(self, cycles: int = 4) -> Loop:
        """Return the loop as it stands after so many cycles."""
        done = cycles == len(self.cycles)
        return Loop(
            id="20260304-0900-ab12",
            started=START,
            finished=at(cycles, 12),
            stop=Stop.GREEN if done else Stop.MAX_CYCLES,
            reason="cycle 4 is green, line by line" if done else f"{cycles} cycles were allowed (max_cycles)",
            repository="shop",
            branch="untilgreen/20260304",
            cycles=self.cycles[:cycles],
        )

    def results_of(self, number: int) -> list[Result]:
        """Return a cycle's results, as a ledger does."""
        return self.results[number]

    def _results(self, cycle: int, failing: set[str]) -> list[Result]:
        bad = (Outcome.FAILED, Outcome.FAILED)
        return [result(t, *(bad if t in failing else (Outcome.PASSED,)), cycle=cycle) for t in self.tests]

    def _triages(self) -> dict[int, Triage]:
        found = analyses(self.rows, self.lost, self.slow)
        rest = self.groups["json"].model_copy(update={"cases": tuple(self.rows[:9])})
        incident = Group(id="g-start", key="web-00003 never became ready", cases=tuple(self.tests))
        never = StartupFailed(service="web", revision="web-00003")
        start = why(1, "Why did nothing run?", "The container never listened.", never, "failed to start", leaf=True)
        down = Analysis(
            id="an-s1", author="untilgreen", group="g-start", cases=tuple(self.tests), whys=(start,), confidence=0.95
        )
        return {
            1: Triage(groups=tuple(self.groups.values()), analyses=found),
            2: Triage(groups=(rest, self.groups["login"]), analyses=(found[0], found[3])),
            3: Triage(groups=(incident,), analyses=(down,)),
            4: Triage(groups=(), analyses=()),
        }

    def observed(self, number: int) -> Observed:
        """Return what a cycle saw."""
        return Observed(
            number=number, ran=number != 3, triage=self.triages[number], results=tuple(self.results[number])
        )

    def _cycle(self, number: int) -> Cycle:
        failed = "web" if number == 3 else ""
        results, triage = self.results[number], self.triages[number]
        images, rollout, health = images_of(number), rollout_of(number, failed), health_of(number, failed)
        suite, proof = suite_of(results, number, ran=not failed), proof_of(results)
        earlier = [self.observed(n) for n in range(1, number)]
        fixes = {
            1: fixes_of(
                1,
                ("Serialise the page's state", "an-a1", "web/render.py"),
                ("Register the payment route", "an-b1", "web/routes.py"),
                rejected=(DUPLICATE,),
            ),
            2: fixes_of(2, ("Serialise the stream's state", "an-a1", "web/stream.py")),
            3: fixes_of(3, ("Import the encoder that exists", "an-s1", "web/stream.py")),
        }
        return Cycle(
            number=number,
            commit=COMMITS[number],
            started=at(number),
            finished=at(number, 11),
            images=images,
            rollout=rollout,
            health=health,
            suite=suite,
            proof=proof,
            triage=triage,
            reviews=reviews_of(triage.analyses),
            comparison=compare(self.observed(number), earlier),
            verdict=judge(images, rollout, health, suite, proof, results, 100),
            approval=Approval(decision=Decision.APPROVED, approver="mara", reason="read both diffs")
            if number < 4
            else None,
            fixes=fixes.get(number),
            seconds={"build": 4.1, "deploy": 21.5, "suite": 93.0},
        )
