"""Fixes are judged one on top of the other, and become one commit a cause."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.review_scene import bundle, chain, entry, quote
from untilgreen.errors import FixUnusable, RepositoryError
from untilgreen.fix.step import apply_fixes, causes, message, offer
from untilgreen.fix.tree import read_texts
from untilgreen.model.analysis import (
    Analysis,
    Decision,
    Finding,
    Fix,
    Group,
    Offer,
    Review,
    Reviews,
    Triage,
    Truth,
)
from untilgreen.model.claims import CodeDefect, SecretMissing
from untilgreen.model.cycle import Run
from untilgreen.model.document import content_id
from untilgreen.settings import FILE, FixingSettings
from untilgreen.testing import FakeChecker, FakeHistory
from untilgreen.testing.history import diff_of

CODE = "import json\n\n\ndef send(message):\n    return json.dumps(message)\n\n\ndef stop():\n    return 1\n"
YAML = "services:\n  web: {source: web, image: r/web}\n"
BASE = {"web/ws.py": CODE, FILE: YAML, "e2e/test_ws.py": "def test_ws():\n    assert 1\n"}
HEAD = FakeHistory(("base", BASE)).head
RUN = Run(loop="loop", cycle=3, commit=HEAD, root="", state="")
SEND = CodeDefect(path="web/ws.py", line=5, symbol="send")
STOP = CodeDefect(path="web/ws.py", line=9, symbol="stop")
ENTRY = entry("TypeError")


@dataclass
class Drawer:
    """A fixer that offers what lies in it for a symbol."""

    fixes: dict[str, list[str]]
    fails: FixUnusable | None = None
    doubts: tuple[Finding, ...] = ()
    asked: list[str] = field(default_factory=list)

    def propose(self, analysis: Analysis) -> tuple[Fix, ...]:
        """Offer the diffs for the leaf's symbol."""
        leaf = analysis.leaf.claim
        symbol = leaf.symbol if isinstance(leaf, CodeDefect) else "secret"
        self.asked.append(symbol)
        if self.fails:
            raise self.fails
        return tuple(
            Fix(
                id=content_id("fix", text),
                author="Ada\nFix: forged",
                title=f"Mend {symbol}",
                analysis=analysis.id,
                breaks=f"{leaf.type} {leaf.subject}",
                diff=text,
                doubts=self.doubts,
            )
            for text in self.fixes.get(symbol, ())
        )


def repository() -> FakeHistory:
    """Return a repository whose only commit is the tested one."""
    return FakeHistory(("base", BASE))


def to(**changes: str) -> str:
    """Return the diff that replaces words of the code by others."""
    text = CODE
    for old, new in changes.items():
        text = text.replace(old, new)
    return diff_of(BASE, BASE | {"web/ws.py": text})


GOOD = to(dumps="safe_dumps")
OTHER = diff_of(BASE, BASE | {"web/ws.py": CODE.replace("return 1", "return 2")})
BAD = diff_of(BASE, BASE | {"e2e/test_ws.py": "def test_ws():\n    pass\n"})
OPEN = diff_of(
    BASE,
    BASE | {"web/ws.py": CODE.replace("return 1", "return send(timeout=9)").replace("send(t", "send(verify=False, t")},
)
STALE = GOOD.replace("json.dumps(message)", "json.dumps(words)", 1)


def found(*claims: CodeDefect | SecretMissing, decision: Decision = Decision.APPROVED) -> tuple[Triage, Reviews]:
    """Return a triage with a group and an analysis for each claim, and their reviews."""
    analyses = [
        chain(claim, cite={1: (quote(ENTRY),)}).model_copy(update={"id": f"analysis-{n}", "group": f"group-{n}"})
        for n, claim in enumerate(claims, 1)
    ]
    groups = tuple(Group(id=a.group, key=a.group, cases=()) for a in analyses)
    reviews = tuple(
        Review(analysis=a.id, author=a.author, decision=decision, findings=(), confidence=0.8) for a in analyses
    )
    return Triage(groups=groups, analyses=tuple(analyses)), Reviews(reviews=reviews)


def offered(drawer: Drawer, *claims: CodeDefect | SecretMissing, already: frozenset[str] = frozenset()) -> Offer:
    """Let a drawer offer fixes for these causes."""
    triage, reviews = found(*claims)
    return offer(RUN, triage, reviews, bundle(ENTRY), [drawer], repository(), already, checker=FakeChecker())


def decisions(made: Offer) -> list[Decision]:
    """Return the decisions in the order in which they were made."""
    return [review.decision for review in made.reviews]


