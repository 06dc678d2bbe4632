"""What Cloud Run refuses before it creates anything, and what exists there but not here."""

from __future__ import annotations

import re

from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.protos import Allocation, Message
from untilgreen.emulator.rpc import invalid, not_emulated

_SERVICE_ID = re.compile(r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?")
_LABEL_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_RESERVED = re.compile(r"PORT|K_.*")
_CONTAINER = "spec.template.spec.containers[0]"
_LONGEST_START_S = 240
_LONGEST_REQUEST_S = 3600
_ALL = 100


def check_service_id(service_id: str) -> None:
    """Let a name pass that a service may have.

    Raises:
        Refusal: it may not.
    """
    if not _SERVICE_ID.fullmatch(service_id):
        raise invalid(
            f"metadata.name: Invalid service ID '{service_id}'. The service ID must only use lowercase alphanumeric "
            "characters and dashes, begin with a letter, not end with a dash, and be less than 50 characters."
        )


def check_template(service: ServiceName, template: Message) -> None:
    """Let a template pass that a revision can be made of.

    Raises:
        Refusal: something in it is wrong, or not emulated.
    """
    if template.revision:
        _check_revision_name(service, template.revision)
    if not template.containers:
        raise invalid("spec.template.spec.containers: at least one container is required.")
    if len(template.containers) > 1:
        raise not_emulated("template.containers[1]")
    for name in ("volumes", "vpc_access", "service_mesh", "node_selector"):
        if name in {field.name for field, _ in template.ListFields()}:
            raise not_emulated(f"template.{name}")
    if not 0 <= template.timeout.seconds <= _LONGEST_REQUEST_S:
        raise invalid(f"spec.template.spec.timeoutSeconds: must be between 0 and {_LONGEST_REQUEST_S}.")
    _check_container(template.containers[0])


def check_traffic(traffic: list[Message]) -> None:
    """Let targets pass that add up to all traffic.

    Raises:
        Refusal: they do not, or one of them names no revision.
    """
    for number, target in enumerate(traffic):
        if target.type_ == Allocation.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION and not target.revision:
            raise invalid(f"spec.traffic[{number}].revisionName: must be specified when latestRevision is false.")
        if target.tag and not _LABEL_ID.fullmatch(target.tag):
            raise invalid(
                f"spec.traffic[{number}].tag: '{target.tag}' must consist of lower case letters, digits and dashes."
            )
    tags = [target.tag for target in traffic if target.tag]
    if len(set(tags)) < len(tags):
        raise invalid("spec.traffic: Multiple definitions for a tag found.")
    total = sum(target.percent for target in traffic)
    if traffic and total != _ALL:
        raise invalid(f"spec.traffic: Traffic targets sum to {total}, want {_ALL}.")


def _check_revision_name(service: ServiceName, name: str) -> None:
    if not name.startswith(f"{service.service}-") or not _LABEL_ID.fullmatch(name):
        raise invalid(
            f"spec.template.metadata.name: Revision name '{name}' must start with '{service.service}-', contain only "
            "lowercase letters, digits and dashes, and have at most 63 characters."
        )


def _check_container(container: Message) -> None:
    if not container.image:
        raise invalid(f"{_CONTAINER}.image: must be specified.")
    for name in ("liveness_probe", "readiness_probe", "working_dir", "volume_mounts", "source_code"):
        if name in {field.name for field, _ in container.ListFields()}:
            raise not_emulated(f"template.containers[0].{name}")
    _check_environment([variable.name for variable in container.env])
    if container.HasField("startup_probe"):
        _check_probe(container.startup_probe, _container_port(container))


def _check_environment(names: list[str]) -> None:
    reserved = [name for name in names if _RESERVED.fullmatch(name)]
    if reserved:
        raise invalid(
            f"{_CONTAINER}.env: The following reserved env names were provided: {', '.join(reserved)}. "
            "These values are automatically set by the system."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        raise invalid(f"{_CONTAINER}.env: Duplicate or empty environment variable names: {', '.join(twice)}.")


def _check_probe(probe: Message, port: int) -> None:
    path = f"{_CONTAINER}.startup_probe"
    if probe.HasField("grpc"):
        raise not_emulated("template.containers[0].startup_probe.grpc")
    action = probe.http_get if probe.HasField("http_get") else probe.tcp_socket
    if action.port not in (0, port):
        raise not_emulated(f"template.containers[0].startup_probe with another port than the container's {port}")
    period, threshold = probe.period_seconds or 10, probe.failure_threshold or 3
    if period * threshold > _LONGEST_START_S:
        raise invalid(f"{path}: failure_threshold * period_seconds must be at most {_LONGEST_START_S}.")
    if (probe.timeout_seconds or 1) > period:
        raise invalid(f"{path}.timeout_seconds: must be at most period_seconds.")


def _container_port(container: Message) -> int:
    return int(container.ports[0].container_port or 8080) if container.ports else 8080
