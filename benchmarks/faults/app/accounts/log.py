"""Log lines as JSON, with the trace of the request that they belong to."""

import json
import logging
import os
import sys
import threading

trace = threading.local()
PROJECT = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
PREFIX = f"projects/{PROJECT}/traces/" if PROJECT else ""


class Lines(logging.Formatter):
    def format(self, record):
        line = {"severity": record.levelname, "message": record.getMessage(), "logger": record.name}
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        if getattr(trace, "value", ""):
            line["logging.googleapis.com/trace"] = PREFIX + trace.value
        return json.dumps(line)


def start():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