def test_first_approved() -> None:
    """A rejected fix is recorded, the next one is judged, and after an approved one nobody is judged."""
    made = offered(Drawer({"send": [BAD, GOOD, OTHER]}), SEND)
    assert decisions(made) == [Decision.REJECTED, Decision.APPROVED]
    assert [fix.diff for fix in made.fixes] == [GOOD]


def test_image_gate() -> None:
    """What the image gate would refuse is never committed: the next fix for the cause is judged instead."""
    before = {"web/Procfile": "web: python ws.py\n", **BASE}
    history = FakeHistory(("base", before))
    kept_out = {
        "web/.dockerignore": "more.py\n",
        "web/more.py": "A = 1\n",
        "web/ws.py": f"import more\n{CODE}\n\nA = more.A\n",
    }
    mended = {"web/ws.py": CODE.replace("json.dumps", "json.safe_dumps")}
    drawer = Drawer({"send": [diff_of(before, before | kept_out), diff_of(before, before | mended)]})
    triage, reviews = found(SEND)
    run = RUN.model_copy(update={"commit": history.head})
    made = offer(run, triage, reviews, bundle(ENTRY), [drawer], history, frozenset(), checker=FakeChecker())
    assert decisions(made) == [Decision.REJECTED, Decision.APPROVED]
    (refuted,) = [finding for finding in made.reviews[0].findings if finding.truth == "refuted"]
    assert refuted.rule == "fix.image"
    assert "web/.dockerignore:1 (more.py)" in refuted.message


def test_not_offered_again() -> None:
    """A fix that was rejected or committed before is not judged again."""
    made = offered(Drawer({"send": [BAD, GOOD]}), SEND, already=frozenset({content_id("fix", BAD)}))
    assert decisions(made) == [Decision.APPROVED]


def test_stacked() -> None:
    """Several fixes are judged each on the tree that the one before made, and become a commit each."""
    made, history = offered(Drawer({"send": [GOOD], "stop": [OTHER]}), SEND, STOP), repository()
    fixes = apply_fixes(RUN, made, history, "untilgreen/loop")
    second, first = history.log("untilgreen/loop", 2)
    text = history.read(second.sha, "web/ws.py") or ""
    assert [applied.commit for applied in fixes.applied] == [first.sha, second.sha]
    assert (fixes.commit, first.parent) == (second.sha, HEAD)
    assert fixes.applied[0].files == first.files == ("web/ws.py",)
    assert "safe_dumps" in text
    assert "return 2" in text


def test_trailers() -> None:
    """A commit names the analysis, the evidence, the cycle and the fix."""
    made = offered(Drawer({"send": [GOOD]}), SEND)
    (fix,) = made.fixes
    assert message(RUN, fix, made.evidence[fix.id]).splitlines()[4:] == [
        "Analysis: analysis-1",
        f"Evidence: {ENTRY.id}",
        "Cycle: loop/3",
        f"Fix: {fix.id}",
    ]


def test_passed_over() -> None:
    """A fix that does not apply is noted, is not rejected, and the next one gets its turn."""
    made = offered(Drawer({"send": [STALE, GOOD]}), SEND)
    (passed,) = made.passed_over
    assert passed.findings[0].rule == "fix.applies"
    assert decisions(made) == [Decision.APPROVED]


def test_undecided() -> None:
    """Where nothing is approved the first open fix waits for a human, and is committed only if one says so."""
    made = offered(Drawer({"stop": [OPEN]}), STOP)
    assert (made.fixes, [fix.diff for fix in made.undecided]) == ((), [OPEN])
    assert apply_fixes(RUN, made, repository(), "b").commit == HEAD
    assert apply_fixes(RUN, made, repository(), "b", undecided=True).commit != HEAD


def test_better_than_undecided() -> None:
    """An approved fix is preferred to an open one that was offered earlier."""
    made = offered(Drawer({"stop": [OPEN, OTHER]}), STOP)
    assert ([fix.diff for fix in made.fixes], made.undecided) == ([OTHER], ())


def test_one_cause_in_two_groups() -> None:
    """Two groups with one cause get one fix."""
    drawer = Drawer({"send": [GOOD, OTHER]})
    assert [fix.diff for fix in offered(drawer, SEND, SEND).fixes] == [GOOD]
    assert drawer.asked == ["send"]


def test_best_approved_analysis() -> None:
    """Of several approved analyses of a group the surest counts; what is masked or not approved gets no fix."""
    triage, _ = found(SEND, STOP)
    analyses = tuple(a.model_copy(update={"group": "group-1"}) for a in triage.analyses)
    triage = triage.model_copy(update={"analyses": analyses})
    reviews = Reviews(
        reviews=tuple(
            Review(analysis=a.id, author="a", decision=Decision.APPROVED, findings=(), confidence=sure)
            for a, sure in zip(analyses, (0.5, 0.9), strict=True)
        )
    )
    assert [a.id for a in causes(triage, reviews)] == ["analysis-2"]
    masked = triage.model_copy(update={"groups": tuple(g.model_copy(update={"masked_by": "x"}) for g in triage.groups)})
    assert not list(causes(masked, reviews))
    assert not list(causes(*found(SEND, decision=Decision.NEEDS_HUMAN)))


