"""Stand-ins in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from untilgreen.model.suite import Control


class FakeStandIns:
    """Names that nobody listens at; a fake suite may know by them what is broken.

    `http://backend.error.broken` stands in for `backend` under control ERROR, and
    `http://backend.error.entirely.broken` when fixtures get that, too.
    """

    def __init__(self) -> None:
        self.open: set[str] = set()
        """URLs of the stand-ins that are there now."""

    @contextmanager
    def broken(
        self, services: Mapping[str, str], control: Control, *, entirely: bool = False
    ) -> Iterator[dict[str, str]]:
        """Name the stand-ins."""
        kind = f"{control}.entirely" if entirely else str(control)
        stand_ins = {name: f"http://{name}.{kind}.broken" for name in services}
        self.open |= set(stand_ins.values())
        try:
            yield stand_ins
        finally:
            self.open -= set(stand_ins.values())
