"""What a rollout is going to do, before it does anything: what is wanted against what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from untilgreen.deploy.contract import ALL, serving_revision
from untilgreen.deploy.levels import levels
from untilgreen.deploy.wanted import Wanted, WantedService, fill_urls
from untilgreen.model.delivery import GateFinding, SecretStatus, ServiceState, Template, Traffic
from untilgreen.model.document import Document


class Action(StrEnum):
    """What a rollout does with one service."""

    CREATE = "create"  # there is no such service yet
    UPDATE = "update"  # a new revision replaces what serves
    TRAFFIC = "traffic"  # the revision is there and ready; only the traffic moves
    UNCHANGED = "unchanged"  # the revision is there already; it is only looked at


class Refusal(Document):
    """Why nothing may be rolled out."""

    service: str
    reason: str
    message: str


class PlannedService(WantedService):
    """One service's part of a rollout."""

    action: Action
    before: Template | None = None
    """What the service is configured to be now; None when there is none."""
    traffic: tuple[Traffic, ...] = ()
    """Who has the traffic now."""
    url: str = ""
    """Empty while there is no such service."""
    notes: tuple[str, ...] = ()
    """What a reader should know before it happens."""


class RolloutPlan(Document):
    """Services in the order in which they are rolled out."""

    commit: str
    services: tuple[PlannedService, ...]
    secrets: tuple[SecretStatus, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    """Any of them refuses the whole rollout: half of services that trust one another is worse than none."""

    @property
    def levels(self) -> tuple[tuple[PlannedService, ...], ...]:
        """Return the services in groups that can be rolled out side by side."""
        by_name = {planned.service: planned for planned in self.services}
        groups = levels({name: planned.depends_on for name, planned in by_name.items()})
        return tuple(tuple(by_name[name] for name in group) for group in groups)


def plan(
    wanted: Wanted,
    actual: Mapping[str, ServiceState | None],
    secrets: Iterable[SecretStatus],
    findings: Iterable[GateFinding] = (),
    made: Iterable[str] = (),
) -> RolloutPlan:
    """Make the plan of a rollout. The same input gives the same plan.

    Args:
        wanted: what should be.
        actual: service -> its state now, None when there is none.
        secrets: what the check of every binding said.
        findings: what the image gate said.
        made: names of wanted revisions that are there already, newest or not.
    """
    statuses, known = tuple(secrets), frozenset(made)
    services = tuple(_planned(service, actual.get(service.service)) for service in wanted.services)
    gate = tuple(_gate(findings))
    # What the gate refuses is not built, so its missing digest says nothing more.
    stale = () if gate else (r for s in services for r in (*_stale(s), *_overtaken(s, known)))
    refusals = (*gate, *_secrets(statuses), *stale)
    return RolloutPlan(commit=wanted.commit, services=services, secrets=statuses, refusals=refusals)


def shown(planned: PlannedService, urls: Mapping[str, str]) -> Template:
    """Return its new template as far as URLs are known; the others stay written as `{name.url}`."""
    unknown = {name: f"{{{name}.url}}" for name in planned.depends_on}
    return fill_urls(planned.template, {**unknown, **{name: url for name, url in urls.items() if url}})


def _planned(service: WantedService, state: ServiceState | None) -> PlannedService:
    return PlannedService(
        **dict(service),
        action=_action(service, state),
        before=state.template if state else None,
        traffic=state.traffic if state else (),
        url=state.url if state else "",
        notes=(*_pins(service, state), *_same_image(service, state), *_first_canary(service, state)) if state else (),
    )


def _action(service: WantedService, state: ServiceState | None) -> Action:
    if state is None:
        return Action.CREATE
    if state.latest_created != service.revision:
        return Action.UPDATE
    share = sum(share.percent for share in state.traffic if share.revision == service.revision)
    ready = state.latest_ready == service.revision and not state.reconciling
    return Action.TRAFFIC if ready and share != ALL else Action.UNCHANGED


def _pins(service: WantedService, state: ServiceState) -> Iterable[str]:
    """Tell of traffic that does not follow the newest revision: what is deployed would serve nobody."""
    for share in state.traffic:
        if share.percent and not share.latest and share.revision != service.revision:
            yield (
                f"traffic is pinned: {share.percent} % goes to {share.revision}, whatever is deployed. "
                f"This rollout undoes the pin."
            )


def _same_image(service: WantedService, state: ServiceState) -> Iterable[str]:
    before = state.template
    if before and _same(service, before) and before.labels.get("commit") != service.template.labels["commit"]:
        yield f"the image is the one of commit {before.labels.get('commit', 'unknown')[:12]}: nothing in it has changed"


def _first_canary(service: WantedService, state: ServiceState) -> Iterable[str]:
    if service.strategy == "canary" and not serving_revision(state):
        yield "nobody serves yet, so there is no traffic to keep away from the canary: it is rolled out at once"


def _gate(findings: Iterable[GateFinding]) -> Iterable[Refusal]:
    for found in findings:
        if found.blocking:
            reason = found.rule.upper().replace(".", "_")
            yield Refusal(service=found.service, reason=reason, message=found.message)


def _secrets(statuses: Iterable[SecretStatus]) -> Iterable[Refusal]:
    for status in statuses:
        if not status.usable:
            reason = f"SECRET_{status.problem}".upper()
            yield Refusal(service=status.service, reason=reason, message=f"{status.binding.env}: {status.message}")


def _stale(planned: PlannedService) -> Iterable[Refusal]:
    """Refuse an image that cannot be what was built: named by a tag, or unchanged although its source has changed."""
    image = planned.template.image
    if not image.endswith(f"@{planned.digest}") or not planned.digest:
        message = f"{image} names no digest: a tag that moves deploys nothing, silently. Let the builder resolve it."
        yield Refusal(service=planned.service, reason="IMAGE_WITHOUT_DIGEST", message=message)
    before, source = planned.before, planned.template.labels.get("source")
    if planned.action is Action.UPDATE and before and _same(planned, before):
        earlier = before.labels.get("source")
        if source and earlier and source != earlier:
            message = (
                f"The source has changed since commit {before.labels.get('commit', 'unknown')[:12]}, and the builder "
                f"gives the same image {planned.digest[:19]}: what serves would stay as it is. Build it again."
            )
            yield Refusal(service=planned.service, reason="TEMPLATE_UNCHANGED", message=message)


def _overtaken(planned: PlannedService, made: frozenset[str]) -> Iterable[Refusal]:
    """Refuse a revision that somebody has deployed over: the platform makes no second one of the same name."""
    if planned.action is Action.UPDATE and planned.revision in made:
        message = f"{planned.revision} is there already, and somebody has deployed another one since. Start a new loop."
        yield Refusal(service=planned.service, reason="REVISION_OVERTAKEN", message=message)


def _same(service: WantedService, before: Template) -> bool:
    return before.image == service.template.image
