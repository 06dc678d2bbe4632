"""How many instances a revision may have, and how long anything waits."""

from __future__ import annotations

from dataclasses import dataclass

ROLLOUT = (
    "Starting new instance. Reason: DEPLOYMENT_ROLLOUT - Instance started due to traffic shifting between revisions "
    "due to deployment, traffic split adjustment, or deployment health check."
)
AUTOSCALING = (
    "Starting new instance. Reason: AUTOSCALING - Instance started due to configured scaling factors (e.g. CPU "
    "utilization, request throughput, etc.) or no existing capacity for current traffic."
)
MINIMUM = (
    "Starting new instance. Reason: MANUAL_OR_CUSTOMER_MIN_INSTANCE - Instance started because of customer-configured "
    "min-instances or manual scaling."
)

CONCURRENCY = 80
MOST = 4
"""Instances of a revision, unless told otherwise. Cloud Run's own bound is 100: too many for somebody's laptop."""

PENDING_S = 10.0
"""How long a request waits for a free instance when there can be no further one."""

SPARE_S = 60.0
"""How long an instance that is not needed is kept beside the last one."""


@dataclass(frozen=True)
class Scaling:
    """What holds for all revisions of this emulator.

    Args:
        most: instances that a revision may have, whatever its template says.
        pending: seconds that a request waits for a free instance when there can be no further one.
        idle: seconds without a request after which the last instance is stopped too; 0 keeps it for good.
    """

    most: int = MOST
    pending: float = PENDING_S
    idle: float = 0.0


@dataclass(frozen=True)
class Bounds:
    """What a revision's template says of its instances.

    Args:
        concurrency: requests that an instance takes at once.
        fewest: instances that stay even when nothing is asked.
        most: instances; 0 says nothing.
    """

    concurrency: int = CONCURRENCY
    fewest: int = 0
    most: int = 0

    def ceiling(self, scaling: Scaling) -> int:
        """Return how many instances there may be."""
        return min(self.most or scaling.most, scaling.most)

    def floor(self, scaling: Scaling) -> int:
        """Return how many instances stay when nothing is asked: one more than Cloud Run, unless told otherwise."""
        return min(max(self.fewest, 0 if scaling.idle else 1), self.ceiling(scaling))
