"""Makes text from logs, diffs and fixers harmless to look at: data in Markdown, never markup, nothing invisible."""

from __future__ import annotations

import re
import unicodedata

_KEPT = frozenset("\n\t")


def visible(text: str) -> str:
    """Return a text in which what an eye cannot see is written out: control codes, and marks that turn the direction.

    A diff can hold characters that make a reviewer read other code than the interpreter does.
    """
    return "".join(_shown(sign) for sign in text)


def code(text: str) -> str:
    """Return a text as one Markdown code span, on one line, that its own backticks cannot close."""
    words = " ".join(visible(text).split()) or " "
    longest = max((len(run) for run in re.findall("`+", words)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if words.startswith("`") or words.endswith("`") else ""
    # A table or a Prefect form may read a bar or a line start before the span: neither means anything inside of it.
    return f"{fence}{padding}{words}{padding}{fence}"


def fenced(text: str, language: str, most_lines: int) -> str:
    """Return a text as a Markdown fence that it cannot close.

    Args:
        text: any.
        language: for colours.
        most_lines: what is longer is cut, and says so.
    """
    lines = visible(text).rstrip("\n").split("\n")
    fence = "`" * (3 + max((len(run) for run in re.findall("`+", text)), default=0))
    cut = len(lines) - most_lines
    note = [f"*{cut} more lines are not shown here: `untilgreen approve --show` prints all.*"] if cut > 0 else []
    return "\n".join([f"{fence}{language}", *lines[:most_lines], fence, *note])


def _shown(sign: str) -> str:
    if sign in _KEPT or (sign.isprintable() and unicodedata.category(sign) not in {"Cf", "Cc", "Zl", "Zp"}):
        return sign
    if sign == " " or unicodedata.category(sign) == "Zs":
        return " " if sign in " \u00a0" else f"\\u{ord(sign):04x}"
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"  # noqa: PLR2004 - the plane
