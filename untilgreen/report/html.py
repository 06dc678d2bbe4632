"""The loop as one HTML file that needs nothing else: no script, no font, no request.

Every value goes through autoescaping, and through `legible` before that: text from logs can be neither markup nor
invisible. The only markup that is not escaped is the plot, which is made of figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from untilgreen.model.analysis import CauseChange, Citation
from untilgreen.model.cycle import Cycle, Loop
from untilgreen.model.suite import Outcome
from untilgreen.report.details import Details
from untilgreen.report.effects import effects
from untilgreen.report.flakes import MOST, flakes
from untilgreen.report.grid import LOOKS, Grid, grid
from untilgreen.report.identity import identities
from untilgreen.report.judgements import calibration, fix_notes, judgements
from untilgreen.report.plot import plot
from untilgreen.report.rollouts import cycle_notes, rollout_notes
from untilgreen.report.story import Thread, changes_of, kind, open_causes, place, threads
from untilgreen.report.summary import WORDS, figures, headline, paragraph, pass_rate, remaining
from untilgreen.report.text import duration, legible, many, moment, one_line, percent, short

_GRIDS = 2
"""Cycles whose tests are shown one by one: the last two that ran."""

_QUOTE = 2000
"""Longest piece of evidence shown at once."""


@dataclass(frozen=True)
class Share:
    """One part of a cycle's tests."""

    style: str
    words: str
    count: int
    percent: float


def render_html(loop: Loop, details: Details = Details()) -> str:  # noqa: B008 - frozen, and holds nothing
    """Return the report of a loop as one page.

    Args:
        loop: as far as it came.
        details: results for the test grid, and texts of evidence; everything may be absent.
    """
    found = threads(loop)
    anchors = {group: f"#cause-{n}" for n, thread in enumerate(found, start=1) for group in _ids(thread)}
    return _template().render(
        whole=loop,
        last=loop.cycles[-1] if loop.cycles else None,
        headline=headline(loop),
        paragraph=paragraph(loop),
        figures=figures(loop),
        # Safe: matplotlib writes it from numbers and from our own words.
        plot=Markup(plot(loop)),  # noqa: S704 - see above
        threads=found,
        anchors=anchors,
        judgements=judgements(loop, details),
        calibration=calibration(loop).records,
        fixes=fix_notes(loop, details),
        identities=identities(loop),
        rollouts=rollout_notes(loop),
        flakes=flakes(loop, details),
        most=MOST,
        grids=_grids(loop, details, anchors),
        remaining=remaining(loop),
        quote=lambda citation: _quote(citation, details),
    )


@cache
def _environment() -> Environment:
    templates = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(
        loader=templates,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "changes": changes_of,
        "cycle_notes": lambda cycle: (*effects(cycle), *cycle_notes(cycle)),
        "duration": duration,
        "kind": kind,
        "many": many,
        "moment": moment,
        "one_line": one_line,
        "open_causes": open_causes,
        "pass_rate": pass_rate,
        "percent": percent,
        "place": place,
        "shares": shares,
        "short": short,
        "took": _took,
        "word": lambda color: WORDS[color],
    }
    return environment


def _template() -> Template:
    return _environment().get_template("report.html.j2")


def _finalize(value: object) -> object:
    return value if isinstance(value, Markup) or not isinstance(value, str) else legible(value)


def shares(cycle: Cycle) -> list[Share]:
    """Return the parts of a cycle's tests, passed first; empty when nothing ran."""
    suite = cycle.suite
    if suite is None or not suite.ran or not suite.collected:
        return []
    looks = {Outcome.PASSED: ("p", "passed")} | {o: (look.style, look.words) for o, look in LOOKS.items()}
    return [
        Share(style, words, suite.count(outcome), 100 * suite.count(outcome) / suite.collected)
        for outcome, (style, words) in looks.items()
        if suite.count(outcome)
    ]


def _took(cycle: Cycle) -> str:
    span: timedelta = cycle.finished - cycle.started
    return duration(span.total_seconds())


def _ids(thread: Thread) -> set[str]:
    changes: Sequence[CauseChange] = [change for _, change in thread.changes]
    return {change.group for change in changes} | {group.id for _, group in thread.groups}


def _quote(citation: Citation, details: Details) -> str:
    return (citation.quote or details.text_of(citation.evidence) or "")[:_QUOTE]


def _grids(loop: Loop, details: Details, anchors: dict[str, str]) -> list[Grid]:
    ran = [cycle for cycle in loop.cycles if cycle.suite and cycle.suite.ran]
    grids = [grid(cycle, details, anchors) for cycle in reversed(ran[-_GRIDS:])]
    return [shown for shown in grids if shown.total]
