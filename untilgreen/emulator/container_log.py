"""The log of one instance: what its container writes, and what the platform says about it."""

from __future__ import annotations

import time
from typing import Protocol

from untilgreen.emulator.logs_lines import SEVERITIES, LineSplitter, entry_of
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.probes import Probe
from untilgreen.emulator.protos import LogEntry, Message

_STDOUT, _STDERR, _SYSTEM = "stdout", "stderr", "varlog%2Fsystem"


class EntryLog(Protocol):
    """Takes log entries."""

    def add(self, *records: Message) -> None:
        """Take entries."""


class ContainerLog:
    """Writes entries in the name of one instance.

    Args:
        store: where they go.
        service: whose instance it is.
        revision: short name.
        container: its name.
        labels: the user's, and `instanceId`.
    """

    def __init__(
        self, store: EntryLog, service: ServiceName, revision: str, container: str, labels: dict[str, str]
    ) -> None:
        self._store = store
        self._service = service
        self._revision = revision
        self._container = container
        self._labels = labels | {"container_name": container}
        self._lines = {_STDOUT: LineSplitter(), _STDERR: LineSplitter()}

    def write(self, stream: str, data: bytes) -> None:
        """Take bytes that the container wrote to `stdout` or `stderr`; empty ones are the end of the stream."""
        now = time.time_ns()
        entries = [entry_of(line) for line in self._lines[stream].feed(data)]
        self._store.add(*(self._placed(entry, stream, now) for entry in entries))

    def system(self, text: str, severity: str = "INFO") -> None:
        """Say something in the platform's own log, which no container can write to."""
        entry = LogEntry(text_payload=text, severity=SEVERITIES[severity])
        self._store.add(self._placed(entry, _SYSTEM, time.time_ns()))

    def exited(self, code: int) -> None:
        """Say that the container ended, by an exit code or, below zero, by a signal."""
        if code < 0:
            self.system(f"Container terminated on signal {-code}.", "WARNING")
        else:
            self.system(f"Container called exit({code}).", "WARNING" if code else "INFO")

    def probe_passed(self, probe: Probe, port: int, attempts: int) -> None:
        """Say that the container has started."""
        times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        self.system(
            f'{probe.title} succeeded after {times} for container "{self._container}" on {_where(probe, port)}.'
        )

    def probe_failed(self, probe: Probe, port: int, number: int, status: str) -> None:
        """Say that the container did not start."""
        times = "1 time" if number == 1 else f"{number} times"
        self.system(
            f'{probe.title} failed {times} consecutively for container "{self._container}" on {_where(probe, port)}. '
            f"The instance was not started. Connection failed with status {status}.",
            "ERROR",
        )

    def liveness_failed(self, probe: Probe, port: int, number: int) -> None:
        """Say that the container is shut down because it is no longer well."""
        times = "1 time" if number == 1 else f"{number} times"
        self.system(
            f'{probe.title} failed {times} consecutively for container "{self._container}" on {_where(probe, port)}. '
            "The instance has been shut down.",
            "ERROR",
        )

    def _placed(self, entry: Message, log: str, now: int) -> Message:
        """Put name, resource, labels and time on an entry; what the app said of its own time is kept."""
        entry.log_name = f"projects/{self._service.project}/logs/run.googleapis.com%2F{log}"
        entry.resource.type = "cloud_run_revision"
        entry.resource.labels.update(self._service.resource_labels(self._revision))
        entry.labels.update(self._labels)
        if not entry.HasField("timestamp"):
            entry.timestamp.FromNanoseconds(now)
        return entry


def _where(probe: Probe, port: int) -> str:
    return f"port {port}{probe.where}"
