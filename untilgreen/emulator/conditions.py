"""What Cloud Run says about services and revisions: conditions, with Google's reasons and texts."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from untilgreen.emulator.protos import (
    CommonReason,
    Condition,
    ConditionSeverity,
    ConditionState,
    Message,
    RevisionReason,
)

READY = "Ready"
CONTAINER_HEALTHY = "ContainerHealthy"
CONTAINER_READY = "ContainerReady"
RESOURCES_AVAILABLE = "ResourcesAvailable"
SECRETS_ACCESS = "SecretsAccess"
ROUTES_READY = "RoutesReady"
CONFIGURATIONS_READY = "ConfigurationsReady"

_TROUBLESHOOTING = "https://cloud.google.com/run/docs/troubleshooting#container-failed-to-start"
_MORE_IN_LOGS = "Logs for this revision might contain more information."


class RevisionFailed(Exception):
    """A revision will never be ready.

    Args:
        message: Google's text, without the sentence that names the revision.
        condition: which condition of the revision failed.
        reason: the common reason, if it has one.
        revision_reason: the revision's reason, if it has one.
        code: what the operation ends with.
        ended: whether its container ended by itself, before any probe was lost.
    """

    def __init__(
        self,
        message: str,
        condition: str,
        reason: int = 0,
        revision_reason: int = 0,
        code: grpc.StatusCode = grpc.StatusCode.FAILED_PRECONDITION,
        *,
        ended: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.condition = condition
        self.reason = reason
        self.revision_reason = revision_reason
        self.code = code
        self.ended = ended


@dataclass(frozen=True)
class Failure:
    """Why a service is not ready, as its conditions and its operation say it."""

    message: str
    reason: int
    revision_reason: int
    code: int


GIVEN_UP = Failure("The rollout was given up.", 0, 0, grpc.StatusCode.CANCELLED.value[0])


def reconciling(kind: str) -> Message:
    """Return a condition that is still being decided."""
    return _condition(kind, ConditionState.CONDITION_RECONCILING)


def succeeded(kind: str) -> Message:
    """Return a condition that holds."""
    return _condition(kind, ConditionState.CONDITION_SUCCEEDED)


def failed(kind: str, message: str, reason: int = 0, revision_reason: int = 0) -> Message:
    """Return a condition that does not hold, and why."""
    condition = _condition(kind, ConditionState.CONDITION_FAILED)
    condition.message = message
    condition.severity = int(ConditionSeverity.ERROR)
    # The two reasons share a oneof: the revision's own is the more precise one.
    if revision_reason:
        condition.revision_reason = int(revision_reason)
    elif reason:
        condition.reason = int(reason)
    return condition


def service_failure(revision: str, cause: RevisionFailed) -> Failure:
    """Return what a service says when its newest revision failed."""
    message = f"Revision '{revision}' is not ready and cannot serve traffic. {cause.message}"
    reason = 0 if cause.revision_reason else cause.reason or int(CommonReason.REVISION_FAILED)
    return Failure(message, reason, cause.revision_reason, cause.code.value[0])


def never_listened(port: int, logs: str, *, ended: bool = False) -> RevisionFailed:
    """Return the failure of a container that ended, or that nobody could connect to."""
    return _unhealthy(
        f"The user-provided container failed to start and listen on the port defined provided by the PORT={port} "
        "environment variable within the allocated timeout. This can happen when the container port is "
        "misconfigured or if the timeout is too short. The health check timeout can be extended. "
        f"{_MORE_IN_LOGS}",
        logs,
        ended=ended,
    )


def probe_failed(logs: str) -> RevisionFailed:
    """Return the failure of a container that listens but does not pass its own startup probe."""
    return _unhealthy(f"The user-provided container failed the configured startup probe checks. {_MORE_IN_LOGS}", logs)


def image_missing(image: str) -> RevisionFailed:
    """Return the failure of a revision whose image is in no registry."""
    return RevisionFailed(
        f"Image '{image}' not found.",
        CONTAINER_READY,
        reason=int(CommonReason.CONTAINER_MISSING),
        code=grpc.StatusCode.NOT_FOUND,
    )


def secrets_denied(problems: list[str]) -> RevisionFailed:
    """Return the failure of a revision that may not read its secrets, one line for each."""
    return RevisionFailed("\n".join(problems), SECRETS_ACCESS, reason=int(CommonReason.SECRETS_ACCESS_CHECK_FAILED))


def route_missing(revision: str) -> Failure:
    """Return what a service says when its traffic names a revision that does not exist."""
    message = (
        f"Revision '{revision}' does not exist or is deleted. "
        "Update all traffic to route to currently available revisions."
    )
    return Failure(message, int(CommonReason.REVISION_FAILED), 0, grpc.StatusCode.INTERNAL.value[0])


def _unhealthy(text: str, logs: str, *, ended: bool = False) -> RevisionFailed:
    return RevisionFailed(
        f"{text}\n\nLogs URL: {logs}\nFor more troubleshooting guidance, see {_TROUBLESHOOTING}",
        CONTAINER_HEALTHY,
        revision_reason=int(RevisionReason.HEALTH_CHECK_CONTAINER_ERROR),
        ended=ended,
    )


def _condition(kind: str, state: int) -> Message:
    condition = Condition(type_=kind, state=int(state))
    condition.last_transition_time.GetCurrentTime()
    return condition
