"""How soon a start or an end is known, and what starting side by side saves."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from places import PROJECT, REGION, Place

from untilgreen.adapters.google_connection import connect
from untilgreen.settings import Settings
from untilgreen.wait.step import wait

SLEEP_S = 5.0
"""Between two looks of the usual shell script."""


@dataclass(frozen=True)
class Seen:
    """Seconds from the truth until somebody knew."""

    ours: float
    theirs: float


def health(here: Place, number: int) -> Seen:
    """Deploy a service that takes a while to start, and let a script that sleeps watch the same one."""
    name = f"slow{number}"
    pause = random.uniform(0.5, 4)  # noqa: S311 - a start-up of any length
    settings = Settings(services={name: here.service(name, env={"PAUSE": str(pause)})})
    theirs: list[float] = []
    script = threading.Thread(target=ask_and_sleep, args=(here, name, theirs))
    script.start()
    rollout = here.deploy(settings)
    healthy = wait(settings, rollout, here.probe, here.logs)
    ours = time.time()
    assert healthy.healthy, healthy.reason
    script.join()
    truth = float(here.stamp(name).read_text())
    return Seen(ours - truth, theirs[0] - truth)


def ask_and_sleep(here: Place, name: str, seen: list[float]) -> None:
    """Do what scripts do: ask, and sleep when it is not yet healthy."""
    while not seen:
        state = here.services.get(name)
        try:
            if state and state.ready and httpx.get(f"{state.url}/health", trust_env=False).is_success:
                seen.append(time.time())
                return
        except httpx.HTTPError:
            pass
        time.sleep(SLEEP_S)


def crash(here: Place, number: int, after: float) -> Seen:
    """Deploy a service that ends by itself, ours and by the client library."""
    name = f"dies{number}-{after:.0f}"
    env = {"DIES": "1", "PAUSE": str(after)}
    rollout = here.deploy(Settings(services={name: here.service(name, env=env)}))
    ours = time.time() - _moment(here.stamp(name))
    failed = rollout.of(name)
    assert failed.exit_code == 1, failed
    assert "no more" in failed.last_words, failed
    return Seen(ours, _library(here, f"{name}-peer", env) - _moment(here.stamp(f"{name}-peer")))


def _library(here: Place, name: str, env: dict[str, str]) -> float:
    client = connect(run_v2.ServicesClient, ServicesGrpcTransport, here.endpoint)
    variables = [run_v2.EnvVar(name=k, value=v) for k, v in (env | {"STAMP": str(here.stamp(name))}).items()]
    container = run_v2.Container(image=here.image, env=variables)
    service = run_v2.Service(template=run_v2.RevisionTemplate(containers=[container]))
    parent = f"projects/{PROJECT}/locations/{REGION}"
    operation: Any = client.create_service(parent=parent, service=service, service_id=name)
    try:
        operation.result(timeout=60)
    except GoogleAPICallError:
        return time.time()
    raise AssertionError(f"{name} should have failed")


def several(here: Place, number: int, *, chained: bool) -> float:
    """Return how long four services take that each need a second to start."""
    names = [f"four{number}-{n}" for n in range(4)]
    services = {
        name: here.service(name, env={"PAUSE": "1"}, depends_on=names[:n][-1:] if chained else [])
        for n, name in enumerate(names)
    }
    begun = time.monotonic()
    rollout = here.deploy(Settings(services=services))
    assert rollout.serving
    return time.monotonic() - begun


def _moment(file: Path) -> float:
    return float(file.read_text())
