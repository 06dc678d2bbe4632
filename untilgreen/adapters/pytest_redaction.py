"""Takes secrets out of the files that a run of tests leaves behind.

The tests and the witness write while they run, and neither knows a secret from another word. So their files are gone
through as soon as the run has ended, however it ended, and before anybody reads them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from untilgreen.ports import Redaction

NAMES = frozenset({"id", "ids", "event", "client", "method", "host", "trace", "principal"})
"""Fields of an event that are names: what only looks like a credential in them is one test's parameter."""
_WORDS = frozenset({"passed", "failed", "skipped", "teardown"})
"""pytest's own, in every event."""
_SHORT = 6
"""Characters below which no text holds a secret."""


def scrub_files(folder: Path, events: str, redaction: Redaction, clean: frozenset[str] = frozenset()) -> None:
    """Go through all files of a run.

    Args:
        folder: where the run wrote.
        events: name of the file that holds one JSON document a line; it keeps its form.
        redaction: knows what to take out.
        clean: names of files that nothing was written into that had not been gone through.
    """
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and file.name not in clean:
            before = file.read_bytes().decode("utf-8", "surrogateescape")
            after = _lines(before, redaction) if file.name == events else _text(before, redaction)
            if after != before:
                _replace(file, after)


def scrub_event(event: Mapping[str, Any], redaction: Redaction) -> dict[str, Any]:
    """Return an event of the witness without secrets."""
    return {key: _value(item, redaction, name=key in NAMES) for key, item in event.items()}


def _text(text: str, redaction: Redaction) -> str:
    return redaction.mask(text) if "\0" in text else redaction.scrub(text)


def _lines(text: str, redaction: Redaction) -> str:
    return "\n".join(_line(line, redaction) for line in text.split("\n"))


def _line(line: str, redaction: Redaction) -> str:
    try:
        event = json.loads(line)
    except ValueError:
        return redaction.mask(line)
    clean = _value(event, redaction, name=False)
    return line if clean == event else json.dumps(clean)


def _value(value: Any, redaction: Redaction, *, name: bool) -> Any:
    if isinstance(value, str):
        if len(value) < _SHORT or value in _WORDS:
            return value
        return redaction.mask(value) if name else redaction.scrub(value)
    if isinstance(value, list):
        return [_value(item, redaction, name=name) for item in value]
    if isinstance(value, dict):
        return {key: _value(item, redaction, name=key in NAMES) for key, item in value.items()}
    return value


def _replace(file: Path, text: str) -> None:
    """Write the whole file or none of it; where nothing can be written, what holds a secret goes."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(text.encode("utf-8", "surrogateescape"))
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        file.unlink(missing_ok=True)
