"""Templates of log lines: what a million lines say, when what varies is left out, and in how many tests.

DuckDB sketches each line by regular expressions that are rough and fast; the exact masks then see one line of each
sketch. A sketch never joins what the masks keep apart by a status, a close code or the words around a value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from untilgreen.collect.bundle import Bundle
from untilgreen.collect.rows import Rows
from untilgreen.model.evidence import Case, Entry
from untilgreen.triage.masking import mask

VARYING = r"[\w.+-]+@[\w.-]+|\b[0-9a-fA-F]*\d[\w.:%~-]*"
"""Whatever holds a digit, and addresses of people. Without captures and look-arounds, which cost ten times as much."""

CODES = (
    r"(?i)(?:status(?:[_ ]?code)?|http/\d(?:\.\d)?|code|assert|answered|got|received|returned|response"
    r"|==|!=|->)[\s:='\x22(\[]{0,3}\d{1,4}\b|\b(?:with|sent|closed|error|http)\s(?:[45]\d\d|10[01]\d)\b"
    r"|\b[1-5]\d\d (?-i:[A-Z][a-z]|OK\b)"
)
"""What the masks never hide."""

_NUMBERED = re.compile(r"<([a-z]+)\d+>")
_LENGTH = 1_000
"""Characters of a line that name it: what follows is a dump."""


@dataclass(frozen=True, slots=True)
class LineTemplate:
    """Log lines that say the same.

    Args:
        service: who logs them.
        text: what they say, masked.
        entries: how many there are.
        failing: in how many failing tests.
        passing: in how many passing ones.
    """

    service: str
    text: str
    entries: int
    failing: int
    passing: int


def templates(bundle: Bundle) -> tuple[LineTemplate, ...]:
    """Return the templates of all log lines of a bundle, the most frequent first."""
    cases = [case for case in bundle.find(Case) if case.trace]
    bad = {number: case.outcome.bad for number, case in enumerate(cases)}
    traces = {case.trace: number for number, case in enumerate(cases)}
    entries: dict[tuple[str, str], int] = defaultdict(int)
    tests: dict[tuple[str, str], set[int]] = defaultdict(set)
    rows = bundle.rows(Entry)
    for service, line, count, numbers in _sketched(rows, traces) if rows else _plain(bundle, traces):
        key = service, template_of(line)
        entries[key] += count
        tests[key].update(numbers)
    found = [
        LineTemplate(service, text, count, *_split(tests[service, text], bad))
        for (service, text), count in entries.items()
    ]
    return tuple(sorted(found, key=lambda t: (-t.entries, t.service, t.text)))


def template_of(line: str) -> str:
    """Return the template of a line: its first line, masked.

    Values have no numbers here: that two of them are equal by chance makes no other template.
    """
    return _NUMBERED.sub(r"<\1>", mask(line[:_LENGTH].split("\n", 1)[0]))


def _split(numbers: Iterable[int], bad: dict[int, bool]) -> tuple[int, int]:
    failing = sum(bad[number] for number in numbers)
    return failing, len(set(numbers)) - failing


def _sketched(rows: Rows[Any], traces: dict[str, int]) -> Iterator[tuple[str, str, int, list[int]]]:
    """Go through sketches: service, one line of it, how many lines, and the numbers of their tests."""
    query = f"""
        WITH tests AS (SELECT unnest(?) AS trace, unnest(?) AS number),
        lines AS (SELECT service, trace, split_part(left(message, {_LENGTH}), chr(10), 1) AS line FROM {rows.source})
        SELECT service, min(line), count(*), list(DISTINCT number) FILTER (number IS NOT NULL)
        FROM lines LEFT JOIN tests USING (trace)
        GROUP BY service, {sketch("line")}"""  # noqa: S608 - patterns and a path of our own; no text of a log is in it
    for service, line, count, numbers in rows.ask(query, [list(traces), list(traces.values())]).fetchall():
        yield service, line, count, numbers or []


def sketch(column: str) -> str:
    """Return two SQL expressions that together are equal for lines of one template, and mostly only for those."""
    varying, codes = (pattern.replace("'", "''") for pattern in (VARYING, CODES))
    return f"regexp_replace({column}, '{varying}', '<>', 'g'), regexp_extract_all({column}, '{codes}')"


def _plain(bundle: Bundle, traces: dict[str, int]) -> Iterator[tuple[str, str, int, list[int]]]:
    for entry in bundle.find(Entry):
        number = traces.get(entry.trace)
        yield entry.service, entry.message, 1, [] if number is None else [number]
