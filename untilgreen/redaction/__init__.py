"""Keeps secrets out of everything that is stored or shown.

Two nets. What is known to be a secret is masked wherever it stands: as it is, in base64 at any alignment, URL-encoded,
escaped for JSON or HTML, whole or cut off. What only looks like a credential is masked in free text.

    redactor = Redactor([needles("api-token", value)])
    redactor.scrub("Authorization: Bearer ...")   # free text: logs, failures, what programs print
    redactor.mask(document.model_dump_json())     # text whose form must stay: only what is known

Values live in closures, in memory only: no repr, no pickle, no document shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from threading import Lock
from typing import NoReturn

from untilgreen.ports import Redaction
from untilgreen.redaction.credentials import scrub_all_credentials, scrub_credentials
from untilgreen.redaction.documents import masked
from untilgreen.redaction.needles import Needles, masker
from untilgreen.redaction.needles import needles as needles

_BETWEEN = "\n\0\n"
"""Stands between texts that are looked through together: no form of a secret goes across it."""


class Redactor:
    """Masks known values, and what looks like a credential. Safe to share between threads.

    Args:
        known: of each secret that could be read; none leaves the patterns.
    """

    __slots__ = ("_mask",)

    def __init__(self, known: Iterable[Needles] = ()) -> None:
        self._mask = masker(known)

    def scrub(self, text: str) -> str:
        """Return free text with `[redacted:NAME]` in place of known values, and of whatever looks like a credential."""
        return scrub_credentials(self._mask(text))

    def scrub_all(self, texts: Sequence[str]) -> list[str]:
        """Return many texts as `scrub` does, one by one: most hold nothing, and to know that costs little for all."""
        joined = _BETWEEN.join(texts)
        parts = self._mask(joined).split(_BETWEEN)
        if len(parts) != len(texts):
            return [self.scrub(text) for text in texts]
        return scrub_all_credentials(parts)

    def mask(self, text: str) -> str:
        """Return text with known values replaced, and nothing else touched; a JSON document stays one."""
        return masked(text, self._mask)

    def __repr__(self) -> str:
        return "Redactor(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a redactor holds secrets and is not to be stored")


class LastNet:
    """What this process has learnt to keep to itself: applied to whatever it writes, whichever way that came."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Redaction] = {}
        self._lock = Lock()

    def learn(self, key: Hashable, read: Callable[[], Redaction]) -> Redaction:
        """Return the redactor of this key; read the secrets only when nobody has done so in this process.

        Args:
            key: which secrets, by name. Never their values.
            read: reads them; may raise, then nothing is learnt.
        """
        with self._lock:
            if key not in self._known:
                self._known = {**self._known, key: read()}
            return self._known[key]

    def mask(self, text: str) -> str:
        """Return text with every value replaced that this process has ever read."""
        for redactor in self._known.values():
            text = redactor.mask(text)
        return text


LAST_NET = LastNet()
"""One for the process: files and terminals do not care which loop a text belongs to."""
