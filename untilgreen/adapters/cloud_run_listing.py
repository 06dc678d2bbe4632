"""What is deployed in a project and region: for `untilgreen init`, before anybody knows a service's name."""

from __future__ import annotations

from google.api_core import exceptions
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport

from untilgreen.adapters.cloud_run_documents import service_state
from untilgreen.adapters.google_connection import connect, patient
from untilgreen.errors import CloudUnavailable
from untilgreen.model.delivery import ServiceState

PATIENCE_S = 20
"""A person waits for this answer."""


def deployed(project: str, region: str, endpoint: str = "") -> tuple[ServiceState, ...]:
    """Return all services, by name.

    Args:
        project: Google Cloud project id.
        region: for example `europe-west1`.
        endpoint: host:port of an emulator; empty for Google Cloud.

    Raises:
        CloudUnavailable: it does not answer, or may not be asked.
    """
    services = connect(run_v2.ServicesClient, ServicesGrpcTransport, endpoint)
    parent = f"projects/{project}/locations/{region}"
    try:
        found = services.list_services(parent=parent, retry=patient(PATIENCE_S), timeout=PATIENCE_S)
        return tuple(sorted((service_state(service) for service in found), key=lambda state: state.service))
    except exceptions.RetryError as error:
        raise CloudUnavailable(f"{parent}: Cloud Run does not answer: {error}. Look at the address.") from None
    except exceptions.GoogleAPICallError as error:
        raise CloudUnavailable(f"{parent}: Cloud Run refuses: {error.message} Grant roles/run.viewer.") from None
