"""When the cloud's API itself fails: what passes by itself is ridden out, the rest is told."""

from __future__ import annotations

import threading
import time

import pytest
from google.api_core import exceptions

from tests.faults.site import GOOD, Site
from untilgreen.errors import CloudUnavailable
from untilgreen.model.delivery import ServingStatus

TRANSIENT = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED")


def revisions(site: Site) -> int:
    """Return how often the service was changed."""
    return int(site.stranger.get_service(name=site.name).generation)


def test_a_flaky_api_is_ridden_out(site: Site) -> None:
    """With 3 of 10 calls of every API failing, a rollout ends well and is proven to serve."""
    site.write(more=f"    secrets: {{KEY: {site.secret(b'b2f6c1e0-4d3a-4f6b-9a55-0c4f2f0f7d11')}:1}}")
    apis = ("Services", "Revisions", "Operations", "SecretManagerService", "LoggingServiceV2")
    with site.faults(fault=[f"{api}/*:UNAVAILABLE:0.3" for api in apis], fault_seed=3):
        ending = site.ending()
    assert (ending.code, ending.message) == (0, "")
    assert ending.health
    assert all(identity.proven for identity in ending.health.identities)
    assert revisions(site) == 1


@pytest.mark.parametrize(
    ("code", "lost"),
    [pytest.param(code, lost, marks=pytest.mark.slow) for code in TRANSIENT for lost in ("", ":lost")],
)
def test_a_failed_change_is_made_once(site: Site, code: str, lost: str) -> None:
    """A change that fails is tried again; one whose answer was lost is found, not made twice."""
    site.write()
    with site.faults(fault=[f"CreateService:{code}:1x{lost}"]):
        assert site.ending().code == 0
    assert revisions(site) == 1
    site.cycle = 2
    site.write(GOOD + "# two\n")
    with site.faults(fault=[f"UpdateService:{code}:1x{lost}"]):
        assert site.ending().code == 0
    assert revisions(site) == 2


def test_an_api_that_is_down_is_told(site: Site) -> None:
    """When nothing answers, the error says which service, what the API said and what to do, with exit code 3."""
    images = site.write().build()
    with site.faults(fault=["Services/*:UNAVAILABLE"]), pytest.raises(CloudUnavailable) as error:
        site.deploy(images, services=site.impatient())
    assert error.value.exit_code == 3
    assert str(error.value).startswith(f"{site.service}: Cloud Run does not answer: ")
    assert "The service is currently unavailable." in str(error.value)
    assert "Try again later." in str(error.value)
    assert site.gone()


def test_a_denied_deployer_is_told(site: Site) -> None:
    """A refusal that will not pass is not tried again, and names the roles that are missing."""
    images = site.write().build()
    begun = time.monotonic()
    with site.faults(fault=["CreateService:PERMISSION_DENIED"]):
        served = site.deploy(images).of(site.service)
    assert (served.status, served.reason) == (ServingStatus.FAILED, "REQUEST_REFUSED")
    assert "Permission denied. Grant the deployer roles/run.developer" in served.message
    assert time.monotonic() - begun < 30


@pytest.mark.slow
def test_slow_answers_change_nothing(site: Site) -> None:
    """An API that takes its time is waited for."""
    site.write()
    with site.faults(latency=["Services/*:100ms-200ms", "ListLogEntries:200ms"]):
        assert site.ending().code == 0


def test_a_foreign_writer_in_the_middle(site: Site) -> None:
    """Somebody who changes the service all the time causes conflicts, and the rollout ends well all the same."""
    assert site.write().ending().code == 0
    site.cycle = 2
    images = site.write(GOOD + "# two\n").build()
    stop, touches = threading.Event(), 0

    def meddle() -> None:
        nonlocal touches
        while not stop.wait(0.01):
            try:
                service = site.stranger.get_service(name=site.name)
                service.labels["touched"], service.template.revision = str(touches), ""
                site.stranger.update_service(service=service)
                touches += 1
            except exceptions.Aborted:
                continue

    meddler = threading.Thread(target=meddle)
    meddler.start()
    try:
        rollout = site.deploy(images)
    finally:
        stop.set()
        meddler.join()
    assert rollout.of(site.service).status is ServingStatus.SERVING
    service = site.stranger.get_service(name=site.name)
    assert touches
    assert service.latest_ready_revision.endswith(rollout.of(site.service).revision)


@pytest.mark.slow
def test_a_conflict_that_never_ends(site: Site) -> None:
    """When every write finds another etag, it is given up and told as somebody else's doing."""
    images = site.write().build()
    site.deploy(images)
    site.cycle = 2
    images = site.write(GOOD + "# two\n").build()
    with site.faults(fault=["UpdateService:ABORTED"]), pytest.raises(CloudUnavailable) as error:
        site.deploy(images)
    assert error.value.exit_code == 3
    assert "changed by somebody else" in str(error.value)


@pytest.mark.slow
def test_a_name_that_is_taken(site: Site) -> None:
    """A revision of the same name but with another template is refused by the platform, and the advice is given."""
    site.write().ending()
    service = site.stranger.get_service(name=site.name)
    taken = service.latest_ready_revision.rpartition("/")[2]
    service.template.revision = ""
    service.template.labels["other"] = "1"
    site.stranger.update_service(service=service).result(timeout=20)
    service = site.stranger.get_service(name=site.name)
    service.template.revision, service.template.labels["other"] = taken, "2"
    with pytest.raises(exceptions.AlreadyExists, match=f"Revision named '{taken}' with different configuration"):
        site.stranger.update_service(service=service)
