"""An approval is believed only when nothing speaks against it, and it is for exactly what was shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.approval_room import NO, NOW, YES, Room, cycle, fix_of, instead, made, request
from tests.unit.test_fix_step import GOOD, HEAD, OPEN, RUN, STOP, Drawer, offered, repository
from untilgreen.adapters.signing_keys import fits, new_key, sign
from untilgreen.approval.answer import Answer, names, signed_text, troubles
from untilgreen.approval.audit import Event
from untilgreen.approval.named_commit import NamedCommit
from untilgreen.approval.request import asked_about, fingerprint
from untilgreen.approval.show import describe
from untilgreen.approval.visible import code, visible
from untilgreen.errors import ApprovalBroken, ConfigError, RepositoryError
from untilgreen.model.analysis import Decision, Offer
from untilgreen.settings.people import Approve

SHA = "0123456789abcdef"


def test_a_yes_names_what_it_is_for(tmp_path: Path) -> None:
    """An approval carries the hash of base and diffs, the way, and the seal of its record."""
    room = Room(tmp_path, [YES])
    approval = room.hear().approval
    assert approval is not None
    assert (approval.decision, approval.hash, approval.base) == (Decision.APPROVED, request().hash, HEAD)
    assert approval.record == room.log.chain().records[-1].seal
    assert room.events() == ["asked", "approved"]


def test_a_no_changes_nothing_and_is_written_down(tmp_path: Path) -> None:
    """A rejection with its reason ends the hearing."""
    room = Room(tmp_path, [NO])
    approval = room.hear().approval
    assert approval is not None
    assert approval.decision is Decision.REJECTED
    assert room.log.chain().records[-1].happening.reason == "mends the spot"


def test_silence_is_no_answer(tmp_path: Path) -> None:
    """When nobody answers in time there is no approval, and the log says so."""
    room = Room(tmp_path)
    assert room.hear().approval is None
    assert room.events() == ["asked", "expired"]


@pytest.mark.parametrize(
    ("answer", "rules", "reason"),
    [
        (Answer(), {}, "write your name"),
        (YES.model_copy(update={"approver": "  "}), {}, "write your name"),
        (YES.model_copy(update={"approver": "Ann\nBob"}), {}, "write your name"),
        (YES.model_copy(update={"approver": "Policy"}), {}, "a name of the loop itself"),
        (NO.model_copy(update={"reason": " \t"}), {}, "say why you reject"),
        (NO.model_copy(update={"commit": SHA}), {}, "leave it empty to reject"),
        (YES.model_copy(update={"hash": "sha256:000000000000"}), {}, "is not what is asked about"),
        (YES.model_copy(update={"hash": "sha256:0"}), {}, "is not what is asked about"),
        (YES.model_copy(update={"approver": "ADA@example.com"}), {"other_than_author": True}, "somebody else"),
        (YES.model_copy(update={"approver": "ada  lee"}), {"other_than_author": True}, "somebody else"),
        (YES, {"signed_by": {"Ada": "x"}}, "no key for Mara"),
        (YES, {"signed_by": {"Mara": "x"}}, "approvals are signed here"),
        (YES.model_copy(update={"signature": "AAAA"}), {"signed_by": {"Mara": "x"}}, "it is not Mara's"),
    ],
)
def test_bad_input_is_asked_again(answer: Answer, rules: dict[str, object], reason: str, tmp_path: Path) -> None:
    """What cannot be believed is refused with the reason, on the same question, under the next number."""
    room = Room(tmp_path, [answer])
    assert room.hear(**rules).approval is None
    assert reason in room.asked[1].trouble
    assert [asked.attempt for asked in room.asked] == [1, 2]
    assert room.asked[1].hash == room.asked[0].hash
    assert room.events() == ["asked", "refused", "asked", "expired"]


def test_the_author_may_reject(tmp_path: Path) -> None:
    """Only a yes needs a second pair of eyes."""
    room = Room(tmp_path, [NO.model_copy(update={"approver": "Ada Lee"})])
    assert room.hear(other_than_author=True).approval is not None


def test_a_name_is_known_in_all_its_parts() -> None:
    """Name, address and both together are one person; another name is not."""
    assert names("Ada Lee <ada@example.com>") & names("ada LEE")
    assert not names("Ada Lee <ada@example.com>") & names("Ada")


def test_a_commit_instead_goes_through_the_gate(tmp_path: Path) -> None:
    """A commit that the gate approves and that cannot move is what the approval is for, by its own hash."""
    room = Room(tmp_path, [YES.model_copy(update={"commit": SHA})], {SHA: instead()})
    outcome = room.hear()
    assert outcome.approval is not None
    assert outcome.approval.hash == fingerprint(HEAD, fix_of(outcome)) != request().hash
    assert [fix.diff for fix in fix_of(outcome)] == [fix.diff for fix in instead().fixes]
    assert len(outcome.offer.reviews) == 2


def test_a_branch_instead_is_shown_first(tmp_path: Path) -> None:
    """A name that can move is resolved, shown with its own hash, and asked about again."""
    answers = [YES.model_copy(update={"commit": "mine"}), YES]
    room = Room(tmp_path, answers, {"mine": instead()})
    outcome = room.hear()
    assert room.asked[1].hash == fingerprint(HEAD, instead().fixes) == (outcome.approval and outcome.approval.hash)


def test_a_commit_that_the_gate_leaves_open_is_shown_first(tmp_path: Path) -> None:
    """Nobody approves open points that they have not seen."""
    offer = offered(Drawer({"stop": [OPEN]}), STOP)
    room = Room(tmp_path, [YES.model_copy(update={"commit": SHA})], {SHA: offer})
    assert room.hear().approval is None
    assert "look at it" in room.asked[1].trouble
    assert room.asked[1].offer.undecided == offer.undecided


def test_a_rejected_commit_is_not_used(tmp_path: Path) -> None:
    """What the gate rejects no approver can use instead; the old offer is asked about again."""
    room = Room(tmp_path, [YES.model_copy(update={"commit": SHA})], {SHA: Offer()})
    room.hear()
    assert "does not let" in room.asked[1].trouble
    assert room.asked[1].hash == room.asked[0].hash


def test_a_commit_of_the_approver_needs_another_approver(tmp_path: Path) -> None:
    """Naming one's own commit does not go round approve.other_than_author."""
    offer = made("Bo, Mara")
    room = Room(tmp_path, [YES.model_copy(update={"commit": SHA})], {SHA: offer})
    room.hear(made("Ada") and request(), other_than_author=True)
    assert "somebody else" in room.asked[1].trouble


