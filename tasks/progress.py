"""How far the suite is, as a Prefect progress artifact: a view that may be missing and never holds the suite up."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext, TaskRunContext

from untilgreen.model.suite import Outcome
from untilgreen.ports import NO_PACE, Pace, Watcher
from untilgreen.suite.order import known_seconds
from untilgreen.suite.watchers import PROGRESS, ProgressFile, Tally, Watchers
from untilgreen.wiring import Workshop, narrator

EVERY_S = 2.0
"""The server takes about 40 ms of CPU an update; people look every few seconds."""
PATIENCE_S = 5.0
"""How long the end of a suite waits for the last update."""


@contextmanager
def watched(shop: Workshop) -> Iterator[Watcher]:
    """Watch a cycle's suite: in the terminal or the log, in the cycle's folder, and in the Prefect UI."""
    pace = Pace(known_seconds(Path(shop.run.state)), shop.settings.suite.workers)
    artifact = ProgressArtifact(f"suite-{shop.run.cycle}", pace=pace)
    with ProgressFile(shop.folder / PROGRESS, pace) as file, artifact:
        yield Watchers(narrator().suite(pace), file, artifact)


class ProgressArtifact:
    """Watches a suite and keeps an artifact of the task run up to date, from a thread of its own.

    Outside of a run there is no artifact. A server that does not answer is asked no more.

    Args:
        key: the artifact's, of small letters, digits and dashes.
        every_s: the shortest time between updates.
        pace: what earlier runs tell about how long it will take.
    """

    def __init__(self, key: str, every_s: float = EVERY_S, pace: Pace = NO_PACE) -> None:
        self._key, self._every_s = key, every_s
        self._tally = Tally(pace)
        self._over = threading.Event()
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._keep,), name="progress", daemon=True)

    def __enter__(self) -> Self:
        """Begin, when there is a run that an artifact can belong to."""
        if TaskRunContext.get() or FlowRunContext.get():
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Show the end."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(PATIENCE_S)

    def collected(self, total: int) -> None:
        """Remember how many tests there are."""
        self._tally.collected(total)

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:  # noqa: ARG002 - a watcher's words
        """Count one."""
        self._tally.finished(nodeid, outcome)

    def _keep(self) -> None:
        artifact: UUID | None = None
        shown = ""
        try:
            while True:
                over = self._over.wait(self._every_s)
                told = str(self._tally)
                if told != shown:
                    artifact, shown = self._show(artifact, told), told
                if over:
                    return
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a view, the suite goes on
            logging.getLogger("untilgreen").debug("no progress artifact any more: %s", error)

    def _show(self, artifact: UUID | None, told: str) -> UUID:
        percent = self._tally.percent
        if artifact is None:
            # Outside of an event loop both return what they make, and no coroutine.
            return cast("UUID", create_progress_artifact(percent, key=self._key, description=told))
        return cast("UUID", update_progress_artifact(artifact, percent, description=told))
