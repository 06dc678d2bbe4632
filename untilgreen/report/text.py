"""How figures, times and strangers' text are written, the same in every report."""

from __future__ import annotations

import re
from datetime import datetime

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
"""Controls, marks that turn the reading direction, and halves of characters: they hide or reorder what is shown."""

_MARKUP = re.compile(r"([\\`*\[\]<>#|~&$]|(?<!\w)_|_(?!\w)|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)])")


def legible(text: str) -> str:
    """Return text without anything that acts on a terminal, a browser or a reader's eye instead of being shown."""
    return _UNSEEN.sub("\ufffd", _ANSI.sub("", text.replace("\r\n", "\n")))


def one_line(text: str, limit: int = 200) -> str:
    """Return text on one line, cut with an ellipsis after so many characters."""
    flat = " ".join(legible(text).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def markdown(text: str, limit: int = 400) -> str:
    """Return text that Markdown shows as it is: no markup, no HTML, one line."""
    return _MARKUP.sub(r"\\\1", one_line(text, limit)).replace("://", ":\\//")


def code(text: str, limit: int = 400) -> str:
    """Return text as a Markdown code span that nothing in it can close."""
    flat = one_line(text, limit).replace("|", "¦")
    fence = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""


def fenced(text: str) -> list[str]:
    """Return text as the lines of a Markdown code block that nothing in it can close."""
    body = legible(text)
    fence = "`" * max(3, max((len(run) for run in re.findall(r"`+", body)), default=0) + 1)
    return [f"{fence}text", *body.splitlines(), fence]


def percent(rate: float | None) -> str:
    """Return a share from 0 to 1 in percent. Only all of it reads 100 %: figures are cut, not rounded."""
    if rate is None:
        return "not run"
    tenths = int(rate * 1000 + 1e-9)
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"


def many(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural where it needs it."""
    if count == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith(("s", "x")) else f"{noun}s"
    return f"{count:,} {plural}"


def listing(parts: list[str]) -> str:
    """Join parts as a sentence does."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def moment(at: datetime) -> str:
    """Return a moment to the minute, with its zone."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """Return a time span in its two largest units."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"  # noqa: PLR2004 - below ten a tenth still matters
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"


def short(commit: str) -> str:
    """Return a commit as people write it."""
    return commit[:12] or "unknown"
