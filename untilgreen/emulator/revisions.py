"""Revisions: made from a service's template, pinned to a digest, never changed again."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

import grpc

from untilgreen.emulator import conditions, protos
from untilgreen.emulator.conditions import RevisionFailed
from untilgreen.emulator.container_log import ContainerLog, EntryLog
from untilgreen.emulator.kept_records import KeptRecord
from untilgreen.emulator.limits import cpus, memory_bytes
from untilgreen.emulator.names import ServiceName, default_account, service_name
from untilgreen.emulator.probes import fill_defaults, liveness_probe, startup_probe
from untilgreen.emulator.protos import Message
from untilgreen.emulator.registry import Image, ImageMissing, Registry, short_name
from untilgreen.emulator.rpc import Caller, Method, Refusal, page
from untilgreen.emulator.scaling import CONCURRENCY, Bounds
from untilgreen.emulator.secret_manager import SecretDenied, SecretManager
from untilgreen.emulator.state import Shelf
from untilgreen.emulator.workload import Grounds, Plan, Workload

SERVICE = "/google.cloud.run.v2.Revisions/"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SHARED_FIELDS = {field.name for field in protos.Revision.DESCRIPTOR.fields} - {"name"}


@dataclass
class Record:
    """One revision.

    Args:
        message: as the API shows it.
        template: what it was made of, without the revision's name.
        workload: what runs it; None when it never could.
        failure: why it is not ready; None while it may yet be.
    """

    message: Message
    template: bytes
    workload: Workload | None = None
    failure: RevisionFailed | None = None

    @property
    def short(self) -> str:
        """Return its name within its service."""
        return str(self.message.name).rpartition("/")[2]

    def to_bytes(self) -> bytes:
        """Return what outlives the emulator."""
        return KeptRecord(self.message.SerializeToString(), self.template, self.failure).to_bytes()


class Revisions:
    """Makes and keeps revisions.

    Args:
        registry: finds their images.
        secret_manager: gives them their secrets.
        grounds: what their processes stand on.
        log: takes what they say.
        kept: where they outlive the emulator.
    """

    def __init__(
        self, registry: Registry, secret_manager: SecretManager, grounds: Grounds, log: EntryLog, kept: Shelf
    ) -> None:
        self._registry = registry
        self._secrets = secret_manager
        self._grounds = grounds
        self._log = log
        self._kept = kept
        self._records = {name: self._restored(data) for name, data in kept.read()}

    def methods(self) -> dict[str, Method]:
        """Return the methods by name."""
        return {
            SERVICE + "GetRevision": Method(protos.GetRevisionRequest, self.get_revision),
            SERVICE + "ListRevisions": Method(protos.ListRevisionsRequest, self.list_revisions),
        }

    def find(self, name: str) -> Record | None:
        """Return a revision by its full name, or None."""
        return self._records.get(name)

    def of(self, service: str) -> list[Record]:
        """Return a service's revisions, oldest first."""
        return [record for name, record in self._records.items() if name.startswith(f"{service}/revisions/")]

    def create(self, service: Message) -> Record:
        """Make a revision of a service's template. It may turn out at once that it can never be ready."""
        name = service_name(service.name)
        record = Record(_message(name, service), fingerprint(service.template))
        self._records[record.message.name] = record
        try:
            image = self._pin(record.message.containers[0])
            self.environment(record.message)
            record.workload = self._workload(name, record, image)
        except RevisionFailed as failure:
            self.fail(record, failure)
        self._kept.put(record.message.name, record.to_bytes)
        return record

    def _restored(self, data: bytes) -> Record:
        """Return a revision as it was, with what it takes to run it if its image is still there."""
        kept = KeptRecord.from_bytes(data)
        record = Record(protos.Revision.FromString(kept.message), kept.template, failure=kept.failure)
        with suppress(RevisionFailed):
            image = self._pin(record.message.containers[0])
            record.workload = self._workload(service_name(record.message.name), record, image)
        return record

    def forget(self, service: str) -> list[Record]:
        """Forget all revisions of a service, and return them."""
        forgotten = [self._records.pop(record.message.name) for record in self.of(service)]
        for record in forgotten:
            self._kept.drop(record.message.name)
        return forgotten

    async def stop_all(self) -> None:
        """Stop every instance, for the emulator's own end."""
        workloads = [record.workload for record in self._records.values() if record.workload]
        await asyncio.gather(*(workload.stop() for workload in workloads))

    def succeed(self, record: Record) -> None:
        """Note that a revision is ready."""
        kinds = (
            conditions.READY,
            conditions.CONTAINER_HEALTHY,
            conditions.CONTAINER_READY,
            conditions.RESOURCES_AVAILABLE,
        )
        self._decide(record, [conditions.succeeded(kind) for kind in kinds])

    def fail(self, record: Record, failure: RevisionFailed) -> None:
        """Note that a revision will never be ready."""
        record.failure = failure
        why = (failure.message, failure.reason, failure.revision_reason)
        self._decide(record, [conditions.failed(kind, *why) for kind in (conditions.READY, failure.condition)])

    def _decide(self, record: Record, decided: list[Message]) -> None:
        message = record.message
        del message.conditions[:]
        message.conditions.extend(decided)
        message.reconciling = False
        message.observed_generation = message.generation
        message.update_time.GetCurrentTime()
        self._kept.put(message.name, record.to_bytes)

    def _pin(self, container: Message) -> Image:
        """Name the image by its digest from now on: a tag may move, a revision does not."""
        try:
            image = self._registry.find(container.image)
        except ImageMissing:
            raise conditions.image_missing(container.image) from None
        container.image = image.reference
        return image

    def environment(self, message: Message) -> dict[str, str]:
        """Return the variables of a revision's container, with the values that its secrets have now.

        Raises:
            RevisionFailed: its service account may not read one of them.
        """
        project = service_name(message.name).project
        variables, denied = {}, []
        for number, variable in enumerate(message.containers[0].env):
            if not variable.HasField("value_source"):
                variables[variable.name] = variable.value
                continue
            reference = variable.value_source.secret_key_ref
            secret = reference.secret if "/" in reference.secret else f"projects/{project}/secrets/{reference.secret}"
            try:
                variables[variable.name] = self._secrets.value_for(
                    secret, reference.version or "latest", message.service_account
                )
            except SecretDenied as error:
                path = f"spec.template.spec.containers[0].env[{number}].value_from.secret_key_ref.name"
                denied.append(f"{path}: {error}")
        if denied:
            raise conditions.secrets_denied(denied)
        return variables

    def _workload(self, name: ServiceName, record: Record, image: Image) -> Workload:
        message = record.message
        container = message.containers[0]
        plan = Plan(
            service=name,
            revision=record.short,
            labels=dict(message.labels),
            image=image,
            command=(*container.command, *container.args) if container.command else (),
            container=container.name,
            account=message.service_account,
            port=container.ports[0].container_port,
            startup=startup_probe(container),
            liveness=liveness_probe(container),
            timeout=message.timeout.ToNanoseconds() / 1e9,
            bounds=_bounds(message),
            memory=memory_bytes(container.resources.limits["memory"]),
            cpu=cpus(container.resources.limits["cpu"]),
            environment=lambda: self.environment(message),
            logs=message.log_uri,
        )
        return Workload(plan, self._grounds, self._instance_log(plan))

    def _instance_log(self, plan: Plan) -> Callable[[str], ContainerLog]:
        return lambda instance: ContainerLog(
            self._log, plan.service, plan.revision, plan.container, plan.labels | {"instanceId": instance}
        )

    async def get_revision(self, request: Message, _: Caller) -> Message:
        """Return a revision."""
        record = self._records.get(request.name)
        if not record:
            short = request.name.rpartition("/")[2]
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Resource '{short}' of kind 'REVISION' does not exist.")
        return record.message

    async def list_revisions(self, request: Message, _: Caller) -> Message:
        """Return revisions, newest first; the parent's service may be `-` for all."""
        name = service_name(request.parent)
        wanted = f"{name.parent}/services/" if name.service == "-" else f"{name}/revisions/"
        found = [record.message for full, record in self._records.items() if full.startswith(wanted)]
        rows, token = page(found[::-1], request.page_size, request.page_token)
        return protos.ListRevisionsResponse(revisions=rows, next_page_token=token)


