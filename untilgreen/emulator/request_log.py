"""The platform's own record of each request: `run.googleapis.com%2Frequests`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from untilgreen.emulator.http1 import Head
from untilgreen.emulator.logs_lines import SEVERITIES
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.protos import LogEntry, Message
from untilgreen.emulator.trace_context import Trace

_WARNING, _ERROR = 400, 500


@dataclass(slots=True)
class RequestRecord:
    """One request, from its first byte to its end.

    Args:
        service: whose it is.
        head: as it came.
        trace: what it belongs to.
        remote: the client's address.
    """

    service: ServiceName
    head: Head
    trace: Trace
    remote: str
    started: int = field(default_factory=time.time_ns)
    clock: float = field(default_factory=time.perf_counter)
    latency: float = 0.0
    status: int = 0
    request_size: int = 0
    response_size: int = 0
    revision: str = ""
    instance: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    text: str = ""

    def finish(self) -> None:
        """Stop the clock."""
        self.latency = time.perf_counter() - self.clock

    def entry(self) -> Message:
        """Return the log entry."""
        entry = LogEntry(
            log_name=f"projects/{self.service.project}/logs/run.googleapis.com%2Frequests",
            trace=f"projects/{self.service.project}/traces/{self.trace.id}",
            span_id=self.trace.span,
            trace_sampled=self.trace.sampled,
            severity=_severity(self.status),
            text_payload=self.text or None,
            labels=self.labels | ({"instanceId": self.instance} if self.instance else {}),
        )
        entry.resource.type = "cloud_run_revision"
        entry.resource.labels.update(self.service.resource_labels(self.revision))
        entry.timestamp.FromNanoseconds(self.started)
        self._describe(entry.http_request)
        return entry

    def _describe(self, request: Message) -> None:
        method, target, version = (part.decode("latin-1") for part in self.head.start)
        fields = self.head.fields
        host = fields.get(b"host", b"").decode("latin-1")
        request.request_method = method
        request.request_url = target if "://" in target else f"http://{host}{target}"
        request.protocol = version
        request.status = self.status
        request.request_size = self.head.size + self.request_size
        request.response_size = self.response_size
        request.user_agent = fields.get(b"user-agent", b"").decode("latin-1")
        request.referer = fields.get(b"referer", b"").decode("latin-1")
        request.remote_ip = self.remote
        request.latency.FromNanoseconds(int(self.latency * 1e9))


def _severity(status: int) -> int:
    if status >= _ERROR:
        return SEVERITIES["ERROR"]
    return SEVERITIES["WARNING" if status >= _WARNING else "INFO"]
