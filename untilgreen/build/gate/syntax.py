"""Rule `image.syntax`: every source of the context parses as the image's own Python reads it."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.build.gate.context import Context
from untilgreen.build.gate.sidefiles import is_side_file
from untilgreen.model.delivery import GateFinding
from untilgreen.ports import Diagnostic
from untilgreen.settings import FILE

RULE = "image.syntax"


def syntax(context: Context) -> Iterator[GateFinding]:
    """Report the first place of each file that does not parse, and sources that cannot be read."""
    first: dict[str, Diagnostic] = {}
    for diagnostic in sorted(context.diagnostics, key=lambda d: (d.path, d.line)):
        first.setdefault(diagnostic.path, diagnostic)
    for diagnostic in first.values():
        yield _broken(context, diagnostic)
    for path, why in sorted(context.unreadable.items()):
        if path.endswith(".py") and path in context.kept:
            message = f"{context.build.in_repository(path)} cannot be read: {why}. Mend it, or ignore it."
            yield context.finding(RULE, message, path, blocking=_runs(context, path))
    for path in sorted(context.kept.intersection(context.foreign)):
        message = f"{context.build.in_repository(path)} is not UTF-8, so its syntax was not checked. Convert it."
        yield context.finding(RULE, message, path, blocking=False)
    if not context.python.sure and any(path.endswith(".py") for path in context.kept):
        yield _unknown_version(context)


def _broken(context: Context, diagnostic: Diagnostic) -> GateFinding:
    line = _written_line(context.texts.get(diagnostic.path, ""), diagnostic.line)
    place = f"{context.build.in_repository(diagnostic.path)}:{line}"
    python = context.python
    message = (
        f"{place} does not parse under Python {python.version} ({python.source}): {diagnostic.message}. "
        f"Rewrite the line, or give the image a newer Python."
    )
    blocking = _runs(context, diagnostic.path)
    return context.finding(RULE, message, diagnostic.path, line, blocking=blocking)


def _written_line(text: str, line: int) -> int:
    """Return the last line up to there that holds anything: what ends too early is noticed after its end."""
    lines = text.splitlines()[:line]
    return next((number for number in range(len(lines), 0, -1) if lines[number - 1].strip()), line)


def _runs(context: Context, path: str) -> bool:
    started = {context.start.files.get(entry.path) for entry in context.start.entries}
    return path in started or not is_side_file(path)


def _unknown_version(context: Context) -> GateFinding:
    service = context.build.service
    message = (
        f"Nothing says which Python {service}'s image runs, so its sources were parsed as {context.python.version}. "
        f"Say it in {FILE}: services.{service}.python."
    )
    return context.finding(RULE, message, blocking=False)
