"""What compare tells over all cycles and over earlier loops: ages of causes, figures that jumped, money, health."""

from __future__ import annotations

from enum import StrEnum

from untilgreen.model.document import Document, Instant


class Course(StrEnum):
    """What became of a cause since it was last seen, in this loop or in an earlier one."""

    NEW = "new"
    PERSISTENT = "persistent"
    IMPROVED = "improved"  # fewer tests fail for it, and what no longer fails was executed
    CHANGED = "changed"  # the same cause under another signature
    RESOLVED = "resolved"  # gone, and its tests were executed and passed
    REVEALED = "revealed"  # first seen now because something hid it before
    RECURRED = "recurred"  # was resolved, is back
    MASKED = "masked"  # something else hid it
    NOT_RUN = "not_run"  # its tests did not run, so nothing is known of it
    FLAKY = "flaky"  # its tests passed in some attempts only


class Sight(Document):
    """A cycle in which something was seen."""

    loop: str
    cycle: int
    commit: str
    at: Instant


class CausePast(Document):
    """One cause over all cycles and loops, as far as the ledgers reach."""

    group: str
    key: str
    course: Course
    before: int
    """Failing tests when it was observed before."""
    now: int | None
    """Failing tests now; None when not observed."""
    first_seen: Sight
    last_seen: Sight
    """When it was last observed; for a resolved one, when it was resolved."""
    age: int
    """Cycles since it was first seen, over all loops; 0 in the cycle that shows it first."""
    recurrences: int = 0
    """How often it came back after it was resolved."""
    note: str = ""
    closed: bool = False
    """Whether it is resolved."""
    incident: bool = False
    """Whether it hides other causes."""
    message: str = ""
    """The masked message that most of its tests got."""
    services: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    """All of its tests, also those that could not be observed."""
    failed: tuple[str, ...] = ()
    """Those that were seen to fail."""


class Jump(Document):
    """A figure that is ten times what it was before, or a tenth of it."""

    rule: str
    """Which figure: collected, executed, suite-time, step-time, test-time or evidence."""
    subject: str
    """What it is about: a step, a test, a source; empty for the suite as a whole."""
    unit: str
    """tests, s or rows."""
    before: float
    """Median of the earlier cycles that are comparable."""
    now: float
    cycles: int
    """Of how many cycles `before` is the median."""
    meaning: str
    """What it may mean, and what to do."""


class ValueLine(Document):
    """What one feature is worth in this cycle. Credited, debited and unobserved add up to its money."""

    feature: str
    per_month: float
    tests: int
    """Tests of the feature, or its minimum when fewer were collected."""
    proven: int
    """Passed, and proven real."""
    failed: int
    credited: float
    debited: float
    """Money of failing tests."""
    unobserved: float
    """Money of tests that did not run, or whose pass is not proven."""
    recovered: float = 0
    """Credited now and not when this loop began."""
    credited_at_first: float
    """What was credited in the first cycle of this loop that has this line."""
    proofs: tuple[str, ...] = ()
    """Node ids of the proven passes, at most 20; `proven` counts all."""
    debits: tuple[str, ...] = ()
    """Node ids of the failures, at most 20."""
    revisions: tuple[str, ...] = ()
    """Which answered the proven passes."""
    seen: Sight
    note: str = ""

    @property
    def at_risk(self) -> float:
        """Return the money that nothing proves: debited and unobserved."""
        return round(self.debited + self.unobserved, 2)


class Value(Document):
    """The value ledger of a cycle; money per month."""

    currency: str
    lines: tuple[ValueLine, ...]

    @property
    def credited(self) -> float:
        """Return the money that proven passes stand for."""
        return round(sum(line.credited for line in self.lines), 2)

    @property
    def at_risk(self) -> float:
        """Return the money that nothing proves."""
        return round(sum(line.at_risk for line in self.lines), 2)

    @property
    def recovered(self) -> float:
        """Return the money that is credited now and was not when this loop began."""
        return round(sum(line.recovered for line in self.lines), 2)


class SystemHealth(Document):
    """The health of the whole as one figure: the weakest of three shares, in percent, never rounded up."""

    figure: float | None
    """0 to 100; None when one of the shares was not observed."""
    proven: float | None
    """Proven passes by expected tests, 0 to 1."""
    serving: float | None
    """Services that answer their health path by services that were checked, 0 to 1."""
    unburdened: float | None
    """Expected tests that no unresolved cause holds, 0 to 1."""
    reason: str
    """Which share decides, or what was not observed."""


class Retrospect(Document):
    """What compare tells over all cycles of this loop and over the earlier loops of the same ledger folder."""

    causes: tuple[CausePast, ...] = ()
    """Worst news first: those that are open, were found, or were resolved in this cycle."""
    closed: tuple[CausePast, ...] = ()
    """Resolved in an earlier cycle: kept because they may come back."""
    jumps: tuple[Jump, ...] = ()
    value: Value | None = None
    """None when the settings name no money: then there is none to speak of."""
    health: SystemHealth | None = None
    notes: tuple[str, ...] = ()
    """What could not be compared, and why."""

    @property
    def at_risk(self) -> float | None:
        """Return the money per month that nothing proves; None without money in the settings."""
        return self.value.at_risk if self.value else None

    @property
    def recovered(self) -> float | None:
        """Return the money per month that this loop brought back; None without money in the settings."""
        return self.value.recovered if self.value else None