def fingerprint(template: Message) -> bytes:
    """Return what makes a template different from another one: everything but the revision's name."""
    nameless = protos.RevisionTemplate()
    nameless.CopyFrom(template)
    nameless.revision = ""
    return bytes(nameless.SerializeToString(deterministic=True))


def _message(name: ServiceName, service: Message) -> Message:
    template = service.template
    short = (
        template.revision
        or f"{name.service}-{service.generation:05d}-{''.join(secrets.choice(_LETTERS) for _ in 'xyz')}"
    )
    message = protos.Revision(name=name.revision(short), uid=secrets.token_hex(16), generation=1, service=str(name))
    for field, value in template.ListFields():
        if field.name in _SHARED_FIELDS:
            if hasattr(value, "MergeFrom"):
                getattr(message, field.name).MergeFrom(value)
            else:
                setattr(message, field.name, value)
    _fill_defaults(name, message)
    message.reconciling = True
    message.log_uri = _log_uri(name, short)
    message.etag = f'"{secrets.token_hex(8)}"'
    message.create_time.GetCurrentTime()
    message.conditions.append(conditions.reconciling(conditions.READY))
    return message


def _fill_defaults(name: ServiceName, message: Message) -> None:
    message.service_account = message.service_account or default_account(name.project)
    message.max_instance_request_concurrency = message.max_instance_request_concurrency or CONCURRENCY
    if not message.timeout.ToNanoseconds():
        message.timeout.FromSeconds(300)
    container = message.containers[0]
    container.name = container.name or f"{short_name(container.image)}-1"
    if not container.ports:
        container.ports.add(name="http1")
    container.ports[0].container_port = container.ports[0].container_port or 8080
    for resource, amount in (("cpu", "1000m"), ("memory", "512Mi")):
        if resource not in container.resources.limits:
            container.resources.limits[resource] = amount
    fill_defaults(container)


def _bounds(message: Message) -> Bounds:
    scaling = message.scaling
    concurrency = message.max_instance_request_concurrency
    return Bounds(concurrency, scaling.min_instance_count, scaling.max_instance_count)


def _log_uri(name: ServiceName, revision: str) -> str:
    text = (
        f'resource.type="cloud_run_revision"\nresource.labels.service_name="{name.service}"\n'
        f'resource.labels.revision_name="{revision}"'
    )
    resource = f"cloud_run_revision/service_name/{name.service}/revision_name/{revision}"
    return (
        f"https://console.cloud.google.com/logs/viewer?project={name.project}&resource={resource}"
        f"&advancedFilter={quote(text, safe='')}"
    )
