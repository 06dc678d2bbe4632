"""Secret Manager: whether a secret is there, who may read it, what its value shows. No value leaves these modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from google.api_core import exceptions
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from untilgreen.adapters.google_connection import TRANSIENT, connect, patient
from untilgreen.adapters.secret_manager_access import RuntimeAccess
from untilgreen.adapters.secret_manager_values import Values
from untilgreen.errors import CloudUnavailable
from untilgreen.model.secrets import SecretBinding, SecretCheck, SecretFinding, SecretProblem, SecretStatus
from untilgreen.redaction import Redactor

_WRONG = {
    SecretProblem.EMPTY: "has no visible character",
    SecretProblem.WHITE_SPACE: "begins or ends with white space, which a service takes for a part of it",
    SecretProblem.PLACEHOLDER: "is a placeholder",
    SecretProblem.TOO_SHORT: "is too short to be a secret",
}


@dataclass
class _Seen:
    """What is known of one binding so far."""

    findings: list[SecretFinding] = field(default_factory=list)
    checks: list[SecretCheck] = field(default_factory=list)
    unchecked: list[SecretCheck] = field(default_factory=list)
    version: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    def wrong(self, problem: SecretProblem, message: str) -> None:
        self.findings.append(SecretFinding(problem=problem, message=message))


class SecretManager:
    """Secrets of one project.

    Args:
        project: Google Cloud project id.
        endpoint: host:port of an emulator; empty for Google Cloud.
        patience_s: how long transient faults are ridden out, for each call.
        shortest: characters below which a value is too short.
        client: Google's own; made from the endpoint when left out.
    """

    def __init__(
        self, project: str, endpoint: str = "", patience_s: float = 60, shortest: int = 8, client: Any = None
    ) -> None:
        self._project = project
        self._client = client or connect(
            secretmanager_v1.SecretManagerServiceClient, SecretManagerServiceGrpcTransport, endpoint
        )
        self._retry = patient(patience_s)
        self._access = RuntimeAccess(self._client, endpoint, self._retry)
        self._values = Values(self._client, self._retry, shortest)

    def check(self, service: str, binding: SecretBinding, account: str) -> SecretStatus:
        """Tell what is known about a binding: the platform's side always, the value's if it may be read.

        Args:
            service: whose binding it is.
            binding: env name, secret and version.
            account: the runtime service account; empty means the project's default compute account.

        Raises:
            CloudUnavailable: a transient fault, after retries.
        """
        seen = _Seen()
        try:
            self._look(seen, binding, account)
        except exceptions.PermissionDenied as error:
            message = (
                f"{binding.secret} cannot be checked: {error.message} "
                f"Grant roles/secretmanager.viewer to whoever runs untilgreen."
            )
            seen.wrong(SecretProblem.DENIED, message)
        except exceptions.RetryError as error:
            raise CloudUnavailable(f"{binding.secret}: Secret Manager does not answer: {error}.") from None
        except TRANSIENT as error:
            raise CloudUnavailable(f"{binding.secret}: Secret Manager does not answer: {error.message}.") from None
        return _status(service, binding, account, seen)

    def alike(self, bindings: Sequence[SecretBinding]) -> bool | None:
        """Tell whether all of these give the same value; None when one cannot be read."""
        readings = [self._values.read(self._version(binding)) for binding in bindings]
        marks = {reading.mark for reading in readings if reading}
        return None if None in readings else len(marks) == 1

    def redaction(self, bindings: Sequence[SecretBinding]) -> Redactor:
        """Return what masks the values of these, as far as they can be read."""
        versions = dict.fromkeys(self._version(binding) for binding in bindings)
        readings = (self._values.read(version) for version in versions)
        return Redactor(reading.known for reading in readings if reading)

    def _version(self, binding: SecretBinding) -> str:
        return f"{self._name(binding)}/versions/{binding.version}"

    def _name(self, binding: SecretBinding) -> str:
        return binding.secret if "/" in binding.secret else f"projects/{self._project}/secrets/{binding.secret}"

    def _look(self, seen: _Seen, binding: SecretBinding, account: str) -> None:
        """Go as far as each answer lets the next question have a meaning."""
        name = self._name(binding)
        seen.checks.append(SecretCheck.EXISTS)
        try:
            secret = self._client.get_secret(name=name, retry=self._retry)
        except exceptions.NotFound:
            seen.wrong(SecretProblem.MISSING, f"Secret {name} was not found. Create it, or correct its name.")
            return
        seen.labels = dict(secret.labels)
        if self._look_at_version(seen, name, binding.version):
            self._look_at_value(seen, f"{name}/versions/{seen.version}")
        found, unchecked = self._access.problem(name, account or _default_account(secret))
        seen.findings += [found] if found else []
        (seen.unchecked if unchecked else seen.checks).append(SecretCheck.ACCESS)

    def _look_at_version(self, seen: _Seen, name: str, version: str) -> bool:
        seen.checks.append(SecretCheck.VERSION)
        try:
            found = self._client.get_secret_version(name=f"{name}/versions/{version}", retry=self._retry)
        except exceptions.NotFound:
            message = f"Secret {name} has no version {version}. Add one, or pin another."
            seen.wrong(SecretProblem.NO_VERSION, message)
            return False
        seen.version = found.name.rpartition("/")[2]
        if found.state != secretmanager_v1.SecretVersion.State.ENABLED:
            message = f"Version {version} of {name} is {found.state.name}. Enable or replace it."
            seen.wrong(SecretProblem.DISABLED, message)
            return False
        return True

    def _look_at_value(self, seen: _Seen, version: str) -> None:
        reading = self._values.read(version)
        if reading is None:
            seen.unchecked.append(SecretCheck.CONTENT)
            message = f"The value of {version} was not read: whoever runs untilgreen may not. What it holds is unknown."
            seen.wrong(SecretProblem.VALUE_NOT_READ, message)
            return
        seen.checks.append(SecretCheck.CONTENT)
        for problem in reading.problems:
            message = f"The value of {version} {_WRONG[problem]}. Add a version with the real value."
            seen.wrong(problem, message)


def _status(service: str, binding: SecretBinding, account: str, seen: _Seen) -> SecretStatus:
    """Put the worst finding first: the order of the problems is that of their weight."""
    order = list(SecretProblem)
    ranked = sorted(seen.findings, key=lambda finding: order.index(finding.problem))
    worst = ranked[0] if ranked else None
    return SecretStatus(
        service=service,
        binding=binding,
        account=account,
        problem=worst.problem if worst else None,
        message=worst.message if worst else "",
        further=tuple(ranked[1:]),
        checks=tuple(seen.checks),
        unchecked=tuple(seen.unchecked),
        version=seen.version,
        labels=seen.labels,
    )


def _default_account(secret: Any) -> str:
    """Return the default compute account: Secret Manager answers with the project's number in names."""
    number = secret.name.split("/")[1] if secret.name.count("/") else ""
    return f"{number}-compute@developer.gserviceaccount.com" if number.isdigit() else ""
