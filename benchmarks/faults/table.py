"""The figures against their targets, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.faults.judge import CauseJudged, FaultJudged
from benchmarks.faults.score import Figure, Labelled, accuracy_at, average_at, bootstrap, mean, pairs, share, v_measure
from untilgreen.model.analysis import Decision


@dataclass(frozen=True)
class Line:
    """One figure.

    Args:
        name: what it is.
        figure: with its interval.
        target: at least, or at most where less is better; None for what stands beside it.
        less: whether less is better.
    """

    name: str
    figure: Figure
    target: float | None = None
    less: bool = False

    @property
    def met(self) -> bool:
        """Tell whether the target is met."""
        if self.target is None:
            return True
        return self.figure.value <= self.target if self.less else self.figure.value >= self.target


def lines(judged: Sequence[FaultJudged]) -> list[Line]:
    """Return all figures, ours first, then the peers'."""
    causes = [cause for fault in judged for cause in fault.causes]
    ranks = [cause.rank for cause in causes]
    planted = [pair for fault in judged for pair in fault.planted]
    right = [cause for cause in causes if cause.rank == 1]
    true = [decision is Decision.REJECTED for is_true, decision in planted if is_true] + [c.rejected for c in right]
    false = [decision is Decision.REJECTED for is_true, decision in planted if not is_true]
    return [
        Line("cause AC@1", accuracy_at(ranks, 1), 0.80),
        Line("cause AC@3", accuracy_at(ranks, 3), 0.92),
        Line("cause AC@5", accuracy_at(ranks, 5)),
        Line("cause Avg@5", average_at(ranks, 5)),
        Line("grounded", share([cause.grounded for cause in causes]), 0.80),
        Line("evidence precision", mean([c.relevant / c.cited for c in causes if c.cited]), 0.95),
        *_clusters("", [fault.tests for fault in judged], targets=True),
        Line("abstention", share([said for fault in judged for said in fault.abstained]), 0.90),
        Line("false analyses rejected", share(false), 0.95),
        Line("true analyses rejected", share(true), 0.05, less=True),
        Line("innocent among the commits blamed", share(_innocent(judged)), less=True),
        Line("history told", share([told for fault in judged for told in fault.states.values()])),
        Line("service AC@1, ours", accuracy_at([c.service_rank for c in causes], 1)),
        *_loud(causes),
        *_clusters(", type + message", [fault.peer for fault in judged]),
    ]


def _innocent(judged: Sequence[FaultJudged]) -> list[bool]:
    return [n < len(fault.false_blame) for fault in judged for n in range(fault.blamed)]


def _loud(causes: Sequence[CauseJudged]) -> list[Line]:
    return [
        Line("service AC@1, ERROR count", accuracy_at([c.loud_rank for c in causes], 1)),
        Line("service AC@3, ERROR count", accuracy_at([c.loud_rank for c in causes], 3)),
        Line("file AC@1, ERROR count", accuracy_at([c.loud_file_rank for c in causes], 1)),
    ]


def _clusters(suffix: str, tests: Sequence[Sequence[Labelled]], *, targets: bool = False) -> list[Line]:
    """Return the figures of a grouping; the intervals come from drawing faults, whose tests hang together."""
    faults = [each for each in tests if each]

    def pooled(drawn: Sequence[Sequence[Labelled]]) -> list[Labelled]:
        # A fault that is drawn twice counts as two.
        return [Labelled((n, t.fault), t.cause, t.group) for n, each in enumerate(drawn) for t in each]

    return [
        Line(f"V-measure{suffix}", bootstrap(faults, lambda d: v_measure(pooled(d))), 0.93 if targets else None),
        Line(f"V-measure per fault{suffix}", mean([v_measure(each) for each in faults])),
        Line(
            f"pairwise precision{suffix}",
            bootstrap(faults, lambda d: pairs(pooled(d)).precision),
            0.98 if targets else None,
        ),
        Line(f"pairwise F1{suffix}", bootstrap(faults, lambda d: pairs(pooled(d)).f1)),
    ]


def render(judged: Sequence[FaultJudged]) -> str:
    """Return the tables as text."""
    head = f"{'fault':<5} {'tests':>5} {'groups':>6}  {'rank':>4} {'path':<4} {'evid.':>7} {'errors':>6}  said"
    rows = [row for fault in judged for row in _rows(fault)]
    figures = [_figure(line) for line in lines(judged)]
    title = f"{'figure':<38} {'value':>6}  {'95 % interval':<13} {'n':>4}  target"
    return "\n".join([head, *rows, "", title, *figures])


def _rows(fault: FaultJudged) -> list[str]:
    start = f"{fault.fault:<5} {fault.failed:>5} {fault.groups:>6}  "
    rows = [
        f"{start}{cause.rank or '-':>4} {'yes' if cause.path else 'no':<4} {f'{cause.relevant}/{cause.cited}':>7} "
        f"{cause.loud_rank or '-':>6}  {cause.said}"
        for cause in fault.causes
    ]
    rows += [] if fault.causes else [f"{start}{'':>4} {'':<4} {'':>7} {'':>6}  abstains: {fault.abstained}"]
    notes = [f"blames {words}" for words in fault.false_blame]
    notes += [f"planted, {'true' if true else 'false'}: {decision}" for true, decision in fault.planted]
    notes += [f"history of {name}: {'told' if told else 'not told'}" for name, told in fault.states.items()]
    notes += [f"NOT AS INTENDED: {words}" for words in fault.surprises[:3]]
    return [*rows, *(f"{'':<46}{note}" for note in notes)]


def _figure(line: Line) -> str:
    f = line.figure
    target = "" if line.target is None else f"{'<=' if line.less else '>='} {line.target:.2f}"
    mark = "" if line.target is None else " met" if line.met else " MISSED"
    return f"{line.name:<38} {f.value:>6.3f}  {f.low:.3f} - {f.high:.3f} {f.count:>4}  {target}{mark}"
