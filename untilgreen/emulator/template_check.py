"""What Cloud Run refuses before it creates anything, and what exists there but not here."""

from __future__ import annotations

import re

from untilgreen.emulator.limits import MIB, cpus, memory_bytes
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.protos import Allocation, IngressTraffic, Message
from untilgreen.emulator.rpc import invalid, not_emulated

_SERVICE_ID = re.compile(r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?")
_LABEL_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_RESERVED = re.compile(r"PORT|K_.*")
_CONTAINER = "spec.template.spec.containers[0]"
_LONGEST_START_S = 240
_LONGEST_PROBE_S = {"startup_probe": _LONGEST_START_S, "liveness_probe": 3600}
_LONGEST_REQUEST_S = 3600
_ALL = 100
_MOST_REQUESTS = 1000
_LEAST_MEMORY = 128 * MIB
_MOST_MEMORY_GIB = ((1, 4), (2, 8), (4, 16), (6, 24), (8, 32))
"""How much memory goes with so many processors."""

_TEMPLATE = (
    "volumes",
    "vpc_access",
    "service_mesh",
    "node_selector",
    "session_affinity",
    "health_check_disabled",
)
_SERVICE = ("scaling", "iap_enabled", "default_uri_disabled", "multi_region_settings", "build_config")
_IN_CONTAINER = ("readiness_probe", "working_dir", "volume_mounts", "source_code", "depends_on", "base_image_uri")


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


def check_service(service: Message) -> None:
    """Let a service pass whose own settings hold here too.

    Raises:
        Refusal: something in it is not emulated.
    """
    _check_absent(service, _SERVICE, "service")
    if service.ingress not in (IngressTraffic.INGRESS_TRAFFIC_UNSPECIFIED, IngressTraffic.INGRESS_TRAFFIC_ALL):
        raise not_emulated("service.ingress other than INGRESS_TRAFFIC_ALL")


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
    _check_absent(template, _TEMPLATE, "template")
    if not 0 <= template.timeout.seconds <= _LONGEST_REQUEST_S:
        raise invalid(f"spec.template.spec.timeoutSeconds: must be between 0 and {_LONGEST_REQUEST_S}.")
    _check_scale(template)
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


def _check_absent(message: Message, names: tuple[str, ...], path: str) -> None:
    present = {field.name for field, _ in message.ListFields()}
    for name in names:
        if name in present:
            raise not_emulated(f"{path}.{name}")


def _check_scale(template: Message) -> None:
    if not 0 <= template.max_instance_request_concurrency <= _MOST_REQUESTS:
        raise invalid(f"spec.template.spec.containerConcurrency: must be between 0 and {_MOST_REQUESTS}.")
    fewest, most = template.scaling.min_instance_count, template.scaling.max_instance_count
    if fewest < 0 or most < 0 or (most and fewest > most):
        raise invalid(f"spec.template.scaling: min_instance_count {fewest} does not go with max_instance_count {most}.")


def _check_container(container: Message) -> None:
    if not container.image:
        raise invalid(f"{_CONTAINER}.image: must be specified.")
    _check_absent(container, _IN_CONTAINER, "template.containers[0]")
    _check_environment([variable.name for variable in container.env])
    _check_limits(dict(container.resources.limits))
    for name in _LONGEST_PROBE_S:
        if container.HasField(name):
            _check_probe(name, getattr(container, name), _container_port(container))


def _check_limits(limits: dict[str, str]) -> None:
    """Cloud Run gives only so much memory to so many processors."""
    path = f"{_CONTAINER}.resources.limits"
    for name in sorted(set(limits) - {"cpu", "memory"}):
        raise not_emulated(f"template.containers[0].resources.limits[{name}]")
    try:
        processors, memory = cpus(limits.get("cpu", "1")), memory_bytes(limits.get("memory", "512Mi"))
    except ValueError as error:
        raise invalid(f"{path}: {error}.") from None
    most = next((gib for number, gib in _MOST_MEMORY_GIB if processors <= number), 0)
    if not most:
        raise invalid(f"{path}.cpu: Invalid value specified for cpu. The maximum is {_MOST_MEMORY_GIB[-1][0]}.")
    if not _LEAST_MEMORY <= memory <= most * 1024 * MIB:
        raise invalid(
            f"{path}.memory: Invalid value specified for memory. For {processors:.1f} CPU, memory must be between "
            f"128Mi and {most}Gi inclusive."
        )


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


def _check_probe(name: str, probe: Message, port: int) -> None:
    path, longest = f"{_CONTAINER}.{name}", _LONGEST_PROBE_S[name]
    if name == "liveness_probe" and not probe.HasField("http_get") and not probe.HasField("grpc"):
        raise invalid(f"{path}: must have http_get or grpc.")
    action = next((getattr(probe, kind) for kind in ("http_get", "grpc") if probe.HasField(kind)), probe.tcp_socket)
    if action.port not in (0, port):
        raise not_emulated(f"template.containers[0].{name} with another port than the container's {port}")
    period, threshold = probe.period_seconds or 10, probe.failure_threshold or 3
    if name == "startup_probe" and period * threshold > longest:
        raise invalid(f"{path}: failure_threshold * period_seconds must be at most {longest}.")
    for field in ("initial_delay_seconds", "period_seconds", "timeout_seconds"):
        if not 0 <= getattr(probe, field) <= longest:
            raise invalid(f"{path}.{field}: must be at most {longest}.")
    if (probe.timeout_seconds or 1) > period:
        raise invalid(f"{path}.timeout_seconds: must be at most period_seconds.")


def _container_port(container: Message) -> int:
    return int(container.ports[0].container_port or 8080) if container.ports else 8080