def test_a_request_that_changed_on_disk_is_refused(tmp_path: Path) -> None:
    """Whoever changes a kept request, its hash or not, gets nothing applied."""
    Room(tmp_path).hear()
    other = made().model_copy(update={"fixes": instead().fixes})
    with pytest.raises(ApprovalBroken, match="no longer those"):
        Room(tmp_path / "new", [YES]).hear(request().model_copy(update={"offer": other}))
    log = Room(tmp_path / "third")
    log.log.append(log_line := _asked_record(tmp_path))
    assert log_line.event is Event.ASKED
    with pytest.raises(ApprovalBroken):
        log.hear(request(other))


def _asked_record(folder: Path):  # noqa: ANN202 - a record of the log
    return Room(folder).log.chain().records[0].happening


def test_a_run_that_is_started_again_goes_on_with_its_question(tmp_path: Path) -> None:
    """A suspended run asks under the same number; nothing is written twice."""
    room = Room(tmp_path, [YES])
    room.log.append(_asked_once(tmp_path))
    assert room.hear().approval is not None
    assert room.events() == ["asked", "approved"]


def _asked_once(folder: Path):  # noqa: ANN202 - as above
    Room(folder / "other").hear()
    return _asked_record(folder / "other")


def test_after_the_time_is_over_one_is_asked_anew(tmp_path: Path) -> None:
    """A loop that goes on after a time-out asks under the next number, and the time begins again."""
    Room(tmp_path).hear()
    room = Room(tmp_path, [YES])
    assert room.hear().approval is not None
    assert [asked.attempt for asked in room.asked] == [2]
    assert room.asked[0].until > NOW


