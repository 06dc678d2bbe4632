"""Which revision, image and commit each service served in each cycle."""

from __future__ import annotations

from dataclasses import dataclass

from untilgreen.identity import short_digest
from untilgreen.model.cycle import Cycle, Loop


@dataclass(frozen=True)
class Identity:
    """One service in one cycle."""

    cycle: int
    service: str
    status: str
    revision: str
    serving: str
    digest: str
    commit: str
    trouble: str = ""

    @property
    def short_digest(self) -> str:
        """Return the digest as people compare it."""
        return short_digest(self.digest)

    @property
    def same(self) -> bool:
        """Tell whether the deployed revision is the one that serves."""
        return bool(self.revision) and self.revision == self.serving


def identities(loop: Loop) -> list[Identity]:
    """Return one row for each service and cycle, the newest cycle first."""
    return [row for cycle in reversed(loop.cycles) for row in of_cycle(cycle)]


def of_cycle(cycle: Cycle) -> list[Identity]:
    """Return one row for each service of a cycle; only images where nothing was deployed."""
    if cycle.rollout is None:
        images = cycle.images.images if cycle.images else ()
        return [Identity(cycle.number, i.service, "not deployed", "", "", i.digest, i.commit) for i in images]
    return [
        Identity(
            cycle=cycle.number,
            service=served.service,
            status=served.status.value,
            revision=served.revision,
            serving=served.serving_revision,
            digest=served.digest,
            commit=served.commit,
            trouble=f"{served.reason} {served.message}".strip(),
        )
        for served in cycle.rollout.services
    ]
