"""Every method that Google's own transports know: emulated, or refused by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.cloud.logging_v2.services.config_service_v2.transports import ConfigServiceV2GrpcTransport
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.services.metrics_service_v2.transports import MetricsServiceV2GrpcTransport
from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport
from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from google.cloud.run_v2.services.tasks.transports import TasksGrpcTransport
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from tests.contract.emulator_cloud import shared

NEEDED = (
    RevisionsGrpcTransport,
    ServicesGrpcTransport,
    LoggingServiceV2GrpcTransport,
    SecretManagerServiceGrpcTransport,
)
OTHERS = (
    ConfigServiceV2GrpcTransport,
    ExecutionsGrpcTransport,
    JobsGrpcTransport,
    MetricsServiceV2GrpcTransport,
    TasksGrpcTransport,
)
EMULATED = {
    "/google.cloud.run.v2.Revisions/GetRevision",
    "/google.cloud.run.v2.Revisions/ListRevisions",
    "/google.cloud.run.v2.Services/CreateService",
    "/google.cloud.run.v2.Services/DeleteService",
    "/google.cloud.run.v2.Services/GetIamPolicy",
    "/google.cloud.run.v2.Services/GetService",
    "/google.cloud.run.v2.Services/ListServices",
    "/google.cloud.run.v2.Services/SetIamPolicy",
    "/google.cloud.run.v2.Services/TestIamPermissions",
    "/google.cloud.run.v2.Services/UpdateService",
    "/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion",
    "/google.cloud.secretmanager.v1.SecretManagerService/AddSecretVersion",
    "/google.cloud.secretmanager.v1.SecretManagerService/CreateSecret",
    "/google.cloud.secretmanager.v1.SecretManagerService/DeleteSecret",
    "/google.cloud.secretmanager.v1.SecretManagerService/DestroySecretVersion",
    "/google.cloud.secretmanager.v1.SecretManagerService/DisableSecretVersion",
    "/google.cloud.secretmanager.v1.SecretManagerService/EnableSecretVersion",
    "/google.cloud.secretmanager.v1.SecretManagerService/GetIamPolicy",
    "/google.cloud.secretmanager.v1.SecretManagerService/GetSecret",
    "/google.cloud.secretmanager.v1.SecretManagerService/GetSecretVersion",
    "/google.cloud.secretmanager.v1.SecretManagerService/ListSecretVersions",
    "/google.cloud.secretmanager.v1.SecretManagerService/ListSecrets",
    "/google.cloud.secretmanager.v1.SecretManagerService/SetIamPolicy",
    "/google.cloud.secretmanager.v1.SecretManagerService/TestIamPermissions",
    "/google.logging.v2.LoggingServiceV2/ListLogEntries",
    "/google.logging.v2.LoggingServiceV2/ListLogs",
    "/google.logging.v2.LoggingServiceV2/TailLogEntries",
    "/google.logging.v2.LoggingServiceV2/WriteLogEntries",
    "/google.longrunning.Operations/DeleteOperation",
    "/google.longrunning.Operations/GetOperation",
    "/google.longrunning.Operations/ListOperations",
    "/google.longrunning.Operations/WaitOperation",
}


class Recorder:
    """In the place of a transport's channel it only learns which methods are asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def unary_unary(self, method: str, **_: Any) -> None:
        self.names.add(method)

    unary_stream = stream_unary = stream_stream = unary_unary


def methods(*transports: Any) -> set[str]:
    """Return the full names of all methods of these transports."""
    recorder = Recorder()
    for transport in transports:
        made = transport(channel=shared().channel)
        made._logged_channel = recorder
        made._stubs.clear()
        for name in set(dir(transport)) - {"operations_client", "kind"}:
            if isinstance(getattr(transport, name), property):
                getattr(made, name)
    return recorder.names


def answers(names: set[str]) -> Iterator[tuple[str, str, str]]:
    """Call each method with an empty request and give its name, how it ended, and the words."""
    for name in sorted(names):
        try:
            next(shared().channel.stream_stream(name)(iter([b""]), timeout=10))
            yield name, "OK", ""
        except grpc.RpcError as error:
            yield name, error.code().name, error.details()


def test_the_apis_are_emulated_or_refuse_by_name() -> None:
    """Of the APIs that are needed, exactly what is listed here is emulated; everything else refuses by its name."""
    refused = {name: words for name, code, words in answers(methods(*NEEDED)) if code == "UNIMPLEMENTED"}
    assert refused == {name: f"{name} is not emulated" for name in refused}
    assert methods(*NEEDED) - set(refused) == EMULATED


def test_other_apis_refuse_by_name() -> None:
    """APIs that are not emulated at all say so, method by method."""
    names = methods(*OTHERS) - EMULATED
    assert len(names) > 50
    for name, code, words in answers(names):
        assert (code, words) == ("UNIMPLEMENTED", f"{name} is not emulated")


@pytest.mark.parametrize("name", sorted(EMULATED))
def test_an_empty_request_breaks_nothing(name: str) -> None:
    """A request that says nothing is answered or refused; it never breaks the emulator."""
    ((_, code, words),) = answers({name})
    assert code in ("OK", "INVALID_ARGUMENT", "NOT_FOUND"), words
