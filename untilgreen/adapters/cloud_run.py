"""Cloud Run through its Admin API v2. The emulator is reached by the same calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NoReturn

from google.api_core import exceptions
from google.cloud import run_v2
from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport

from untilgreen.adapters.cloud_run_documents import (
    failed_condition,
    fill_service,
    ready_condition,
    revision_state,
    service_state,
    short_name,
    why,
)
from untilgreen.adapters.google_connection import TRANSIENT, connect, patient
from untilgreen.errors import CloudUnavailable, RolloutFailed
from untilgreen.model.delivery import RevisionState, ServiceState, Template

CONFLICTS = 5
"""How often a service that somebody else changes at the same moment is read and written again."""

_ROLLOUT_S = 300.0
"""What the platform may take besides starting the container: pulling the image, moving the traffic."""


class CloudRunServices:
    """Services and revisions of one project and region.

    Args:
        project: Google Cloud project id.
        region: for example `europe-west1`.
        endpoint: host:port of an emulator; empty for Google Cloud.
        patience_s: how long transient faults are ridden out, for each call.
    """

    def __init__(self, project: str, region: str, endpoint: str = "", patience_s: float = 60) -> None:
        self._parent = f"projects/{project}/locations/{region}"
        self._services = connect(run_v2.ServicesClient, ServicesGrpcTransport, endpoint)
        self._revisions = connect(run_v2.RevisionsClient, RevisionsGrpcTransport, endpoint)
        self._retry = patient(patience_s)

    def get(self, service: str) -> ServiceState | None:
        """Return the service, or None when there is none of that name.

        Raises:
            CloudUnavailable: a transient fault, after retries.
            RolloutFailed: it may not be read.
        """
        found = self._read(service)
        return service_state(found) if found is not None else None

    def revision(self, service: str, name: str) -> RevisionState | None:
        """Return a revision, or None.

        Raises:
            CloudUnavailable: a transient fault, after retries.
            RolloutFailed: it may not be read.
        """
        found = self._read_revision(service, name)
        return revision_state(found) if found is not None else None

    def apply(self, template: Template, revision: str) -> ServiceState:
        """Create or update a service and wait until the platform has decided.

        All traffic goes to the latest revision afterwards: a pin from an earlier rollback would otherwise stay, and
        the tests would hit old code. The same call repeated finds its revision and waits for it.

        Args:
            template: what the revision is made of; what it does not name stays as it is.
            revision: the new revision's name, never used before with another template.

        Returns:
            The state after the decision, ready or not. Still `reconciling` means that there was none in time.

        Raises:
            CloudUnavailable: a transient fault, after retries.
            RolloutFailed: the platform refuses the request itself.
        """
        for _ in range(CONFLICTS):
            current = self._read(template.service)
            if current is not None and short_name(current.latest_created_revision) == revision:
                return self._decided(template, revision, None)
            operation = self._write(current, template, revision)
            if operation is not None:
                return self._decided(template, revision, operation)
        raise CloudUnavailable(f"{template.service}: it was changed by somebody else {CONFLICTS} times in a row.")

    def _write(self, current: Any, template: Template, revision: str) -> Any:
        """Send what was read with what is wanted in it; return None when somebody came between, as its etag tells."""
        wanted = fill_service(current or run_v2.Service(), template, revision)
        try:
            if current is not None:
                return self._services.update_service(service=wanted, retry=self._retry)
            request = {"parent": self._parent, "service": wanted, "service_id": template.service}
            return self._services.create_service(request=request, retry=self._retry)
        except exceptions.Aborted:
            return None
        except exceptions.AlreadyExists as error:
            if current is None:
                return None
            _refused(template.service, error)
        except exceptions.GoogleAPICallError as error:
            _refused(template.service, error)
        except exceptions.RetryError as error:
            _unavailable(template.service, error)

    def _decided(self, template: Template, revision: str, operation: Any) -> ServiceState:
        """Wait for the platform's decision; its conditions decide, never the operation's error code."""
        found = None
        for _ in _pauses(template.startup_seconds + _ROLLOUT_S):
            finished = operation is not None and self._finished(operation)
            found = self._read(template.service)
            if found is not None and (finished or _settled(found)):
                break
            if found is not None and self._revision_failed(template.service, revision):
                break
        if found is None:
            raise RolloutFailed(f"{template.service}: the platform took the request and shows no service. Look at it.")
        return self._explained(service_state(found), revision)

    def _finished(self, operation: Any) -> bool:
        try:
            return bool(operation.done(retry=self._retry))
        except (exceptions.GoogleAPICallError, exceptions.RetryError):
            return False  # the service's own conditions are asked anyway

    def _revision_failed(self, service: str, revision: str) -> bool:
        """Tell whether the revision has failed for good: the service itself may need minutes more to say so."""
        found = self._read_revision(service, revision)
        return found is not None and not found.reconciling and failed_condition(found.conditions) is not None

    def _explained(self, state: ServiceState, revision: str) -> ServiceState:
        """Take the reason from the revision when it has one: the service only says that a revision failed."""
        if state.ready and state.latest_ready == revision:
            return state
        found = self._read_revision(state.service, revision)
        failed = failed_condition(found.conditions) if found is not None else None
        if failed is None:
            return state
        return state.model_copy(
            update={"ready": False, "reason": why(failed) or state.reason, "message": failed.message or state.message}
        )

    def _read(self, service: str) -> Any:
        try:
            return self._services.get_service(name=f"{self._parent}/services/{service}", retry=self._retry)
        except exceptions.NotFound:
            return None
        except exceptions.GoogleAPICallError as error:
            _refused(service, error)
        except exceptions.RetryError as error:
            _unavailable(service, error)

    def _read_revision(self, service: str, name: str) -> Any:
        path = f"{self._parent}/services/{service}/revisions/{name}"
        try:
            return self._revisions.get_revision(name=path, retry=self._retry)
        except exceptions.NotFound:
            return None
        except exceptions.GoogleAPICallError as error:
            _refused(name, error)
        except exceptions.RetryError as error:
            _unavailable(name, error)


def _settled(service: Any) -> bool:
    """Tell whether the platform has made up its mind about what it was last asked for."""
    final = (run_v2.Condition.State.CONDITION_SUCCEEDED, run_v2.Condition.State.CONDITION_FAILED)
    ready = ready_condition(service)
    return not service.reconciling and ready is not None and ready.state in final


def _pauses(limit_s: float) -> Iterator[None]:
    """Go round at growing intervals until time is up; the last round comes after the limit."""
    deadline, pause = time.monotonic() + limit_s, 0.05
    yield
    while time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 1.3, 2)
        yield


def _refused(subject: str, error: exceptions.GoogleAPICallError) -> NoReturn:
    """Sort the platform's refusals: what may pass by itself, and what somebody has to mend."""
    if isinstance(error, TRANSIENT):
        _unavailable(subject, error)
    advice: dict[type[exceptions.GoogleAPICallError], str] = {
        exceptions.PermissionDenied: "Grant the deployer roles/run.developer, and roles/iam.serviceAccountUser on the "
        "runtime's service account.",
        exceptions.Unauthenticated: "Run `gcloud auth application-default login`.",
        exceptions.AlreadyExists: "Start a new loop: this one has deployed something else under this name.",
    }
    mend = advice.get(type(error), "Correct what it names in the settings.")
    raise RolloutFailed(f"{subject}: Cloud Run refuses: {error.message} {mend}") from None


def _unavailable(subject: str, error: Exception) -> NoReturn:
    raise CloudUnavailable(f"{subject}: Cloud Run does not answer: {error}. Try again later.") from None
