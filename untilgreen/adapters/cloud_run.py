"""Cloud Run through its Admin API v2. The emulator is reached by the same calls."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, NoReturn

from google.api_core import exceptions
from google.cloud import run_v2
from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport

from untilgreen.adapters.cloud_run_decision import decisions
from untilgreen.adapters.cloud_run_documents import (
    failed_condition,
    fill_service,
    ready_condition,
    revision_state,
    service_state,
    short_name,
    why,
)
from untilgreen.adapters.cloud_run_traffic import all_to, all_to_latest, keep_and_tag, tagged
from untilgreen.adapters.google_connection import TRANSIENT, connect, patient
from untilgreen.errors import CloudUnavailable, RolloutFailed
from untilgreen.model.delivery import RevisionState, ServiceState, Template

CONFLICTS = 8
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
        self._read_retry = patient(patience_s, exceptions.Aborted)

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

    def apply(self, template: Template, revision: str, tag: str = "") -> ServiceState:
        """Create or update a service and wait until the platform has decided.

        Without a tag all traffic goes to the latest revision afterwards: a pin from an earlier rollback would
        otherwise stay, and the tests would hit old code. With one, who serves now keeps on serving. The same call
        repeated finds its revision, gives it the tag again if somebody took it away, and waits for it.

        Args:
            template: what the revision is made of; what it does not name stays as it is.
            revision: the new revision's name, never used before with another template.
            tag: under which it answers without getting traffic; empty for all the traffic.

        Returns:
            The state after the decision, ready or not. Still `reconciling` means that there was none in time.

        Raises:
            CloudUnavailable: a transient fault, after retries.
            RolloutFailed: the platform refuses the request itself.
        """

        def change(current: Any) -> Any:
            if current is not None and short_name(current.latest_created_revision) == revision:
                return tagged(current, revision, tag) if tag else None
            changed = fill_service(current or run_v2.Service(), template, revision)
            changed.traffic = keep_and_tag(changed, revision, tag) if tag else all_to_latest(changed)
            return changed

        operation = self._change(template.service, change)
        return self._decided(template.service, revision, operation, template.startup_seconds + _ROLLOUT_S)

    def route(self, service: str, revision: str) -> ServiceState:
        """Give all traffic to a revision that is there, and wait until that is decided.

        The newest revision gets it as `latest`, so that nothing stays pinned; an older one gets it by name.

        Returns:
            The state after the decision.

        Raises:
            CloudUnavailable: a transient fault, after retries.
            RolloutFailed: the platform refuses the request itself, or there is no such service.
        """

        def change(current: Any) -> Any:
            if current is None:
                raise RolloutFailed(f"{service}: there is no such service, so nothing of it can have traffic.")
            current.traffic = all_to(current, revision)
            return current

        operation = self._change(service, change, paths=["traffic"])
        return self._decided(service, revision, operation, _ROLLOUT_S)

    def _change(self, service: str, change: Callable[[Any], Any], paths: list[str] | None = None) -> Any:
        """Read a service, change it, and write it back; again from the start when somebody came between.

        Args:
            service: short name.
            change: makes what is to be written of what was read, or None when there is nothing to do.
            paths: the fields that are written; None for all.

        Returns:
            The operation, or None when there was nothing to do.
        """
        for attempt in range(CONFLICTS):
            # Two who write at the same moment must not meet again and again.
            time.sleep(random.uniform(0, 0.02 * attempt**2))  # noqa: S311 - spreads load
            current = self._read(service)
            exists = current is not None
            wanted = change(current)
            if wanted is None:
                return None
            operation = self._write(service, wanted, paths, exists=exists)
            if operation is not None:
                return operation
        raise CloudUnavailable(f"{service}: it was changed by somebody else {CONFLICTS} times in a row.")

    def _write(self, service: str, wanted: Any, paths: list[str] | None, *, exists: bool) -> Any:
        """Send what is wanted with the etag that was read; return None when somebody came between."""
        try:
            if exists:
                request = {"service": wanted, "update_mask": {"paths": paths or []}}
                return self._services.update_service(request=request, retry=self._retry)
            request = {"parent": self._parent, "service": wanted, "service_id": service}
            return self._services.create_service(request=request, retry=self._retry)
        except exceptions.Aborted:
            return None
        except exceptions.AlreadyExists as error:
            if not exists:
                return None
            _refused(service, error)
        except exceptions.GoogleAPICallError as error:
            _refused(service, error)
        except exceptions.RetryError as error:
            _unavailable(service, error)

    def _decided(self, service: str, revision: str, operation: Any, limit_s: float) -> ServiceState:
        """Wait for the platform's decision; its conditions decide, never the operation's error code."""
        found = None
        for ended in decisions(self._services, operation, limit_s):
            found = self._read(service)
            if found is not None and (ended or (ended is None and _settled(found))):
                break
            if found is not None and self._revision_failed(service, revision):
                break
        if found is None:
            raise RolloutFailed(f"{service}: the platform took the request and shows no service. Look at it.")
        return self._explained(service_state(found), revision)

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
            return self._services.get_service(name=f"{self._parent}/services/{service}", retry=self._read_retry)
        except exceptions.NotFound:
            return None
        except exceptions.GoogleAPICallError as error:
            _refused(service, error)
        except exceptions.RetryError as error:
            _unavailable(service, error)

    def _read_revision(self, service: str, name: str) -> Any:
        path = f"{self._parent}/services/{service}/revisions/{name}"
        try:
            return self._revisions.get_revision(name=path, retry=self._read_retry)
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


def _refused(subject: str, error: exceptions.GoogleAPICallError) -> NoReturn:
    """Sort the platform's refusals: what may pass by itself, and what somebody has to mend."""
    if isinstance(error, (*TRANSIENT, exceptions.Aborted)):
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
