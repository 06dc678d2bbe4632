"""A fix as the rules see it: two trees, and the diff between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from untilgreen.model.analysis import Analysis, Finding, Fix, Truth
from untilgreen.model.delivery import GateFinding
from untilgreen.ports import Diagnostic
from untilgreen.review.fixes.patch import FilePatch, Unparsed, read_patch
from untilgreen.settings import Settings
from untilgreen.ssot.index import NO_STORE, Store
from untilgreen.ssot.syntax import is_test


@dataclass(frozen=True)
class Line:
    """A line that a fix adds or takes away."""

    path: str
    number: int
    """In the file that holds it: after the fix for an added line, before it for a removed one."""
    text: str


@dataclass(frozen=True)
class Images:
    """What the image gate says of the images of both trees."""

    before: tuple[GateFinding, ...] = ()
    after: tuple[GateFinding, ...] = ()


@dataclass(frozen=True)
class Sources:
    """What a parser of the image's own Python says of the touched sources of both trees."""

    before: tuple[Diagnostic, ...] = ()
    after: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Change:
    """A fix, what it is for, and the tree without and with it."""

    fix: Fix
    analysis: Analysis | None
    """None when somebody asks about a diff alone: then nothing is known of why it was made."""
    before: Mapping[str, str]
    after: Mapping[str, str]
    settings: Settings
    images: Images = Images()
    sources: Sources | None = None
    """None when nobody looked: then our own Python reads them."""
    store: Store = NO_STORE
    """What was read of the same sources before."""

    @property
    def leaf(self) -> str:
        """Return the claim type of the cause; empty when nobody named one."""
        return self.analysis.leaf.claim.type if self.analysis else ""

    @property
    def tests_may_change(self) -> bool:
        """Tell whether a human may allow a change of tests: one is what is wrong, or nobody knows what is."""
        return self.leaf in {"", "test_defect"}

    @property
    def files(self) -> tuple[FilePatch, ...]:
        """Return what the diff says it does; nothing when it cannot be read, which a rule of its own tells."""
        read = read_patch(self.fix.diff)
        return () if isinstance(read, Unparsed) else read

    @cached_property
    def touched(self) -> tuple[str, ...]:
        """Return every path whose text differs, and every one that the diff names: a binary file has no text here."""
        paths = {p for p in {*self.before, *self.after} if self.before.get(p) != self.after.get(p)}
        return tuple(sorted({*paths, *paths_in(self.fix.diff)}))

    @cached_property
    def added(self) -> tuple[Line, ...]:
        """Return the lines that are new."""
        return tuple(line for path in self.touched for line in self._lines(path, "+"))

    @cached_property
    def removed(self) -> tuple[Line, ...]:
        """Return the lines that are gone."""
        return tuple(line for path in self.touched for line in self._lines(path, "-"))

    def _lines(self, path: str, sign: str) -> Iterator[Line]:
        """Go through the lines of one side; what stands on both sides was moved, not changed."""
        old, new = self.before.get(path, "").splitlines(), self.after.get(path, "").splitlines()
        mine, other = (new, old) if sign == "+" else (old, new)
        spare = Counter(mine) - Counter(other)
        for number, text in enumerate(mine, 1):
            if spare[text] > 0:
                spare[text] -= 1
                yield Line(path, number, text)

    def product_python(self, tree: Mapping[str, str]) -> dict[str, str]:
        """Return the Python files of a tree that are no tests."""
        return {p: text for p, text in tree.items() if p.endswith(".py") and not self.is_test(p)}

    def is_test(self, path: str) -> bool:
        """Tell whether a path is part of the tests."""
        return is_test(path, self.settings.suite.path.strip("/"))


def paths_in(diff: str) -> tuple[str, ...]:
    """Return the paths that a git diff names, old and new ones; none when it is no diff."""
    read = read_patch(diff)
    return () if isinstance(read, Unparsed) else tuple(sorted({path for file in read for path in file.paths}))


def stop(rule: str, message: str, *evidence: str) -> Finding:
    """Make a finding that rejects the fix."""
    return Finding(rule=f"fix.{rule}", truth=Truth.REFUTED, message=message, evidence=evidence)


def ask(rule: str, message: str, *evidence: str) -> Finding:
    """Make a finding that a human has to decide."""
    return Finding(rule=f"fix.{rule}", truth=Truth.UNPROVEN, message=message, evidence=evidence)


def forbid(change: Change, rule: str, message: str, *evidence: str) -> Finding:
    """Make a finding about what a fix for a named cause never needs; of a diff alone, a human decides."""
    return (stop if change.analysis else ask)(rule, message, *evidence)
