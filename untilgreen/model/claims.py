"""What an analysis may claim. Prose is shown; only claims are judged.

Each claim has a `subject`: what it is about in one line, by which fixes and earlier cycles refer to it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from untilgreen.model.claims_delivered import (
    ConfigMismatch,
    FileExcluded,
    SecretApart,
    SecretMissing,
    SettingChanged,
    StartupFailed,
)
from untilgreen.model.document import Document

__all__ = [
    "AuthRejected",
    "Claim",
    "CodeDefect",
    "ConfigMismatch",
    "ContractBroken",
    "DefectiveTest",
    "DependencyUnreachable",
    "EndpointMissing",
    "ErrorRaised",
    "FileExcluded",
    "Flaky",
    "FrontRefused",
    "HttpFailure",
    "RegressedBy",
    "ResourceExhausted",
    "SecretApart",
    "SecretMissing",
    "ServiceDown",
    "SettingChanged",
    "SocketClosed",
    "StartupFailed",
    "TimedOut",
    "Unknown",
]


class ErrorRaised(Document):
    """A service logged this exception."""

    type: Literal["error_raised"] = "error_raised"
    service: str
    exception: str

    @property
    def subject(self) -> str:
        """Return service and exception."""
        return f"{self.service} {self.exception}"


class HttpFailure(Document):
    """A request was answered with this status."""

    type: Literal["http_failure"] = "http_failure"
    service: str
    method: str
    path: str
    """With `{}` for the parts that vary."""
    status: int

    @property
    def subject(self) -> str:
        """Return service, method, path and status."""
        return f"{self.service} {self.method} {self.path} {self.status}"


class SocketClosed(Document):
    """A WebSocket was closed with this code."""

    type: Literal["socket_closed"] = "socket_closed"
    service: str
    path: str
    close_code: int

    @property
    def subject(self) -> str:
        """Return service, path and close code."""
        return f"{self.service} WS {self.path} {self.close_code}"


class EndpointMissing(Document):
    """The service has no such route."""

    type: Literal["endpoint_missing"] = "endpoint_missing"
    service: str
    method: str
    path: str

    @property
    def subject(self) -> str:
        """Return service, method and path."""
        return f"{self.service} {self.method} {self.path}"


class AuthRejected(Document):
    """A service refused a caller it should have accepted."""

    type: Literal["auth_rejected"] = "auth_rejected"
    service: str
    path: str
    status: int = 403

    @property
    def subject(self) -> str:
        """Return service, path and status."""
        return f"{self.service} {self.path} {self.status}"


class ServiceDown(Document):
    """Nothing that works answered for this service."""

    type: Literal["service_down"] = "service_down"
    service: str

    @property
    def subject(self) -> str:
        """Return the service."""
        return self.service


class ResourceExhausted(Document):
    """A limit was hit, and that blocked an operation."""

    type: Literal["resource_exhausted"] = "resource_exhausted"
    service: str
    resource: Literal["memory", "cpu", "instances", "disk", "connections", "quota"]
    blocked: Literal["request", "build", "deploy", "test"]

    @property
    def subject(self) -> str:
        """Return service and resource."""
        return f"{self.service} {self.resource}"


class DependencyUnreachable(Document):
    """A service could not reach what it calls."""

    type: Literal["dependency_unreachable"] = "dependency_unreachable"
    service: str
    callee: str

    @property
    def subject(self) -> str:
        """Return caller and callee."""
        return f"{self.service} {self.callee}"


class ContractBroken(Document):
    """A consumer reads a field that its producer no longer sends as it did."""

    type: Literal["contract_broken"] = "contract_broken"
    producer: str
    consumer: str
    field: str
    """The bare name, as the consumer reads it."""

    @property
    def subject(self) -> str:
        """Return producer, consumer and field."""
        return f"{self.producer} {self.consumer} {self.field}"


class FrontRefused(Document):
    """The platform's front end answered; the request never reached the application."""

    type: Literal["front_refused"] = "front_refused"
    service: str
    path: str
    status: int

    @property
    def subject(self) -> str:
        """Return service, path and status."""
        return f"{self.service} {self.path} {self.status}"


class TimedOut(Document):
    """An operation took at least its limit."""

    type: Literal["timed_out"] = "timed_out"
    service: str
    path: str
    limit_s: float

    @property
    def subject(self) -> str:
        """Return service and path."""
        return f"{self.service} {self.path}"


class Flaky(Document):
    """The same test on the same revision passed and failed."""

    type: Literal["flaky"] = "flaky"
    nodeid: str

    @property
    def subject(self) -> str:
        """Return the test."""
        return self.nodeid


class RegressedBy(Document):
    """A change, made after the last good commit, brought it."""

    type: Literal["regressed_by"] = "regressed_by"
    commit: str
    path: str

    @property
    def subject(self) -> str:
        """Return the path; the commit differs from repository to repository."""
        return self.path


class CodeDefect(Document):
    """This line is wrong."""

    type: Literal["code_defect"] = "code_defect"
    path: str
    line: int
    symbol: str
    canonical: str = ""
    """The function that sibling call sites use and this line bypasses."""
    siblings: tuple[str, ...] = ()
    """Other `path:line` with the same defect: the whole class."""

    @property
    def subject(self) -> str:
        """Return path and symbol; the line moves."""
        return f"{self.path} {self.symbol}"


class DefectiveTest(Document):
    """The test, not the product, is wrong. Weak: a human decides."""

    type: Literal["test_defect"] = "test_defect"
    nodeid: str
    reason: str
    specification: str = ""
    """`path:line` of what it contradicts, in the tested commit; without one it is an opinion."""

    @property
    def subject(self) -> str:
        """Return the test."""
        return self.nodeid


class Unknown(Document):
    """The evidence stops here; this is what would decide."""

    type: Literal["unknown"] = "unknown"
    missing: tuple[str, ...]

    @property
    def subject(self) -> str:
        """Return what is missing."""
        return "; ".join(self.missing)


Claim = Annotated[
    ErrorRaised
    | HttpFailure
    | SocketClosed
    | EndpointMissing
    | AuthRejected
    | ServiceDown
    | StartupFailed
    | ResourceExhausted
    | SecretMissing
    | ConfigMismatch
    | DependencyUnreachable
    | TimedOut
    | ContractBroken
    | FrontRefused
    | SettingChanged
    | SecretApart
    | Flaky
    | RegressedBy
    | CodeDefect
    | FileExcluded
    | DefectiveTest
    | Unknown,
    Field(discriminator="type"),
]
