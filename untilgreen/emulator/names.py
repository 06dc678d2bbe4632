"""Resource names and the labels that follow from them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from untilgreen.emulator.rpc import invalid

_SERVICE = re.compile(r"projects/([^/]+)/locations/([^/]+)/services/([^/]+)")


@dataclass(frozen=True)
class ServiceName:
    """`projects/PROJECT/locations/LOCATION/services/SERVICE`, taken apart."""

    project: str
    location: str
    service: str

    def __str__(self) -> str:
        return f"{self.parent}/services/{self.service}"

    @property
    def parent(self) -> str:
        """Return `projects/PROJECT/locations/LOCATION`."""
        return f"projects/{self.project}/locations/{self.location}"

    def revision(self, short: str) -> str:
        """Return a revision's full name."""
        return f"{self}/revisions/{short.rpartition('/')[2]}"

    def resource_labels(self, revision: str) -> dict[str, str]:
        """Return the labels of the monitored resource `cloud_run_revision`."""
        return {
            "project_id": self.project,
            "location": self.location,
            "service_name": self.service,
            "configuration_name": self.service,
            "revision_name": revision,
        }


def service_name(text: str) -> ServiceName:
    """Take a service's full name apart; a revision's name gives its service.

    Raises:
        Refusal: it is no such name.
    """
    match = _SERVICE.match(text)
    if not match:
        raise invalid(f"Resource name '{text}' is not of the form projects/*/locations/*/services/*.")
    return ServiceName(*match.groups())


def project_number(project: str) -> int:
    """Return a number for a project: always the same 12 digits for the same id."""
    digest = hashlib.sha256(project.encode()).digest()
    return 10**11 + int.from_bytes(digest[:8], "big") % (9 * 10**11)


def default_account(project: str) -> str:
    """Return the service account that Cloud Run takes when a template names none."""
    return f"{project_number(project)}-compute@developer.gserviceaccount.com"
