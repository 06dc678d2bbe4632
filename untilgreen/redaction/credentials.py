"""What looks like a credential though nobody knows its value, in free text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sort:
    """One sort of credential.

    Args:
        name: in words, as a message says it.
        mask: as a mask says it.
        marks: one of these stands in every text that holds one; lower case, looked for without regard to case.
        pattern: finds it; a group named `keep` stays.
    """

    name: str
    mask: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]


_VALUE = r"""[^\s"',;&<>{}()\[\]\\]"""

KNOWN: tuple[Sort, ...] = (
    Sort(
        "a private key",
        "private-key",
        ("-----begin",),
        re.compile(
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:(?!-----END)[A-Za-z0-9+/=\s\\:,-])*"
            r"(?:-----END [A-Z0-9 ]*PRIVATE KEY-----)?"
        ),
    ),
    Sort("an AWS key", "aws-key", ("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    Sort("a Google API key", "google-key", ("aiza",), re.compile(r"\bAIza[0-9A-Za-z_-]{35}")),
    Sort(
        "a GitHub token",
        "github-token",
        ("gh",),
        re.compile(r"\bgh[pousr]_[0-9A-Za-z]{36}|\bgithub_pat_[0-9A-Za-z_]{22,}"),
    ),
    Sort("a Slack token", "slack-token", ("xox",), re.compile(r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}")),
    Sort("a Stripe key", "stripe-key", ("k_live_",), re.compile(r"\b[rs]k_live_[0-9A-Za-z]{16,}")),
    Sort("an API key", "api-key", ("sk-",), re.compile(r"\bsk-(?:[a-z]+-)?(?=[\w-]*\d)[0-9A-Za-z_-]{20,}")),
    Sort("a signed token", "token", ("eyj",), re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")),
    Sort(
        "a password in a URL",
        "password",
        ("://",),
        re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://[^/\s:@{}$<>\"']+:)[^/\s:@{}$<>\"']{3,}(?=@)"),
    ),
)
"""Nobody writes these by chance."""

LIKELY: tuple[Sort, ...] = (
    Sort("a token", "token", ("eyj",), re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}")),
    Sort(
        "a bearer's token",
        "token",
        ("bearer", "basic"),
        re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)(?=\S*\d)[\w.~+/=-]{8,}", re.IGNORECASE),
    ),
    Sort(
        "a password",
        "password",
        ("passw", "pwd"),
        re.compile(rf"(?P<keep>(?:passwo?r?d|pwd)=)(?!\w+[(.\[]){_VALUE}{{4,}}", re.IGNORECASE),
    ),
    Sort(
        "a credential by its name",
        "credential",
        ("passw", "pwd", "passphrase", "secret", "token", "key", "credential"),
        re.compile(
            r"""(?P<keep>(?:passwo?r?d|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)
            [\w-]*["']?\s{0,3}[:=]\s{0,3}["']?)(?!projects/)"""
            rf"(?={_VALUE}*\d)(?={_VALUE}*[A-Za-z]){_VALUE}{{6,}}",
            re.IGNORECASE | re.VERBOSE,
        ),
    ),
)
"""These look like a credential where they stand; in source code or in a name they may be something else."""


_BY_MARK = {mark: [s for s in (*KNOWN, *LIKELY) if mark in s.marks] for s in (*KNOWN, *LIKELY) for mark in s.marks}


def scrub_all_credentials(texts: Sequence[str]) -> list[str]:
    """Return many texts as `scrub_credentials` does."""
    lower = "\n".join(texts).lower()
    marks = [mark for mark in _BY_MARK if mark in lower]
    return (
        [scrub_credentials(t) if any(map(t.lower().__contains__, marks)) else t for t in texts] if marks else [*texts]
    )


def scrub_credentials(text: str) -> str:
    """Return free text with whatever looks like a credential replaced by `[redacted:SORT]`."""
    lower = text.lower()
    # Looking for a few letters costs a hundredth of a pattern, and most texts have none of them.
    marks = [mark for mark in _BY_MARK if mark in lower]
    for sort in {sort.name: sort for mark in marks for sort in _BY_MARK[mark]}.values():
        text = sort.pattern.sub(lambda found, sort=sort: _masked(found, sort), text)  # type: ignore[misc]  # mypy infers no type for a default
    return text


def _masked(found: re.Match[str], sort: Sort) -> str:
    kept = found["keep"] if "keep" in sort.pattern.groupindex else ""
    return f"{kept}[redacted:{sort.mask}]"
