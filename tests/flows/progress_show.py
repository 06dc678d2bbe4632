"""A task that keeps a progress artifact, as step suite does; its own process, whose server a test provides.

python -m tests.flows.progress_show
"""

from __future__ import annotations

import json
import os
import time

import httpx
from prefect import flow, task

from tasks.progress import ProgressArtifact
from untilgreen.model.suite import Outcome


@task
def suite() -> None:
    """Pretend to run four tests, and wait for the artifact between them."""
    with ProgressArtifact("suite-1", every_s=0.05) as watcher:
        watcher.collected(4)
        for number in range(4):
            watcher.finished(f"t{number}", Outcome.FAILED if number == 1 else Outcome.PASSED)
            wait_for(f"{number + 1}/4 tests")


@flow
def show() -> None:
    """Run the task."""
    suite()


def artifacts() -> list[dict[str, object]]:
    """Ask the server for its progress artifacts."""
    answer = httpx.post(f"{os.environ['PREFECT_API_URL']}/artifacts/filter", json={}, timeout=30)
    return [artifact for artifact in answer.json() if artifact["type"] == "progress"]


def wait_for(words: str) -> None:
    """Return when the artifact says so."""
    while not any(words in str(artifact["description"]) for artifact in artifacts()):
        time.sleep(0.1)


if __name__ == "__main__":
    show()
    print(json.dumps(artifacts()))  # noqa: T201 - the test reads it
