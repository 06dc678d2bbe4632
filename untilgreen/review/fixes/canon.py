"""What a fix does to the declared registry: it keeps to it, and mends the class, not the spot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from untilgreen.errors import ConfigError
from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask, stop
from untilgreen.settings import FILE
from untilgreen.ssot.deviation import Deviation, Survey, contexts_of
from untilgreen.ssot.index import functions
from untilgreen.ssot.modules import Code
from untilgreen.ssot.registry import Declared, usable, verify
from untilgreen.ssot.survey import Difference, difference, survey

_NAMED = 12
"""So many siblings are named in a sentence; the evidence has all."""
_RULES = {"sink": "sink", "banned": "primitive", "constant": "constant", "env": "env"}


@dataclass(frozen=True)
class _Trees:
    """Both trees of a change, held against what the one without it declares."""

    change: Change
    found: Declared
    before_code: Code

    @property
    def contexts(self) -> tuple[str, ...]:
        return contexts_of(self.change.settings)

    @cached_property
    def after_code(self) -> Code:
        return Code(self.change.product_python(self.change.after))

    @cached_property
    def before(self) -> Survey:
        return survey(self.found.registry, self.before_code, self.contexts)

    @cached_property
    def after(self) -> Survey:
        return survey(self.found.registry, self.after_code, self.contexts)

    @cached_property
    def differs(self) -> Difference:
        return difference(self.before, self.after)


def keeps_to_the_registry(change: Change) -> Iterator[Finding]:
    """It brings nothing that the registry forbids, and leaves no sibling of what it mends."""
    code = Code(change.product_python(change.before))
    try:
        found = usable(change.settings, change.before, code)
    except ConfigError as error:
        yield stop("registry", str(error))
        return
    if found.registry.empty:
        return
    trees = _Trees(change, found, code)
    yield from _registry_holds(trees)
    yield from _everything_read(trees)
    for deviation in trees.differs.new:
        finding = stop if deviation.sure else ask
        yield finding(_RULES[deviation.sort], deviation.message, deviation.where)
    yield from _whole_class(trees)


def _registry_holds(trees: _Trees) -> Iterator[Finding]:
    """A fix does not change the registry, and does not remove what it names."""
    change, found = trees.change, trees.found
    if change.before.get(found.file) != change.after.get(found.file) and found.file != FILE:
        yield stop("settings", f"changes {found.file}: a fix may not change how it is judged", found.file)
    for problem in verify(found, trees.after_code):
        yield ask("registry", f"takes away what the registry names: {problem}", problem.partition(": ")[0])


def _everything_read(trees: _Trees) -> Iterator[Finding]:
    for path, why in functions(trees.after_code.texts, trees.change.store).unreadable.items():
        where = f"{path}:{why.line}"
        yield ask(
            "unread", f"{where} is not Python ({why.problem}), so nobody knows whether it keeps to the registry", where
        )


def _whole_class(trees: _Trees) -> Iterator[Finding]:
    """Of what it mends or edits, no sibling stays as it was."""
    differs = trees.differs
    classes = dict.fromkeys(d.class_ for d in (*differs.gone, *differs.edited))
    for class_ in classes:
        edited = [d for d in differs.edited if d.class_ == class_]
        siblings = [d for d in differs.old if d.class_ == class_]
        mended = sum(d.class_ == class_ for d in differs.gone)
        more = trees.after.conforming.get(class_, 0) - trees.before.conforming.get(class_, 0)
        if edited:
            yield _spot(edited, siblings)
        elif siblings and mended and (more > 0 or class_[0] != "sink"):
            message = f"mends {mended} of {mended + len(siblings)} places that bypass {class_[1]}; fix these "
            yield ask("class", f"{message}{len(siblings)} too: {_places(siblings)}", *(d.where for d in siblings))


def _spot(edited: list[Deviation], siblings: list[Deviation]) -> Finding:
    message = f"{edited[0].message}; this fix changes the place and leaves that as it is"
    too = f"; fix these {len(siblings)} too: {_places(siblings)}" if siblings else ""
    return ask("class", message + too, *(d.where for d in (*edited, *siblings)))


def _places(siblings: list[Deviation]) -> str:
    named = ", ".join(d.where for d in siblings[:_NAMED])
    return named if len(siblings) <= _NAMED else f"{named} and {len(siblings) - _NAMED} more"
