"""Cloud Run's services: `google.cloud.run.v2.Services`."""

from __future__ import annotations

import secrets

import grpc
from google.iam.v1 import iam_policy_pb2
from google.longrunning import operations_pb2

from untilgreen.emulator import protos
from untilgreen.emulator.iam import Policies
from untilgreen.emulator.names import ServiceName, service_name
from untilgreen.emulator.operations import Operations
from untilgreen.emulator.protos import Message
from untilgreen.emulator.revisions import Record, Revisions, fingerprint
from untilgreen.emulator.rollout import Rollouts
from untilgreen.emulator.rpc import Caller, Method, Refusal, invalid, page
from untilgreen.emulator.state import Shelf
from untilgreen.emulator.template_check import check_service, check_service_id, check_template, check_traffic
from untilgreen.emulator.traffic import Routes

SERVICE = "/google.cloud.run.v2.Services/"
_OUTPUT_ONLY = (
    "name",
    "uid",
    "generation",
    "create_time",
    "update_time",
    "creator",
    "observed_generation",
    "terminal_condition",
    "conditions",
    "latest_ready_revision",
    "latest_created_revision",
    "traffic_statuses",
    "uri",
    "urls",
    "reconciling",
    "etag",
)


class RunServices:
    """Answers the methods of Cloud Run's services.

    Args:
        revisions: makes revisions.
        rollouts: brings them up.
        routes: the open ports.
        operations: ended by the rollouts.
        policies: who may call a service.
        kept: where services outlive the emulator.
    """

    def __init__(
        self,
        revisions: Revisions,
        rollouts: Rollouts,
        routes: Routes,
        operations: Operations,
        *,
        policies: Policies,
        kept: Shelf,
    ) -> None:
        self._revisions = revisions
        self._rollouts = rollouts
        self._routes = routes
        self._operations = operations
        self._policies = policies
        self._kept = kept
        self._services: dict[str, Message] = {name: protos.Service.FromString(data) for name, data in kept.read()}

    def methods(self) -> dict[str, Method]:
        """Return the methods by name."""
        methods = {
            "CreateService": Method(protos.CreateServiceRequest, self.create_service),
            "UpdateService": Method(protos.UpdateServiceRequest, self.update_service),
            "GetService": Method(protos.GetServiceRequest, self.get_service),
            "ListServices": Method(protos.ListServicesRequest, self.list_services),
            "DeleteService": Method(protos.DeleteServiceRequest, self.delete_service),
            "SetIamPolicy": Method(iam_policy_pb2.SetIamPolicyRequest, self.set_policy),
            "GetIamPolicy": Method(iam_policy_pb2.GetIamPolicyRequest, self.get_policy),
            "TestIamPermissions": Method(iam_policy_pb2.TestIamPermissionsRequest, self.test_permissions),
        }
        return {SERVICE + name: method for name, method in methods.items()}

    def all(self) -> dict[str, Message]:
        """Return all services by name."""
        return self._services

    async def create_service(self, request: Message, _: Caller) -> Message:
        """Make a service, and begin its first rollout."""
        check_service_id(request.service_id)
        name = service_name(f"{request.parent}/services/{request.service_id}")
        if str(name) in self._services:
            raise Refusal(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{name.service}' already exists.")
        service = protos.Service()
        service.CopyFrom(request.service)
        for field in _OUTPUT_ONLY:
            service.ClearField(field)
        service.name, service.uid = str(name), secrets.token_hex(16)
        service.create_time.GetCurrentTime()
        self._check(name, service)
        if request.validate_only:
            return _only_validated(service)
        self._services[service.name] = service
        service.uri = await self._routes.open(name)
        service.urls.append(service.uri)
        return self._roll_out(service)

    async def update_service(self, request: Message, caller: Caller) -> Message:
        """Change a service, and begin a rollout of what changed."""
        name = service_name(request.service.name)
        if str(name) not in self._services and request.allow_missing:
            create = protos.CreateServiceRequest(parent=name.parent, service_id=name.service, service=request.service)
            create.validate_only = request.validate_only
            return await self.create_service(create, caller)
        current = self._find(str(name))
        if request.service.etag not in ("", current.etag):
            raise Refusal(
                grpc.StatusCode.ABORTED,
                f"Conflict for resource '{name.service}': version '{request.service.etag}' was specified "
                f"but current version is '{current.etag}'.",
            )
        wanted = _merged(current, request)
        self._check(name, wanted)
        if request.validate_only:
            return _only_validated(wanted)
        current.CopyFrom(wanted)
        return self._roll_out(current)

    async def get_service(self, request: Message, _: Caller) -> Message:
        """Return a service."""
        return self._find(request.name)

    async def list_services(self, request: Message, _: Caller) -> Message:
        """Return the services of a location, or of all with `-`."""
        wanted = request.parent.removesuffix("-")
        found = [self._services[name] for name in sorted(self._services) if name.startswith(wanted)]
        rows, token = page(found, request.page_size, request.page_token)
        return protos.ListServicesResponse(services=rows, next_page_token=token)

    async def delete_service(self, request: Message, _: Caller) -> Message:
        """Remove a service with all its revisions."""
        service = self._find(request.name)
        if request.validate_only:
            return _only_validated(service)
        del self._services[request.name]
        self._kept.drop(request.name)
        await self._rollouts.remove(service)
        self._policies.forget(request.name)
        service.delete_time.GetCurrentTime()
        operation = self._operations.begin(service_name(service.name).parent, service)
        self._operations.finish(operation, service)
        return operation

    async def set_policy(self, request: Message, _: Caller) -> Message:
        """Say who may do what with a service."""
        self._find(request.resource)
        return self._policies.set(request.resource, request.policy)

    async def get_policy(self, request: Message, _: Caller) -> Message:
        """Return who may do what with a service."""
        self._find(request.resource)
        return self._policies.get(request.resource)

    async def test_permissions(self, request: Message, caller: Caller) -> Message:
        """Return which of these permissions the caller has."""
        return self._policies.test(caller, request)

    def _find(self, name: str) -> Message:
        if name not in self._services:
            wanted = service_name(name)
            raise Refusal(
                grpc.StatusCode.NOT_FOUND,
                f"Resource '{wanted.service}' of kind 'SERVICE' in region '{wanted.location}' "
                f"in project '{wanted.project}' does not exist.",
            )
        return self._services[name]

    def _check(self, name: ServiceName, service: Message) -> None:
        """Refuse what cannot be rolled out, before anything is changed."""
        check_service(service)
        check_template(name, service.template)
        check_traffic(list(service.traffic))
        taken = self._named(service)
        if taken and taken.template != fingerprint(service.template):
            raise Refusal(
                grpc.StatusCode.ALREADY_EXISTS,
                f"Revision named '{service.template.revision}' with different configuration already exists.",
            )

    def _named(self, service: Message) -> Record | None:
        """Return the revision that the template names, if there is one already."""
        short = service.template.revision
        return self._revisions.find(service_name(service.name).revision(short)) if short else None

    def _roll_out(self, service: Message) -> Message:
        service.generation += 1
        service.etag = f'"{secrets.token_urlsafe(12)}"'
        service.update_time.GetCurrentTime()
        fresh = None
        if not self._unchanged(service):
            fresh = self._revisions.create(service)
            service.latest_created_revision = fresh.message.name
        self._kept.put(service.name, service.SerializeToString)
        return self._rollouts.begin(service, fresh)

    def _unchanged(self, service: Message) -> bool:
        """Tell whether the template brings no new revision: it names an old one, or says what the latest one says."""
        if service.template.revision:
            return self._named(service) is not None
        latest = self._revisions.find(service.latest_created_revision)
        return latest is not None and latest.template == fingerprint(service.template)


def _merged(current: Message, request: Message) -> Message:
    """Return a service as it should be: the masked fields changed, or without a mask all that a user may set."""
    wanted = protos.Service()
    mask = request.update_mask
    if mask.paths and list(mask.paths) != ["*"]:
        if not mask.IsValidForDescriptor(protos.Service.DESCRIPTOR):
            raise invalid(f"update_mask: invalid paths: {', '.join(mask.paths)}.")
        wanted.CopyFrom(current)
        mask.MergeMessage(request.service, wanted, True, True)
    else:
        wanted.CopyFrom(request.service)
    for name in _OUTPUT_ONLY:
        wanted.ClearField(name)
    for field, value in current.ListFields():
        if field.name in _OUTPUT_ONLY:
            if hasattr(value, "MergeFrom"):
                getattr(wanted, field.name).MergeFrom(value)
            else:
                setattr(wanted, field.name, value)
    return wanted


def _only_validated(service: Message) -> Message:
    operation = operations_pb2.Operation(done=True)
    operation.response.Pack(service)
    return operation
