"""Log lines that Cloud Logging understands: one JSON object a line, on stdout."""

import json
import logging
import os
import sys
from contextvars import ContextVar
from pathlib import Path

from aiohttp import web

HERE = Path(__file__).parent

_trace = ContextVar("trace", default="")


@web.middleware
async def remember_trace(request, handler):
    """Let every line that is written for this request carry its trace."""
    parts = request.headers.get("traceparent", "").split("-")
    _trace.set(parts[1] if len(parts) == 4 else "")
    return await handler(request)


class JsonLines(logging.Formatter):
    """Severity, message, place, trace, and the traceback if there is one."""

    def format(self, record):
        line = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "logging.googleapis.com/sourceLocation": {
                "file": _relative(record.pathname),
                "line": str(record.lineno),
                "function": record.funcName,
            },
        }
        if _trace.get():
            line["logging.googleapis.com/trace"] = _full_name(_trace.get())
        if record.exc_info:
            error = record.exc_info[1]
            line["message"] += f": {type(error).__name__}: {error}"
            line["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start():
    """Send all log lines of this process to stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _full_name(trace):
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    return f"projects/{project}/traces/{trace}" if project else trace


def _relative(path):
    return str(Path(path).relative_to(HERE)) if Path(path).is_relative_to(HERE) else path
