"""What the platform's front end answers in a service's place, and what the loop makes of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.iam.v1 import iam_policy_pb2, policy_pb2

from tests.faults.site import GOOD, Site
from untilgreen.adapters.local_cloud import running
from untilgreen.model.document import Window
from untilgreen.model.evidence import Entry, Request, Stream
from untilgreen.ports import LogPage, LogQuery

HANGS = GOOD.replace(
    'if self.path == "/health":',
    'if self.path == "/health" and os.path.exists("seen"):\n            import time; time.sleep(600)\n'
    '        open("seen", "w").close()\n        if self.path == "/health":',
)
"""Its first health check is answered, and none after that."""
SICKENS = HANGS.replace("import time; time.sleep(600)", "raise RuntimeError('the ledger is gone')")


def limited(site: Site, **limits: Any) -> str:
    """Deploy with limits that somebody has set by hand, which a rollout leaves alone; return the URL."""
    site.write().deploy()
    service = site.stranger.get_service(name=site.name)
    service.template.revision = ""
    for name, value in limits.items():
        setattr(service.template, name, value)
    site.stranger.update_service(service=service).result(timeout=20)
    site.cycle = 2
    ending = site.write(GOOD + "# two\n").ending()
    assert ending.code == 0, ending.message
    return str(site.stranger.get_service(name=site.name).uri)


def page(site: Site) -> LogPage:
    now, wide = datetime.now(UTC), timedelta(minutes=5)
    return site.shop().logs.read(LogQuery(services=(site.service,), window=Window(start=now - wide, end=now + wide)))


def rows(site: Site, status: int) -> list[Request]:
    return [row for row in page(site).requests if row.status == status]


def system(site: Site) -> list[Entry]:
    return [entry for entry in page(site).entries if entry.stream is Stream.SYSTEM]


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=20, trust_env=False)


@pytest.mark.slow
def test_a_request_that_takes_too_long(site: Site) -> None:
    """A request longer than the service's time-out is 504, and the evidence has its row."""
    url = limited(site, timeout=timedelta(seconds=1))
    assert get(f"{url}/slow").status_code == 504
    (row,) = rows(site, 504)
    assert row.path == "/slow"


@pytest.mark.slow
def test_more_requests_than_instances_take(site: Site) -> None:
    """Requests that no instance has room for are 429, and the evidence has their rows."""
    url = limited(site, max_instance_request_concurrency=1, scaling={"max_instance_count": 1})
    with ThreadPoolExecutor(12) as many:
        answers = [answer.status_code for answer in many.map(get, [f"{url}/slow"] * 12)]
    assert set(answers) == {200, 429}
    assert len(rows(site, 429)) == answers.count(429)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="no limit holds elsewhere")
def test_a_request_that_takes_too_much_memory(site: Site) -> None:
    """An instance beyond its memory is ended; the platform's words are in the evidence, and the next one serves."""
    assert site.write(more="    memory: 128Mi").ending().code == 0
    url = site.stranger.get_service(name=site.name).uri
    assert get(f"{url}/eat").status_code in (500, 503)
    assert any("Memory limit of 128 MiB exceeded with" in entry.message for entry in system(site))
    assert get(f"{url}/items/tea").status_code == 200


@pytest.mark.slow
def test_health_that_stops_answering(site: Site) -> None:
    """A service that hangs after its start is unhealthy: the message names path, time and the lack of an answer."""
    ending = site.write(HANGS, timeout_s=1).ending()
    assert ending.code == 3
    assert f"{site.service}: http" in ending.message
    assert "/health was not healthy within 1 s; the last answer was ReadTimeout" in ending.message


def test_health_that_turns_bad(site: Site) -> None:
    """A service whose health turns to 500 after its start is unhealthy, and the answer is shown."""
    ending = site.write(SICKENS, timeout_s=1).ending()
    assert ending.code == 3
    assert '/health was not healthy within 1 s; the last answer was 500 {"error": "internal"}' in ending.message


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Site]:
    """A project on an emulator where services are private until a policy opens them."""
    with running(tmp_path / "state", options=("--invoker-iam",)) as cloud:
        yield Site(cloud, tmp_path / "state", tmp_path / "shop")


@pytest.mark.slow
def test_a_service_that_we_may_not_call(private: Site) -> None:
    """A 403 of the front end is told as such, without any line of the app; a policy that opens the service mends it."""
    ending = private.write(timeout_s=1).ending()
    assert ending.code == 3
    assert "/health was not healthy within 1 s; the last answer was 403" in ending.message
    assert len(rows(private, 403)) > 0
    assert not [entry for entry in page(private).entries if entry.stream in {Stream.STDOUT, Stream.STDERR}]
    policy = policy_pb2.Policy(bindings=[policy_pb2.Binding(role="roles/run.invoker", members=["allUsers"])])
    private.stranger.set_iam_policy(request=iam_policy_pb2.SetIamPolicyRequest(resource=private.name, policy=policy))
    private.cycle = 2
    assert private.write(GOOD + "# two\n").ending().code == 0
