"""Where the logs of failing tests part from those of passing ones: after A they say B, and failing ones never do.

What is counted is in how many tests one line follows another, never how many lines there are. Silence counts, too:
a swallowed exception shows by what is not said.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from untilgreen.model.evidence import Entry, Hunk
from untilgreen.triage.callsites import Definition, index_of
from untilgreen.triage.descent import Descent
from untilgreen.triage.handlers import touching
from untilgreen.triage.scene import RouteKey, Scene
from untilgreen.triage.templates import template_of

_MOST = 20
"""So many tests of each sort are compared: more tell the same."""
_FEWEST = 2
_APART = 0.8
_END = ""
"""Stands for nothing more."""
_LITERAL = re.compile(r"[A-Za-z][A-Za-z ,'-]{7,}")

Step = tuple[str, str, str]
"""Service, what it logs, and what it logs next."""
Followers = dict[tuple[str, str], Counter[str]]
"""Service and what it logs -> what follows, and in how many tests."""


@dataclass(frozen=True, slots=True)
class Parting:
    """Where failing tests leave the way of passing ones.

    Args:
        last: the line after which they part, as this test logged it.
        passing: the template that follows in passing tests; empty for nothing.
        failing: the one that follows in failing tests; empty for nothing.
    """

    last: Entry
    passing: str
    failing: str

    @property
    def words(self) -> str:
        """Return it as a sentence."""
        said = self.last.message.split("\n", 1)[0][:120]
        usual, now = (f"{text[:120]!r}" if text else "nothing more" for text in (self.passing, self.failing))
        return f"After {said!r} {self.last.service} logs {usual} in passing tests, and {now} in these."


def parting(scene: Scene, descent: Descent) -> Parting | None:
    """Return the first step by which tests that fail at this route differ from those that pass at it."""
    row = descent.symptom.row
    if row is None:
        return None
    seen = _both(scene, scene.key_of(row))
    for entry in scene.entries(descent.case.trace):
        a = entry.service, template_of(entry.message)
        usual, now = (_next(counts, *a) for counts in seen)
        if usual and now and usual != now:
            return Parting(entry, usual[0], now[0])
    return None


def _both(scene: Scene, key: RouteKey) -> list[Followers]:
    """Return what follows what in passing and in failing tests that ask for a route."""
    memo = ("steps", " ".join(key))
    if memo not in scene.memo:
        asking = scene.asking(key)
        sorts = ([case.trace for case in cases if case.trace in asking] for cases in (scene.passed, scene.bad))
        scene.memo[memo] = [_steps(scene, traces) for traces in sorts]
    found: list[Followers] = scene.memo[memo]
    return found


def _steps(scene: Scene, traces: list[str]) -> Followers:
    """Count for each line of each service in how many tests which line follows it."""
    found: Followers = defaultdict(Counter)
    for trace in sorted(traces)[:_MOST]:
        for service, line, following in sorted(set(_walk(scene.entries(trace)))):
            found[service, line][following] += 1
    return found


def _walk(entries: Iterable[Entry]) -> Iterable[Step]:
    lines: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        lines[entry.service].append(template_of(entry.message))
    for service, said in lines.items():
        yield from ((service, a, b) for a, b in pairwise([*said, _END]))


def _next(counts: Followers, service: str, line: str) -> tuple[str] | None:
    """Return what nearly always follows a line, in a tuple, since it may be nothing."""
    followers = counts.get((service, line), Counter())
    total = sum(followers.values())
    best, count = followers.most_common(1)[0] if followers else (_END, 0)
    return (best,) if total >= _FEWEST and count >= _APART * total else None


def changed_there(scene: Scene, found: Parting) -> Hunk | None:
    """Return the change of the one commit that touched what logs the last line, else what logs the next."""
    for line in (found.last.message.split("\n", 1)[0], found.passing, found.failing):
        hunks = touching(scene, _logging(scene, found.last.service, line))
        if hunks:
            return hunks[0] if len({hunk.commit for hunk in hunks}) == 1 else None
    return None


def _logging(scene: Scene, service: str, line: str) -> list[Definition]:
    """Return the functions whose source holds the words of a log line that do not vary."""
    words = max(_LITERAL.findall(re.sub(r"<\w+>", " | ", line)), key=len, default="").strip()
    if not words:
        return []
    known = (d for definitions in index_of(scene, service).definitions.values() for d in definitions)
    found = [d for d in known if any(words in text for text in scene.lines(d.path)[d.line - 1 : d.end])]
    return sorted(found, key=lambda d: (d.path, d.line))
