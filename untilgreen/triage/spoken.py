"""Where the words come from that a test got: a silent answer is still written somewhere in a service's source.

Four ways from what a failure says to a change, the surest first: the status that one line gave and now gives another
one; a name that the answer lost or gained; the line that says the words of the answer; and what that line asks before
it says them. Each counts only if one commit alone fits.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from untilgreen.model.evidence import Case, Hunk
from untilgreen.triage.callsites import Definition, index_of
from untilgreen.triage.changes import bringing_line, regressed
from untilgreen.triage.frames import Spot, function_at
from untilgreen.triage.handlers import touching
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain

_TEXT = re.compile(r"""(["'`])((?:(?!\1)[^\\]){8,}?)\1""")
_QUOTED = re.compile(r"""["'](\w{2,})["']""")
_PLACES = 20
"""So many places may say it; more are an everyday word."""
_NUMBERS = re.compile(r"assert (\d{3}) == (\d{3})")


@dataclass(frozen=True, slots=True)
class Words:
    """What a failure says beyond the test's own source.

    Args:
        text: the lines by which pytest explains it.
        services: whom the answer may come from, the one that was asked first.
    """

    text: str
    services: tuple[str, ...]


def spoken(scene: Scene, case: Case, services: Sequence[str]) -> Chain:
    """Return the link to the change behind the words of a failure, or nothing when they do not lead to one.

    Args:
        scene: the indexed bundle.
        case: the failing test.
        services: those on its trace; those that they may ask are looked at, too.
    """
    asked = (other for service in services for other in scene.calls.get(service, ()))
    words = Words(_explained(case), tuple(dict.fromkeys((*services, *asked))))
    for way in (_restated, _renamed, _said):
        if link := way(scene, words):
            return link
    return ()


def _explained(case: Case) -> str:
    """Return the failure's message and explanation: what is expected stands there too, and was written by the test."""
    if not case.failure:
        return ""
    lines = (line for line in case.failure.text.splitlines() if line.startswith("E "))
    return "\n".join((case.failure.message, *lines))


def _restated(scene: Scene, words: Words) -> Chain:
    """A line that gave the expected status gives the other one since a change."""
    found = _NUMBERS.search(words.text)
    now, before = found.groups() if found else ("", "")
    fitting = [h for h in _of(scene, words) if found and now in _restating(h, before)]
    question = f"Since when is it {now}?"
    return _blamed(scene, fitting, question, f"gave {before} before and gives {now}", now)


def _restating(hunk: Hunk, before: str) -> set[str]:
    """Return the numbers that stand now where one stood: in a line that is else the same."""
    old = {line.replace(before, "#").strip() for line in hunk.removed if before in line}
    numbers = {(number, line.replace(number, "#").strip()) for line in hunk.added for number in _digits(line)}
    return {number for number, line in numbers if line in old}


def _digits(line: str) -> list[str]:
    return re.findall(r"(?<!\w)\d{3}(?!\w)", line)


def _renamed(scene: Scene, words: Words) -> Chain:
    """A name in quotes that the failure is about came into the source of a service, or left it, with one commit.

    A name that came and shows in the answer tells more than one that left: it was made there. A commit that only moves
    a name takes it out in one place and puts it in at another: that changes no answer.
    """
    named = set(_QUOTED.findall(words.text))
    for came in (True, False):
        fitting = {h: told for h, told in _renaming(scene, words, came=came) if told & named}
        shown = sorted({name for told in fitting.values() for name in told & named})
        did = f"{'brought' if came else 'dropped'} the name {', '.join(shown[:3])}"
        if link := _blamed(scene, list(fitting), "Why does the answer have another form?", did, *shown):
            return link
    return ()


def _renaming(scene: Scene, words: Words, *, came: bool) -> Iterator[tuple[Hunk, set[str]]]:
    """Go through the changes with the names that their commit brought to the service, or took from it."""
    for service in words.services:
        for commit in dict.fromkeys(h.commit for h in _in(scene, service)):
            hunks = [h for h in _in(scene, service) if h.commit == commit]
            added, removed = (_quoted(line for h in hunks for line in part(h)) for part in (_added, _removed))
            told = added - removed if came else removed - added
            yield from ((h, told & _quoted((*h.added, *h.removed))) for h in hunks)


def _added(hunk: Hunk) -> tuple[str, ...]:
    return hunk.added


def _removed(hunk: Hunk) -> tuple[str, ...]:
    return hunk.removed


def _said(scene: Scene, words: Words) -> Chain:
    """A place that says it, what it is in, or what it asks before, was changed."""
    places = [spot for service in words.services for spot in _saying(scene, service, words.text)]
    found = [link for spot in places[:_PLACES] if (link := _behind_place(scene, words, spot))]
    return found[0] if len({link[0].claim.subject for link in found}) == 1 else ()


def _behind_place(scene: Scene, words: Words, spot: Spot) -> Chain:
    question = f"Why does {spot.path}:{spot.line} say so?"
    if hunk := bringing_line(scene, spot):
        return _blamed(scene, [hunk], question, "brought the line that says so", spot.source)
    own = [d for d in index_of(scene, "").definitions.get(spot.function, ()) if d.holds(spot.path, spot.line)]
    hunks = touching(scene, [*own, *_constants(scene, own)])
    return _blamed(scene, hunks, question, f"changed what {spot.function} does") or _asked_before(
        scene, words, spot, question
    )


def _saying(scene: Scene, service: str, text: str) -> Iterator[Spot]:
    """Go through the lines of a service with a text of several words that a failure repeats. Any language will do."""
    for file in scene.files(service):
        for number, line in enumerate(scene.lines(file.path), start=1):
            found = [quoted for _, quoted in _TEXT.findall(line) if " " in quoted.strip() and quoted in text]
            if found:
                yield Spot(file.path, number, function_at(scene, file.path, number), line.strip())


def _constants(scene: Scene, functions: Iterable[Definition]) -> list[Definition]:
    """Return where the names of a module are set that a function in it uses."""
    found = []
    for function in functions:
        tree = scene.tree(function.path) or ast.Module([], [])
        body = "\n".join(scene.lines(function.path)[function.line - 1 : function.end])
        used = set(re.findall(r"\w+", body))
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            names = [target.id for target in targets if isinstance(target, ast.Name) and target.id in used]
            found += [Definition(function.path, node.lineno, node.end_lineno or node.lineno, name) for name in names]
    return found


def _asked_before(scene: Scene, words: Words, spot: Spot, question: str) -> Chain:
    """The condition over the line reads a name that a change, of this service or of another, sets otherwise."""
    named = _quoted(_condition(scene, spot))
    fitting = [h for h in _of(scene, words) if named & _quoted(h.removed) & _quoted(h.added)]
    shown = ", ".join(sorted(named))
    return _blamed(scene, fitting, question, f"sets {shown} otherwise, which is asked for there", *sorted(named))


def _condition(scene: Scene, spot: Spot) -> list[str]:
    """Return the source of the innermost condition that a line depends on."""
    tree = scene.tree(spot.path)
    over = [
        node
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.If) and node.lineno < spot.line <= (node.end_lineno or node.lineno)
    ]
    return [ast.unparse(max(over, key=lambda node: node.lineno).test)] if over else []


def _quoted(lines: Iterable[str]) -> set[str]:
    return set(_QUOTED.findall("\n".join(lines)))


def _in(scene: Scene, service: str) -> list[Hunk]:
    root = scene.root(service)
    return [h for h in scene.hunks if root and h.path.startswith(root)]


def _of(scene: Scene, words: Words) -> list[Hunk]:
    return [hunk for service in words.services for hunk in _in(scene, service)]


def _blamed(scene: Scene, hunks: Sequence[Hunk], question: str, did: str, *needles: str) -> Chain:
    """Return the link to the change, if it is of one commit."""
    if len({hunk.commit for hunk in hunks}) != 1:
        return ()
    return (regressed(scene, hunks[0], question, did, *needles, strength=0.5),)
