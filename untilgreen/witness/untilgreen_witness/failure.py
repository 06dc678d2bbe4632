"""Describes why a test did not pass, as its own process saw it."""

from __future__ import annotations

import linecache
import os
import traceback
from typing import Any

from .order import ORDER, clip


def in_brief(*_: Any, **__: Any) -> str:
    """Describe a failure that nobody reads: showing a traceback costs more than most tests."""
    return "failed"


def failure_of(report: Any, info: Any) -> dict[str, Any]:
    """Describe why a phase did not pass."""
    if ORDER.get("brief") and info is not None:
        return {"phase": report.when, "exception": type(info.value).__name__, "message": "", "frames": [], "text": ""}
    sections = "".join(f"\n----- {name} -----\n{text}" for name, text in report.sections)
    text = clip(report.longreprtext + sections)
    if info is None:
        return {
            "phase": report.when,
            "exception": "Failed",
            "message": text.split("\n")[0][:2000],
            "frames": [],
            "text": text,
        }
    cause = root_cause(info.value)
    return {
        "phase": report.when,
        "exception": type(cause).__name__,
        "message": first_line(cause),
        "frames": user_frames(info),
        "text": text,
    }


def root_cause(error: BaseException) -> BaseException:
    """Follow the explicit `raise ... from` chain, and groups of one, to the start."""
    for _ in range(50):
        inner = getattr(error, "exceptions", None)
        if error.__cause__ is not None:
            error = error.__cause__
        elif isinstance(inner, tuple) and len(inner) == 1:
            error = inner[0]
        else:
            break
    return error


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's text."""
    try:
        return clip((str(error).strip().splitlines() or [""])[0][:2000])
    except Exception:  # noqa: BLE001 - the user's own __str__ may raise anything
        return "(its text cannot be read)"


def user_frames(info: Any) -> list[dict[str, Any]]:
    """Return the frames that lie in the checkout and in no installed package."""
    root = ORDER["root"] + os.sep
    frames = []
    for frame, line in traceback.walk_tb(info.tb):
        path = frame.f_code.co_filename
        if path.startswith(root) and "site-packages" not in path:
            source = linecache.getline(path, line).strip()
            frames.append(
                {"path": path[len(root) :], "line": line, "function": frame.f_code.co_name, "source": source[:400]}
            )
    return frames[-30:]


def skip_reason(report: Any) -> str:
    """Return why a test was skipped."""
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) and len(longrepr) == 3 else report.longreprtext  # noqa: PLR2004 - path, line, reason
    return clip(str(text))[:2000].replace("Skipped: ", "", 1)
