"""Green or not, line by line: what is not proven is not green.

Each line is a plain function over what the steps left behind. A step that was not reached left None, and a line that
needs it does not hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from untilgreen.identity import mismatches, short_digest
from untilgreen.model.cycle import Color, Line, Loop, Stop, Verdict
from untilgreen.model.delivery import Health, Images, Rollout
from untilgreen.model.suite import Outcome, Proof, ProofSummary, Reality, Result, SuiteRun
from untilgreen.roll_call import disagreements, listed, named
from untilgreen.suite.outcomes import FLAKED, is_flaky

_UNWRITTEN = frozenset({"", "skipped", "unconditional skip"})
"""What pytest itself says when an author gave no reason."""


@dataclass(frozen=True)
class Evidence:
    """What the lines are judged by."""

    images: Images | None
    rollout: Rollout | None
    health: Health | None
    suite: SuiteRun | None
    proof: ProofSummary | None
    results: tuple[Result, ...]
    minimum: int
    proofs: tuple[Proof, ...] = ()
    flaky_budget: int = 0

    @cached_property
    def flaky(self) -> tuple[Result, ...]:
        """Return the tests that failed and passed on this revision."""
        return tuple(result for result in self.results if is_flaky(result))

    @cached_property
    def forgiven(self) -> tuple[Result, ...]:
        """Return those that do not keep the cycle from being green: within the budget, and not doubted otherwise."""
        if len(self.flaky) > self.flaky_budget:
            return ()
        alone = {proof.nodeid for proof in self.proofs if proof.doubts == (FLAKED,)}
        return tuple(result for result in self.flaky if result.nodeid in alone)


@dataclass(frozen=True)
class Held:
    """Whether one line holds, and by which facts."""

    holds: bool
    proof: str


def judge(  # noqa: PLR0917 - one document a step, in the order of the steps
    images: Images | None,
    rollout: Rollout | None,
    health: Health | None,
    suite: SuiteRun | None,
    proof: ProofSummary | None,
    results: Sequence[Result],
    minimum: int,
    *,
    proofs: Sequence[Proof] = (),
    flaky_budget: int = 0,
) -> Verdict:
    """Judge a cycle.

    Args:
        images: what was built; None when the cycle did not come so far, as for the next four.
        rollout: what was deployed.
        health: what was checked.
        suite: what was run.
        proof: what was proven.
        results: one for each collected test; the lines count these, never a summary of them.
        minimum: fewer collected tests than this are never green.
        proofs: one for each passed test; only a proof can say that being flaky is a test's only doubt.
        flaky_budget: so many such tests do not keep the cycle from being green.

    Returns:
        The color and the five lines, each with its proof.
    """
    evidence = Evidence(images, rollout, health, suite, proof, tuple(results), minimum, tuple(proofs), flaky_budget)
    held = [(claim, rule(evidence)) for claim, rule in LINES]
    lines = tuple(Line(number=n, claim=c, holds=h.holds, proof=h.proof) for n, (c, h) in enumerate(held, start=1))
    return Verdict(color=_color(evidence, lines), lines=lines)


def _color(evidence: Evidence, lines: tuple[Line, ...]) -> Color:
    if all(line.holds for line in lines):
        return Color.GREEN
    if _broken(evidence):
        return Color.BROKEN
    if any(result.outcome.bad for result in evidence.results):
        return Color.RED
    return Color.UNPROVEN


def _broken(evidence: Evidence) -> bool:
    """Tell whether deploy or health failed. A suite that did not run on healthy services is unproven, not broken."""
    if evidence.rollout and not evidence.rollout.serving:
        return True
    if evidence.health and not evidence.health.healthy:
        return True
    not_run = evidence.suite is None or not evidence.suite.ran
    return not_run and (evidence.rollout is None or evidence.health is None)


def finished(evidence: Evidence) -> Held:
    """Line 1."""
    suite, results = evidence.suite, evidence.results
    if suite is None or not suite.ran:
        return Held(holds=False, proof="The suite did not run.")
    if len(results) < evidence.minimum:
        return Held(
            holds=False, proof=f"Only {len(results):,} of at least {evidence.minimum:,} expected tests were collected."
        )
    wrong = [
        *(named(results, outcome) for outcome in Outcome if outcome.bad or outcome is Outcome.NOT_RUN),
        listed([r for r in results if _silently_skipped(r)], "skipped without a written reason"),
        listed([r for r in results if _passed(r) and not _passed_last(r)], "passed without an execution that passed"),
    ]
    if any(wrong):
        return Held(holds=False, proof=f"Of {len(results):,} collected tests {'; '.join(filter(None, wrong))}.")
    counts = Counter(result.outcome for result in results)
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counts.items()))
    return Held(holds=True, proof=f"{len(results):,} collected, {len(results):,} finished: {told}.")


def real(evidence: Evidence) -> Held:
    """Line 2."""
    proof, passed = evidence.proof, [r for r in evidence.results if _passed(r)]
    if proof is None:
        return Held(holds=False, proof="Nothing was proven: the step was not reached.")
    if not passed:
        return Held(holds=False, proof="No test passed, so nothing was shown to work.")
    if not proof.log_complete:
        return Held(holds=False, proof=f"The request log was not read to its end ({proof.request_rows} rows came).")
    forgiven = len(evidence.forgiven)
    unlike = Counter({kind: n for kind, n in proof.counts.items() if kind is not Reality.REAL})
    unlike.subtract({Reality.UNPROVEN: forgiven})
    others = ", ".join(f"{n} {kind}" for kind, n in sorted(unlike.items()) if n)
    count = proof.counts.get(Reality.REAL, 0)
    if others or count + forgiven != len(passed):
        doubts = "; ".join(f"{n} x {doubt}" for doubt, n in sorted(proof.doubts.items()))
        told = f"{count:,} of {len(passed):,} passed tests are real" + (f", {others}" if others else "")
        return Held(holds=False, proof=f"{told}. {f'Doubts: {doubts}.' if doubts else ''}".strip())
    log = f"the deployed revisions' own request log ({proof.request_rows:,} rows, read to its end) shows each of them"
    budget = f" {forgiven} more passed when run again, within the budget for flaky tests." if forgiven else ""
    return Held(holds=True, proof=f"{count:,} of {len(passed):,} passed tests are real: {log}.{budget}")


def same_revision(evidence: Evidence) -> Held:
    """Line 3."""
    images, rollout = evidence.images, evidence.rollout
    if images is None or rollout is None:
        return Held(holds=False, proof=f"Nothing was {'deployed' if images else 'built'} in this cycle.")
    if wrong := mismatches(images, rollout, evidence.health):
        return Held(holds=False, proof=f"{'; '.join(wrong)}.")
    told = "; ".join(
        f"{s.service} serves {s.revision}, {short_digest(s.digest)}, commit {s.commit[:12]}" for s in rollout.services
    )
    return Held(holds=True, proof=f"{told}. Each is Ready, answers its health path and has 100 % of the traffic.")


def never_flaky(evidence: Evidence) -> Held:
    """Line 4."""
    if not any(result.attempts for result in evidence.results):
        return Held(holds=False, proof="No test was executed.")
    again = [result for result in evidence.results if len(result.attempts) > 1]
    kept = [result for result in evidence.flaky if result not in evidence.forgiven]
    wrong = [
        listed(kept, f"flaky{_why_not_forgiven(evidence)}", attempts=True),
        listed([r for r in again if _uncleared(r)], "not failed in spite of a failure", attempts=True),
        listed([r for r in evidence.results if _hides_attempts(r)], "with a missing attempt", attempts=True),
        listed([r for r in again if _before_rollout(r, evidence.rollout)], "attempted before this rollout ended"),
    ]
    if any(wrong):
        return Held(holds=False, proof=f"{'; '.join(filter(None, wrong))}.")
    reruns = sum(len(result.attempts) - 1 for result in again)
    if not reruns:
        return Held(holds=True, proof="No test was run again; each has one attempt.")
    if evidence.forgiven:
        what = f"flaky, within the budget of {evidence.flaky_budget}"
        return Held(holds=True, proof=f"{listed(evidence.forgiven, what, attempts=True, shown=None)}.")
    return Held(holds=True, proof=f"{reruns} reruns of {len(again)} tests on the same revision ended as before.")


def complete(evidence: Evidence) -> Held:
    """Line 5."""
    suite, results = evidence.suite, evidence.results
    documents = (evidence.images, evidence.rollout, evidence.health, suite, evidence.proof)
    steps = dict(zip(("build", "deploy", "wait", "suite", "prove"), documents, strict=True))
    missing = [f"step {name} left nothing behind" for name, document in steps.items() if document is None]
    if suite:
        missing += suite.gaps or ([] if suite.ran else ["the suite did not run"])
        missing += disagreements(suite, results)
    if evidence.proof and not evidence.proof.log_complete:
        missing.append("the request log was not read to its end")
    if missing:
        return Held(holds=False, proof=f"Missing: {'; '.join(dict.fromkeys(missing))}.")
    return Held(holds=True, proof=f"All steps left their documents; {len(results):,} results agree with the runner.")


LINES: tuple[tuple[str, Callable[[Evidence], Held]], ...] = (
    (
        "Every expected test was collected and finished; none failed, errored, was lost or skipped without a reason.",
        finished,
    ),
    ("Each passed test is real: the deployed revision's own request log shows it.", real),
    ("What served is what this cycle deployed: same digest, same commit, Ready, all of the traffic.", same_revision),
    (
        "Reruns happened on the same revision, all attempts are shown, and nothing is flaky beyond the budget.",
        never_flaky,
    ),
    ("Nothing that the verdict needs is missing.", complete),
)


def exit_code(loop: Loop) -> int:
    """Return what the process ends with.

    Returns:
        0 proven green, 1 tests fail, 2 usage or config, 3 deploy or health, 4 unproven or nothing collected,
        5 all analyses or fixes rejected, 6 waiting for approval, 130 interrupted.
    """
    color = loop.cycles[-1].verdict.color if loop.cycles else Color.UNPROVEN
    if loop.stop in _BY_STOP:
        return _BY_STOP[loop.stop]
    if loop.stop is Stop.ERROR:
        return _BY_COLOR[color] if loop.cycles and color in (Color.BROKEN, Color.UNPROVEN) else 2
    return _BY_COLOR[color]


_BY_STOP: dict[Stop | None, int] = {Stop.ALL_REJECTED: 5, Stop.WAITING: 6, Stop.INTERRUPTED: 130}

_BY_COLOR = {Color.GREEN: 0, Color.RED: 1, Color.BROKEN: 3, Color.UNPROVEN: 4}


def _passed(result: Result) -> bool:
    """Tell whether it passed. One that passed against expectation did too, and nobody proves it: not green."""
    return result.outcome in (Outcome.PASSED, Outcome.XPASSED)


def _passed_last(result: Result) -> bool:
    return result.last is not None and result.last.outcome is result.outcome


def _silently_skipped(result: Result) -> bool:
    reason = result.reason.removeprefix("Skipped:").strip().lower()
    return result.outcome is Outcome.SKIPPED and reason in _UNWRITTEN


def _why_not_forgiven(evidence: Evidence) -> str:
    budget = evidence.flaky_budget
    if not budget:
        return ""
    return f", more than the budget of {budget}" if len(evidence.flaky) > budget else ", and not only that"


def _uncleared(result: Result) -> bool:
    """Tell whether a failed attempt was talked away: only a pass clears a failure."""
    failed = any(attempt.outcome.bad for attempt in result.attempts)
    return failed and not result.outcome.bad and not is_flaky(result)


def _hides_attempts(result: Result) -> bool:
    return [attempt.number for attempt in result.attempts] != list(range(1, len(result.attempts) + 1))


def _before_rollout(result: Result, rollout: Rollout | None) -> bool:
    return rollout is not None and any(attempt.started < rollout.finished for attempt in result.attempts)