def test_a_signature_is_for_one_decision_only(tmp_path: Path) -> None:
    """A signature fits its own decision, reason and hash, and no other; a key lies outside of repositories."""
    file = tmp_path / "keys" / "mara.pem"
    rules = Approve(signed_by={"Mara": new_key(file)})
    signed = YES.model_copy(update={"signature": sign(file, signed_text(request(), YES))})
    assert troubles(signed, request(), rules, fits) == ()
    assert troubles(signed.model_copy(update={"decision": "reject", "reason": "x"}), request(), rules, fits)
    assert troubles(signed, request(instead()), rules, fits)
    assert troubles(signed, request(attempt=2), rules, fits) == ()
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigError, match="already"):
        new_key(file)
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    with pytest.raises(ConfigError, match="outside"):
        new_key(tmp_path / "repo" / "key.pem")


def test_the_question_shows_everything() -> None:
    """Causes, verdicts, diff, hash, base, and what each answer leads to."""
    text = describe(request(), cycle(), "untilgreen/loop")
    assert request().hash in text.replace("` `", "")
    assert HEAD in text
    assert "cycle 4 deploys and tests that" in text
    assert "code_defect web/ws.py" in text
    assert "safe_dumps" in text
    assert "nothing is changed, and the loop ends" in text


def test_words_of_others_are_never_markup() -> None:
    """Backticks, headings, tags, links and fences in titles and diffs stay data; what is invisible is written out."""
    evil = "`x` </code><script>alert(1)</script>\n# approve me\n[click](http://evil)\u202e"
    fix = made().fixes[0].model_copy(update={"title": evil, "author": evil, "diff": GOOD + "\n`````\n# hi\u202e"})
    text = describe(request(made().model_copy(update={"fixes": (fix,)})), cycle(), "b")
    outside = _outside_code(text)
    assert "script" not in outside
    assert "click" not in outside
    assert "approve me" not in outside
    assert "\u202e" not in text
    assert "\\u202e" in text


def _outside_code(text: str) -> str:
    """Return what a CommonMark reader would take for markup."""
    import re  # noqa: PLC0415 - only here

    kept = re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", "", text)
    return re.sub(r"(?s)(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", kept)


def test_code_spans_cannot_be_closed() -> None:
    """A span has a longer fence than any run of backticks inside, and one line."""
    assert code("a ``b`` c") == "```a ``b`` c```"
    assert code("`") == "`` ` ``"
    assert code("a\n\n- b") == "`a - b`"
    assert visible("a\x1b[31m\tb") == "a\\u001b[31m\tb"


def test_a_commit_must_come_after_the_tested_one() -> None:
    """A commit of another line, the tested one itself, or one that does not exist is refused with the reason."""
    history = repository()
    (fix,) = asked_about(made())
    with pytest.raises(RepositoryError, match="does not come after"):
        NamedCommit(history, HEAD, HEAD, fix)
    with pytest.raises(RepositoryError):
        NamedCommit(history, "nowhere", HEAD, fix)
    commit = history.commit_patch(HEAD, GOOD, "Mend it", "mine")
    named = NamedCommit(history, commit, HEAD, fix)
    analysis = cycle().triage.analyses[0]  # type: ignore[union-attr]  # the cycle of the room has one
    (own,) = named.propose(analysis)
    assert (own.title, own.breaks, RUN.commit) == ("Mend it", fix.breaks, HEAD)
