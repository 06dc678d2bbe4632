"""What a secret's value shows about itself. Pure: bytes in, names of problems out, and nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Callable

from untilgreen.model.secrets import SecretProblem

_PLACEHOLDER = re.compile(
    r"""
      (change|replace|fill|update|set|insert|enter|put)[-_ ]?(me|this|it|in|here|value|your)[-_ a-z]*
    | (your|my|some|the|an?|insert|enter)[-_ ]([a-z]+[-_ ])*(secret|password|passwd|token|key|value|credentials?)
      ([-_ ]?(here|goes[-_ ]here))?
    | (place[-_ ]?holder|dummy|example|sample|fake|test|default|secret|password|passwd|token|api[-_ ]?key|value)
      ([-_ ]?(secret|password|token|key|value|here|only))*
    | to[-_ ]?do | fix[-_ ]?me | tb[da] | to[-_ ]be[-_ ](defined|done|determined|set)
    | none | null | nil | undefined | nan | n/a | empty | unset | missing
    | <[^<>\n]*> | \[[-a-z _]*\] | \{\{.*\}\} | \$\{.*\} | \$\(.*\) | %[a-z_]+% | __[a-z_]+__
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Whole values only: a real password may contain any of these words."""

_REPEATED = re.compile(r"(.)\1*", re.DOTALL)
_STRAY = "\ufeff\u200b\u2060"
"""Invisible, and no white space to Python: a byte order mark, zero-width spaces."""


def problems(value: bytes, shortest: int) -> tuple[SecretProblem, ...]:
    """Tell what is wrong with a value.

    Args:
        value: the secret's bytes.
        shortest: characters below which it is too short.

    Returns:
        Each problem once; an empty tuple when there is none. Bytes that are no text have none but their length.
    """
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return (SecretProblem.TOO_SHORT,) if len(value) < shortest else ()
    if not _bare(text):
        return (SecretProblem.EMPTY,)
    return tuple(problem for problem, holds in RULES if holds(text, shortest))


def stray_space(text: str, _shortest: int) -> bool:
    """Tell whether a value of one line begins or ends with white space; a document such as a key file may."""
    return text != _bare(text) and not _is_document(text)


def placeholder(text: str, _shortest: int) -> bool:
    """Tell whether somebody has yet to put the real value there."""
    bare = _bare(text).strip("\"'")
    return not bare or bool(_PLACEHOLDER.fullmatch(bare)) or bool(_REPEATED.fullmatch(bare))


def too_short(text: str, shortest: int) -> bool:
    """Tell whether it can be guessed by its length alone."""
    return len(_bare(text)) < shortest


Rule = Callable[[str, int], bool]

RULES: tuple[tuple[SecretProblem, Rule], ...] = (
    (SecretProblem.WHITE_SPACE, stray_space),
    (SecretProblem.PLACEHOLDER, placeholder),
    (SecretProblem.TOO_SHORT, too_short),
)


def _bare(text: str) -> str:
    """Return the value without what cannot be seen at its ends."""
    before = None
    while before != text:
        before, text = text, text.strip().strip(_STRAY)
    return text


def _is_document(text: str) -> bool:
    """Tell whether it has several lines, as PEM and JSON files do: those end with a line feed by custom."""
    return "\n" in _bare(text) and text.lstrip(_STRAY) == text.lstrip()