def test_nothing_changes_before_approval() -> None:
    """Offering commits nothing."""
    history = repository()
    triage, reviews = found(SEND)
    offer(RUN, triage, reviews, bundle(ENTRY), [Drawer({"send": [GOOD]})], history, frozenset(), checker=FakeChecker())
    assert history.branches == {"main": HEAD}


def test_forged_trailers() -> None:
    """A fixer's words cannot pose as trailers."""
    fix = offered(Drawer({"send": [GOOD]}), SEND).fixes[0].model_copy(update={"title": "x\n\nEvidence: all"})
    lines = message(RUN, fix, ()).splitlines()
    assert [line for line in lines if line.startswith(("Fix:", "Evidence:"))] == [f"Fix: {fix.id}"]


def test_texts_of_a_tree(tmp_path: Path) -> None:
    """Binaries and links have no text; Python in other bytes keeps them, for the gate to stumble over."""
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    (tmp_path / "a.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    (tmp_path / "a.txt").write_text("words")
    assert read_texts(tmp_path) == {"a.py": "x = '\udce9'\n", "a.txt": "words"}


def test_diff_that_stopped_applying() -> None:
    """What does not apply to the tested commit raises; nothing is forced."""
    made = offered(Drawer({"send": [GOOD]}), SEND)
    history = FakeHistory(("another base", BASE | {"web/ws.py": "other"}))
    with pytest.raises(RepositoryError):
        apply_fixes(RUN.model_copy(update={"commit": history.head}), made, history, "b")


def judged(*drawers: Drawer, claims: tuple[CodeDefect, ...] = (SEND,), **more: object) -> Offer:
    """Let several drawers offer fixes."""
    triage, reviews = found(*claims)
    return offer(
        RUN,
        triage,
        reviews,
        bundle(ENTRY),
        drawers,
        repository(),
        frozenset(),
        checker=FakeChecker(),
        **more,  # type: ignore[arg-type]  # as its signature has them
    )


def test_a_fixer_that_fails_is_noted() -> None:
    """A fixer that made nothing is passed over with its reason, and the next one gets its turn."""
    made = judged(Drawer({}, FixUnusable("fixer.time", "took too long")), Drawer({"send": [GOOD]}))
    assert [fix.diff for fix in made.fixes] == [GOOD]
    (noted,) = made.passed_over
    assert (noted.decision, noted.findings[0].rule) == (Decision.NEEDS_HUMAN, "fixer.time")


def test_a_fixer_that_makes_what_is_not_taken_is_rejected() -> None:
    """What a fixer made and nobody takes over is a rejected fix, with the reason."""
    made = judged(Drawer({}, FixUnusable("fixer.modes", "x is a symbolic link", refused=True)))
    assert (decisions(made), made.reviews[0].findings[0].rule) == ([Decision.REJECTED], "fixer.modes")


def test_a_doubt_of_the_making_asks_a_person() -> None:
    """What was noticed while a fix was made is decided by a person, however sound the diff is."""
    doubt = Finding(rule="fixer.outside", truth=Truth.UNPROVEN, message="your repository changed")
    made = judged(Drawer({"send": [GOOD]}, doubts=(doubt,)))
    assert (made.fixes, [fix.diff for fix in made.undecided]) == ((), [GOOD])


@pytest.mark.parametrize("key", ["group-1", f"code_defect {SEND.subject}"])
def test_after_two_attempts_a_person_decides(key: str) -> None:
    """A signature that two fixes did not help gets no third one without a person; one attempt does not matter."""
    drawer = Drawer({"send": [GOOD]})
    assert judged(drawer, vain={key: ("Mend it",)}).fixes
    made = judged(drawer, vain={key: ("Mend it", "Mend it again")})
    assert (made.fixes, decisions(made)) == ((), [Decision.NEEDS_HUMAN])
    assert "Mend it, Mend it again" in made.reviews[0].findings[-1].message


def test_so_many_fixes_and_no_more() -> None:
    """The settings say how many fixes one cycle may bring."""
    drawer = Drawer({"send": [GOOD], "stop": [OTHER]})
    assert len(judged(drawer, claims=(SEND, STOP)).fixes) == 2
    made = judged(drawer, claims=(SEND, STOP), limits=FixingSettings(most=1))
    assert [fix.diff for fix in made.fixes] == [GOOD]
