"""What `untilgreen compare` and the log say of a retrospect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from untilgreen.compare.ages import known
from untilgreen.compare.matching import match
from untilgreen.model.retrospect import CausePast, Jump, Retrospect, Sight, SystemHealth, Value, ValueLine

SCHEMA = "untilgreen.compare/1"
_NO_MONEY = "value: the settings name no money (`value.features`)"


def lines(told: Retrospect) -> Iterator[str]:
    """Yield what changed beyond the loop, in a few lines."""
    for jump in told.jumps:
        yield jump_line(jump)
    if told.value:
        yield value_line(told.value)
    if told.health:
        yield health_line(told.health)
    yield from told.notes


def table(told: Retrospect, there: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield causes, findings, value and health for a person.

    Args:
        told: of one cycle.
        there: group -> its course in another loop; adds a column.
    """
    yield f"{'course':<11} {'tests':>11}  {'age':>3}  first seen"
    if not told.causes:
        yield "no cause is open, and none was resolved in this cycle"
    for row in told.causes:
        now = "?" if row.now is None else f"{row.now}"
        yield f"{row.course:<11} {row.before:>4} -> {now:>3}  {row.age:>3}  {_where(row.first_seen)}"
        yield f"    {_flat(row.key)}"
        if row.note or row.recurrences:
            back = f"came back {row.recurrences} times" if row.recurrences > 1 else ""
            yield f"    {_flat('; '.join(filter(None, (row.note, back))))}"
        if there is not None:
            yield f"    there: {there.get(row.group, 'not known')}"
    yield from ("finding: " + jump_line(jump) for jump in told.jumps)
    yield from _money(told.value)
    yield health_line(told.health) if told.health else "health: not observed"
    yield from (f"note: {note}" for note in told.notes)


def _money(value: Value | None) -> Iterator[str]:
    if value is None:
        yield _NO_MONEY
        return
    yield value_line(value)
    yield from (feature_line(line, value.currency) for line in value.lines)


def document(told: Retrospect, seen: Sight, other: tuple[Retrospect, Sight] | None = None) -> dict[str, Any]:
    """Return the same for a program; docs/reference/compare.schema.json is its schema."""
    return {
        "schema": SCHEMA,
        "seen": seen.model_dump(mode="json"),
        "retrospect": told.model_dump(mode="json"),
        "at_risk": told.at_risk,
        "recovered": told.recovered,
        "other": other[1].model_dump(mode="json") if other else None,
        "courses_there": pairs(told.causes, other[0]) if other else None,
    }


def schema() -> dict[str, Any]:
    """Return the schema of `untilgreen compare --json`."""
    made = Retrospect.model_json_schema()
    parts = {**made.pop("$defs"), "Retrospect": made}
    where = {"anyOf": [{"$ref": "#/$defs/Sight"}, {"type": "null"}]}
    money = {"type": ["number", "null"], "description": "Per month; null without money in the settings."}
    courses = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
    fields = {
        "schema": {"const": SCHEMA},
        "seen": {"$ref": "#/$defs/Sight"},
        "retrospect": {"$ref": "#/$defs/Retrospect"},
        "at_risk": money,
        "recovered": money,
        "other": {**where, "description": "The cycle of `--with`."},
        "courses_there": {**courses, "description": "Group -> its course in the loop of `--with`."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "untilgreen compare --json",
        "type": "object",
        "required": list(fields),
        "additionalProperties": False,
        "properties": fields,
        "$defs": parts,
    }


def pairs(causes: Sequence[CausePast], other: Retrospect) -> dict[str, str]:
    """Return group -> its course in another cycle, for the causes that are known there."""
    there = {row.group: row for row in (*other.causes, *other.closed)}
    if not causes:
        return {}
    here = causes[0].last_seen
    found = match([known(row, here) for row in there.values()], [known(row, here) for row in causes])
    return {group: there[cause.group].course.value for group, cause in found.items()}


def jump_line(jump: Jump) -> str:
    """Say one finding."""
    what = f"{jump.rule} {_flat(jump.subject)}".rstrip()
    return f"{what}: {jump.before:g} -> {jump.now:g} {jump.unit}: {jump.meaning}"


def value_line(value: Value) -> str:
    """Say the money in one line."""
    return (
        f"value: {value.credited:,.2f} {value.currency} a month proven, {value.at_risk:,.2f} at risk, "
        f"{value.recovered:,.2f} recovered in this loop"
    )


def feature_line(line: ValueLine, currency: str) -> str:
    """Say one feature's money."""
    note = f"; {line.note}" if line.note else ""
    return (
        f"    {line.feature}: {line.proven} of {line.tests} tests proven, {line.failed} failed: "
        f"{line.credited:,.2f} {currency} credited, {line.debited:,.2f} debited, {line.unobserved:,.2f} unobserved, "
        f"by cycle {line.seen.cycle} at {line.seen.commit[:12]}{note}"
    )


def health_line(health: SystemHealth) -> str:
    """Say the figure and why."""
    figure = "none" if health.figure is None else f"{health.figure:.1f} of 100"
    return f"health: {figure} ({health.reason})"


def _where(seen: Sight) -> str:
    return f"{seen.commit[:12]}, cycle {seen.cycle} of {seen.loop}, {seen.at:%Y-%m-%d %H:%M}"


def _flat(text: str) -> str:
    """Return text from logs on one line, without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:300]
