"""Log lines as JSON, with their place and the trace of the request that they belong to."""

import json
import logging
import os
import sys
from contextvars import ContextVar

traceparent = ContextVar("traceparent", default="")
PROJECT = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
PREFIX = f"projects/{PROJECT}/traces/" if PROJECT else ""


class Lines(logging.Formatter):
    def format(self, record):
        line = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "logging.googleapis.com/sourceLocation": {
                "file": record.filename,
                "line": str(record.lineno),
                "function": record.funcName,
            },
        }
        parts = traceparent.get().split("-")
        if len(parts) == 4:
            line["logging.googleapis.com/trace"] = PREFIX + parts[1]
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def start():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
