"""The one picture: how the pass rate and the number of open causes went over the cycles."""

from __future__ import annotations

import io
import re
from typing import Any

from untilgreen.model.cycle import Loop
from untilgreen.report.story import open_causes
from untilgreen.report.summary import pass_rate
from untilgreen.report.text import percent

_INK = "#7f7f7f"
"""Becomes the page's own text colour, so that the picture is read in light and in dark."""
_RATE = "#3f9463"
_CAUSES = "#b8792f"
_WIDTH, _HEIGHT = 5.4, 3.1
"""Inches. Narrow, so that a phone shrinks the letters little."""
_ROOM = 8
"""Cycles whose figures fit beside one another."""

_STYLE: Any = {
    "svg.hashsalt": "untilgreen",
    "svg.fonttype": "none",
    "font.size": 11,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.color": _INK,
}


def plot(loop: Loop) -> str:
    """Return an inline SVG; empty when no cycle ended. The same loop gives the same bytes."""
    if not loop.cycles:
        return ""
    from matplotlib import rc_context  # noqa: PLC0415 - matplotlib takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _rates(upper, loop)
        _causes(lower, loop)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(out.getvalue())


def _rates(axes: Any, loop: Loop) -> None:
    """Draw the pass rate; a cycle without one leaves a gap, since unobserved is not zero."""
    points = [(cycle.number, rate) for cycle in loop.cycles if (rate := pass_rate(cycle)) is not None]
    numbers = [cycle.number for cycle in loop.cycles]
    rates = dict(points)
    axes.plot(numbers, [rates.get(number, float("nan")) for number in numbers], color=_RATE, linewidth=2)
    axes.plot(list(rates), list(rates.values()), "o", color=_RATE, markersize=5)
    low = min([0.9, *rates.values()])
    low -= (1 - low) * 0.45
    axes.set_ylim(low, 1 + (1 - low) * 0.3)
    for number in _labelled(loop):
        rising = rates.get(number + 1, 0) > rates.get(number, 1)
        _label(axes, number, rates.get(number, low), percent(rates.get(number)), below=rising)
    _bare(axes, "Pass rate")


def _causes(axes: Any, loop: Loop) -> None:
    counts = {cycle.number: open_causes(cycle) for cycle in loop.cycles}
    axes.bar(list(counts), [count or 0 for count in counts.values()], width=0.32, color=_CAUSES)
    axes.set_ylim(0, max(count or 0 for count in counts.values()) * 1.45 + 0.5)
    for number in _labelled(loop):
        count = counts[number]
        _label(axes, number, count or 0, "not known" if count is None else str(count))
    word = "cycle " if len(counts) <= _ROOM else ""
    axes.set_xticks(list(counts), [f"{word}{number}" for number in counts])
    axes.set_xlim(min(counts) - 0.5, max(counts) + 0.5)
    _bare(axes, "Open causes")


def _labelled(loop: Loop) -> list[int]:
    """Return the cycles whose figures are written out: all where there is room, else the first and the last."""
    numbers = [cycle.number for cycle in loop.cycles]
    return numbers if len(numbers) <= _ROOM else [numbers[0], numbers[-1]]


def _label(axes: Any, number: int, height: float, text: str, *, below: bool = False) -> None:
    """Write a figure beside its point, on the side where no line leaves it."""
    axes.annotate(text, (number, height), (0, -15 if below else 6), textcoords="offset points", ha="center")


def _bare(axes: Any, title: str) -> None:
    """Leave out what the labels already say."""
    axes.set_title(title, loc="left", fontsize=11, pad=6)
    axes.set_yticks([])
    axes.tick_params(length=0)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_alpha(0.5)


def _inline(svg: str) -> str:
    """Make the file a part of a page: no prolog, no ids of its own, the page's colour and letters."""
    body = svg[svg.index("<svg") :].strip()
    body = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img" aria-labelledby="plot-title">', body
    )
    for unwanted in (
        r"<metadata>.*?</metadata>\s*",
        r"<style.*?</style>\s*",
        r' id="[a-z2.]+_\d+"',
        r" font-family: [^;]*;",
    ):
        body = re.sub(unwanted, "", body, flags=re.DOTALL)
    title = '<title id="plot-title">Pass rate and number of open causes in each cycle</title>'
    return body.replace(_INK, "currentColor").replace(">", f">{title}", 1)
