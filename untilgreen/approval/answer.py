"""What a person answered, and what is wrong with it: plain rules in a visible tuple."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Literal

from untilgreen.approval.request import ApprovalRequest, asked_about
from untilgreen.model.document import Document
from untilgreen.settings.people import Approve

Verify = Callable[[str, bytes, str], bool]
"""Tells whether (public key, message, signature) fit together."""

RESERVED = frozenset({"policy", "settings", "untilgreen"})
"""Names under which the loop itself decides."""
_LONGEST_NAME = 100
_SHORTEST_HASH = 12
_SHORTEST_NAME = 2


class Answer(Document):
    """What came back, before anybody believes it."""

    decision: Literal["approve", "reject"] = "reject"
    approver: str = ""
    reason: str = ""
    commit: str = ""
    """Use this commit instead of what was offered."""
    hash: str = ""
    """Of what the person read, or its beginning."""
    signature: str = ""
    way: Literal["form", "command", "terminal"] = "form"


def signed_text(request: ApprovalRequest, answer: Answer) -> bytes:
    """Return what an approver's key signs: the decision, and exactly what it is about."""
    about = ["untilgreen approval 1", request.loop, request.cycle, request.base, request.hash]
    said = [answer.decision, answer.approver.strip(), answer.reason.strip(), answer.commit.strip()]
    return json.dumps([*about, *said], ensure_ascii=True, separators=(",", ":")).encode()


class Hearing(Document):
    """What the rules look at."""

    answer: Answer
    request: ApprovalRequest
    rules: Approve


def named(heard: Hearing) -> str:
    """Somebody answers for it."""
    name = heard.answer.approver.strip()
    if not _SHORTEST_NAME <= len(name) <= _LONGEST_NAME or not name.isprintable():
        return f"approver: write your name, {_SHORTEST_NAME} to {_LONGEST_NAME} characters on one line"
    return f"approver: {name} is a name of the loop itself; write yours" if name.casefold() in RESERVED else ""


def reasoned(heard: Hearing) -> str:
    """Whoever rejects says why: the next attempt depends on it."""
    missing = heard.answer.decision == "reject" and not heard.answer.reason.strip()
    return "reason: say why you reject" if missing else ""


def about_this(heard: Hearing) -> str:
    """Nobody approves what they have not read."""
    said = heard.answer.hash.strip().removeprefix("sha256:").casefold()
    if not said:
        return ""
    if len(said) >= _SHORTEST_HASH and heard.request.hash.removeprefix("sha256:").startswith(said):
        return ""
    return f"hash: {said[:_SHORTEST_HASH]} is not what is asked about now, which is {heard.request.hash}; read it again"


def not_the_author(heard: Hearing) -> str:
    """Two pairs of eyes, where the settings want them."""
    if not heard.rules.other_than_author or heard.answer.decision == "reject":
        return ""
    mine = names(heard.answer.approver)
    written = {author for fix in asked_about(heard.request.offer) for author in fix.author.split(", ")}
    authors = {author for author in written if mine & names(author)}
    who = ", ".join(sorted(authors))
    return f"approver: {who} made the fix, and approve.other_than_author wants somebody else" if authors else ""


def only_to_approve(heard: Hearing) -> str:
    """A commit to use instead is a yes."""
    contradicts = heard.answer.commit.strip() and heard.answer.decision == "reject"
    return "commit: leave it empty to reject, or approve to use it instead" if contradicts else ""


Rule = Callable[[Hearing], str]

RULES: tuple[Rule, ...] = (named, reasoned, about_this, not_the_author, only_to_approve)
"""Each returns what is wrong, or an empty text."""


def troubles(answer: Answer, request: ApprovalRequest, rules: Approve, verify: Verify) -> tuple[str, ...]:
    """Return everything that is wrong with an answer; nothing means that it can be believed.

    Args:
        answer: as it came.
        request: what was asked.
        rules: part `approve` of the settings.
        verify: checks a signature.
    """
    heard = Hearing(answer=answer, request=request, rules=rules)
    found = [rule(heard) for rule in RULES]
    return tuple(filter(None, [*found, _unsigned(heard, verify)]))


def _unsigned(heard: Hearing, verify: Verify) -> str:
    if not heard.rules.signed_by:
        return ""
    name, signature = heard.answer.approver.strip(), heard.answer.signature.strip()
    key = heard.rules.signed_by.get(name)
    if key is None:
        return f"approver: approve.signed_by of the settings has no key for {name or 'nobody'}"
    if not signature:
        return "signature: approvals are signed here; `untilgreen approve` signs with your key"
    fits = verify(key, signed_text(heard.request, heard.answer), signature)
    return "" if fits else f"signature: it is not {name}'s under this decision, hash, reason and commit"


def names(text: str) -> frozenset[str]:
    """Return what somebody is called in `Ann Lee <ann@example.com>`: both parts and the whole."""
    whole = " ".join(text.casefold().split())
    found = re.fullmatch(r"(?P<name>[^<>]*)<(?P<mail>[^<>]*)>", whole)
    parts = {whole, *(part.strip() for part in found.groups())} if found else {whole}
    return frozenset(parts - {""})
