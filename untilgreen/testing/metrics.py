"""Cloud Monitoring in memory; import it from `untilgreen.testing`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from untilgreen.model.document import Window
from untilgreen.ports import UsagePage, UsageSample


class FakeMetrics:
    """Samples in memory.

    Args:
        samples: what was measured.
        period_s: how far apart they are taken.
        delay_s: how much later each is seen.
        now: tells the time by which samples become seen; left out, all are.
        gap: why reading them is not complete; empty when it is.
    """

    def __init__(
        self,
        samples: Iterable[UsageSample] = (),
        period_s: float = 60,
        delay_s: float = 0,
        now: Callable[[], datetime] | None = None,
        gap: str = "",
    ) -> None:
        self.samples = list(samples)
        self.period_s = period_s
        self.delay_s = delay_s
        self.gap = gap
        self._now = now

    def usage(self, services: Sequence[str], window: Window) -> UsagePage:
        """Return the samples of the window that are seen by now."""
        late = timedelta(seconds=self.delay_s)
        return UsagePage(
            samples=tuple(
                sample
                for sample in self.samples
                if sample.service in services
                and window.contains(sample.at)
                and (self._now is None or sample.at + late <= self._now())
            ),
            period_s=self.period_s,
            delay_s=self.delay_s,
            complete=not self.gap,
            gap=self.gap,
        )


Resource = Literal["memory", "cpu", "instances"]
_FIGURES: tuple[tuple[Resource, int], ...] = (("memory", 0), ("cpu", 1), ("instances", 2))


def usage_samples(
    revision: str,
    window: Window,
    figures: tuple[float, float, float] = (0.3, 0.1, 1),
    period_s: float = 60,
) -> list[UsageSample]:
    """Return samples of an even load: one a period, from the window's first moment to its last.

    Args:
        revision: `SERVICE-SUFFIX`, whose service is what stands before the last hyphen.
        window: when.
        figures: share of memory, share of cpu, number of instances.
        period_s: how far apart they are taken.
    """
    made, at, period = list[UsageSample](), window.start, timedelta(seconds=period_s)
    service = revision.rpartition("-")[0]
    while at <= window.end:
        for resource, place in _FIGURES:
            value = figures[place]
            made.append(
                UsageSample(
                    service=service,
                    revision=revision,
                    resource=resource,
                    start=at - period,
                    at=at,
                    low=value,
                    high=value,
                    mean=value,
                )
            )
        at += period
    return made
