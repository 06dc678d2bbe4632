"""Cloud Run in memory; import it from `untilgreen.testing`."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from untilgreen.errors import RolloutFailed
from untilgreen.model.delivery import RevisionState, ServiceState, Template, Traffic
from untilgreen.testing.history import BEGINNING


class FakeServices:
    """Cloud Run in memory.

    Args:
        failing: service -> reason and message with which its next revisions do not become ready.
        url: how a service's URL is made.
    """

    def __init__(
        self, failing: Mapping[str, tuple[str, str]] | None = None, url: str = "http://{service}.test:80"
    ) -> None:
        self.failing = dict(failing or {})
        self._url = url
        self._services: dict[str, ServiceState] = {}
        self._revisions: dict[tuple[str, str], RevisionState] = {}
        self._one_at_a_time = threading.Lock()
        self.applied: list[tuple[Template, str]] = []
        """Every template and revision name that was really rolled out."""
        self.routed: list[tuple[str, str]] = []
        """Every service and revision that was given all the traffic without a new template."""

    def get(self, service: str) -> ServiceState | None:
        """Return the service, or None."""
        return self._services.get(service)

    def revision(self, service: str, name: str) -> RevisionState | None:
        """Return a revision, or None."""
        return self._revisions.get((service, name))

    def apply(self, template: Template, revision: str, tag: str = "") -> ServiceState:
        """Roll out; the same call repeated changes nothing."""
        with self._one_at_a_time:
            before = self._services.get(template.service)
            if before and before.latest_created == revision:
                return self._tagged(before, revision, tag) if tag else before
            if before and (template.service, revision) in self._revisions:
                raise RolloutFailed(f"{template.service}: Revision named '{revision}' already exists.")
            self.applied.append((template, revision))
            made = self._made(template, revision)
            self._revisions[template.service, revision] = made
            traffic = self._traffic(before, made, tag)
            self._services[template.service] = self._state(before, made, template, traffic)
            return self._services[template.service]

    def _tagged(self, before: ServiceState, revision: str, tag: str) -> ServiceState:
        """Give a ready revision that nobody reaches its URL again."""
        reached = any(share.revision == revision and (share.percent or share.tag == tag) for share in before.traffic)
        if not reached and before.latest_ready == revision:
            made = self._revisions[before.service, revision]
            self._change(before.service, traffic=self._traffic(before, made, tag))
        return self._services[before.service]

    def route(self, service: str, revision: str) -> ServiceState:
        """Give a revision all the traffic."""
        before, made = self._services.get(service), self._revisions.get((service, revision))
        if before is None:
            raise RolloutFailed(f"{service}: there is no such service, so nothing of it can have traffic.")
        self.routed.append((service, revision))
        if made is None or not made.ready:
            message = f"Revision '{revision}' is not ready and cannot serve traffic."
            self._change(service, ready=False, reason="REVISION_FAILED", message=message)
            return self._services[service]
        latest = revision == before.latest_ready == before.latest_created
        traffic = (Traffic(revision=revision, percent=100, latest=latest),)
        self._change(service, ready=True, reason="", message="", traffic=traffic)
        return self._services[service]

    def pin(self, service: str, revision: str) -> None:
        """Send all traffic to one revision, as somebody does who rolls back by hand."""
        self._change(service, traffic=(Traffic(revision=revision, percent=100),))

    def _change(self, service: str, **changed: object) -> None:
        before = self._services[service]
        number = before.generation + 1
        changed |= {"etag": f'"{number}"', "generation": number, "observed_generation": number}
        self._services[service] = before.model_copy(update=changed)

    def _made(self, template: Template, revision: str) -> RevisionState:
        reason, message = self.failing.get(template.service, ("", ""))
        return RevisionState(
            name=revision,
            service=template.service,
            ready=not reason,
            reason=reason,
            message=message,
            image=template.image,
            digest=template.image.partition("@")[2],
            created=BEGINNING,
            template=template,
        )

    def _traffic(self, before: ServiceState | None, made: RevisionState, tag: str) -> tuple[Traffic, ...]:
        serving = before.traffic if before else ()
        if not made.ready:
            return serving
        if not tag or not any(share.percent for share in serving):
            return (Traffic(revision=made.name, percent=100, latest=True),)
        url = self._url.format(service=f"{tag}---{made.service}")
        kept = (share.model_copy(update={"latest": False}) for share in serving if share.percent)
        return (*kept, Traffic(revision=made.name, percent=0, tag=tag, url=url))

    def _state(
        self, before: ServiceState | None, made: RevisionState, template: Template, traffic: tuple[Traffic, ...]
    ) -> ServiceState:
        generation = (before.generation if before else 0) + 1
        return ServiceState(
            service=made.service,
            url=self._url.format(service=made.service),
            etag=f'"{generation}"',
            generation=generation,
            observed_generation=generation,
            reconciling=False,
            ready=made.ready,
            reason=made.reason,
            message=made.message,
            latest_created=made.name,
            latest_ready=made.name if made.ready else before.latest_ready if before else "",
            traffic=traffic,
            template=template,
        )
