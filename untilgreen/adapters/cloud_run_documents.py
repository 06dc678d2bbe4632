"""Cloud Run's protos and our documents, one into the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.cloud import run_v2

from untilgreen.model.delivery import RevisionState, SecretBinding, ServiceState, Template, Traffic

_LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
_STATE = run_v2.Condition.State


def fill_service(service: Any, template: Template, revision: str) -> Any:
    """Put a template into a service proto; scaling, network, sidecars and traffic stay as they are."""
    wanted = service.template
    wanted.revision = revision
    wanted.labels = template.labels
    wanted.service_account = template.account
    if not wanted.containers:
        wanted.containers = [run_v2.Container()]
    _fill_container(_ingress(wanted.containers), template)
    return service


def service_state(service: Any) -> ServiceState:
    """Translate a service."""
    ready = ready_condition(service)
    latest_ready = short_name(service.latest_ready_revision)
    return ServiceState(
        service=short_name(service.name),
        url=service.uri,
        etag=service.etag,
        generation=service.generation,
        observed_generation=service.observed_generation,
        reconciling=service.reconciling,
        ready=ready is not None and ready.state == _STATE.CONDITION_SUCCEEDED,
        reason=why(ready) if ready is not None else "",
        message=ready.message if ready is not None else "",
        latest_created=short_name(service.latest_created_revision),
        latest_ready=latest_ready,
        traffic=tuple(_traffic(share, latest_ready) for share in service.traffic_statuses),
        template=_template(short_name(service.name), service.template),
    )


def revision_state(revision: Any) -> RevisionState:
    """Translate a revision."""
    ready = next((c for c in revision.conditions if c.type_ == "Ready"), None)
    failed = failed_condition(revision.conditions)
    said = failed if failed is not None else ready
    image = _ingress(revision.containers).image if revision.containers else ""
    service = short_name(revision.service)
    return RevisionState(
        name=short_name(revision.name),
        service=service,
        ready=ready is not None and ready.state == _STATE.CONDITION_SUCCEEDED,
        reason=why(said) if said is not None else "",
        message=said.message if said is not None else "",
        image=image,
        digest=image.partition("@")[2],
        created=revision.create_time,
        template=_template(service, revision),
    )


def ready_condition(service: Any) -> Any:
    """Return the condition that sums the service up, or None before there is one."""
    terminal = service.terminal_condition
    if terminal is not None and terminal.state != _STATE.STATE_UNSPECIFIED:
        return terminal
    return next((c for c in service.conditions if c.type_ == "Ready"), None)


def failed_condition(conditions: Iterable[Any]) -> Any:
    """Return why a revision failed: the failed condition with a reason, or any failed one, or None."""
    failed = [c for c in conditions if c.state == _STATE.CONDITION_FAILED]
    return next((c for c in failed if why(c)), failed[0] if failed else None)


def why(condition: Any) -> str:
    """Return a condition's reason as the platform spells it; the revision's own is the more exact one."""
    if condition.revision_reason:
        return str(condition.revision_reason.name)
    return str(condition.reason.name) if condition.reason else ""


def short_name(name: str) -> str:
    """Return the last part of a resource name."""
    return name.rpartition("/")[2]


def _fill_container(container: Any, template: Template) -> None:
    container.image = template.image
    container.env = [
        *(run_v2.EnvVar(name=name, value=value) for name, value in sorted(template.env.items())),
        *(_secret_env(binding) for binding in template.secrets),
    ]
    container.ports = [run_v2.ContainerPort(container_port=template.port)]
    container.resources.limits["memory"] = template.memory
    container.startup_probe = run_v2.Probe(
        http_get=run_v2.HTTPGetAction(path=template.health_path),
        period_seconds=1,
        timeout_seconds=1,
        failure_threshold=template.startup_seconds,
    )


def _secret_env(binding: SecretBinding) -> Any:
    reference = run_v2.SecretKeySelector(secret=binding.secret, version=binding.version)
    return run_v2.EnvVar(name=binding.env, value_source=run_v2.EnvVarSource(secret_key_ref=reference))


def _ingress(containers: Any) -> Any:
    """Return the container that requests go to: of several, the one with a port."""
    return next((c for c in containers if c.ports), containers[0])


def _traffic(share: Any, latest_ready: str) -> Traffic:
    """Name the revision behind `latest` too: the platform leaves it out there."""
    revision = short_name(share.revision) or (latest_ready if share.type_ == _LATEST else "")
    latest = share.type_ == _LATEST
    return Traffic(revision=revision, percent=share.percent, tag=share.tag, latest=latest, url=share.uri)


def _template(service: str, wanted: Any) -> Template | None:
    """Translate a service's template or a revision: both have these fields."""
    if not wanted.containers:
        return None
    container = _ingress(wanted.containers)
    probe = container.startup_probe
    return Template(
        service=service,
        image=container.image,
        port=container.ports[0].container_port if container.ports else 8080,
        env={e.name: e.value for e in container.env if not e.value_source},
        secrets=tuple(_binding(e) for e in container.env if e.value_source),
        account=wanted.service_account,
        memory=container.resources.limits.get("memory", ""),
        health_path=probe.http_get.path if probe.http_get else "",
        startup_seconds=(probe.period_seconds or 10) * (probe.failure_threshold or 3) if probe else 240,
        labels=dict(wanted.labels),
        limits=_limits(wanted, container),
    )


def _limits(wanted: Any, container: Any) -> dict[str, str]:
    """Name what somebody may have set beside us, and what cuts a service off when it changes."""
    vpc = wanted.vpc_access
    said = {
        "egress": vpc.egress.name if vpc and vpc.egress else "",
        "network": (vpc.connector or ",".join(n.network or n.subnetwork for n in vpc.network_interfaces))
        if vpc
        else "",
        "timeout": f"{wanted.timeout.total_seconds():g}s" if wanted.timeout else "",
        "concurrency": str(wanted.max_instance_request_concurrency or ""),
        "max_instances": str(wanted.scaling.max_instance_count or "") if wanted.scaling else "",
        "cpu": container.resources.limits.get("cpu", ""),
    }
    return {name: value for name, value in said.items() if value}


def _binding(variable: Any) -> SecretBinding:
    reference = variable.value_source.secret_key_ref
    return SecretBinding(env=variable.name, secret=reference.secret, version=reference.version or "latest")
