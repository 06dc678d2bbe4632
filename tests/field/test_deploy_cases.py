"""What really went wrong in steps deploy and wait, reconstructed: each test is named after its row."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.moon import PROJECT, REGION, Moon, rise
from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.adapters.http_probe import HttpProbe
from untilgreen.adapters.snapshot_registry import SnapshotRegistry
from untilgreen.deploy.step import deploy
from untilgreen.green import judge
from untilgreen.model.cycle import Color, Run
from untilgreen.model.delivery import Image, Images, ServingStatus
from untilgreen.settings import Settings, parse
from untilgreen.testing import FakeClock, FakeLogs, FakeProbe, FakeSecrets, FakeServices
from untilgreen.wait.step import wait

CIRCLE = """
import http.server, os, threading, urllib.request

checking = threading.Lock()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/ready":
            with checking:
                urllib.request.urlopen(f"http://{self.headers['Host']}/ready", timeout=20).read()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

RUN = Run(loop="field", cycle=1, commit="c" * 40, root="", state="")


def images(settings: Settings, reference: str) -> Images:
    """Return one image for all services."""
    digest = reference.partition("@")[2]
    made = (Image(service=s, reference=reference, digest=digest, commit="c" * 40, files=()) for s in settings.services)
    return Images(commit="c" * 40, images=tuple(made))


@pytest.fixture
def moon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moon]:
    """Start an emulator."""
    with rise(tmp_path_factory.mktemp("moon"), tmp_path_factory.mktemp) as risen:
        yield risen


def test_c23_no_url_is_no_success() -> None:
    """C23: services without a URL were "deployed successfully": missing evidence fails, and is named."""
    settings = parse("services: {auth: {source: a, image: r.test/a}, backend: {source: b, image: r.test/b}}")
    made = images(settings, "r.test/any@sha256:1")
    rollout = deploy(RUN, settings, made, FakeServices(url=""), FakeSecrets(), clock=FakeClock())
    assert {(s.status, s.reason) for s in rollout.services} == {(ServingStatus.FAILED, "NO_URL")}
    health = wait(settings, rollout, FakeProbe(), FakeLogs(), FakeClock())
    assert not health.healthy
    assert "auth failed: NO_URL The platform gave the service no URL" in health.reason
    verdict = judge(made, rollout, health, None, None, [], minimum=1)
    assert verdict.color is Color.BROKEN


def test_c23_nobody_waits_for_a_missing_url() -> None:
    """C23: even a rollout that claims to serve is not healthy when nobody knows where."""
    settings = parse("services: {auth: {source: a, image: r.test/a}}")
    services = FakeServices()
    rollout = deploy(RUN, settings, images(settings, "r.test/a@sha256:1"), services, FakeSecrets(), clock=FakeClock())
    homeless = tuple(served.model_copy(update={"url": ""}) for served in rollout.services)
    health = wait(settings, rollout.model_copy(update={"services": homeless}), FakeProbe(), FakeLogs(), FakeClock())
    assert not health.healthy
    assert health.reason.startswith("auth: NO_URL")


def test_c36_health_and_readiness_apart(moon: Moon, tmp_path_factory: pytest.TempPathFactory) -> None:
    """C36: readiness times out on a check that goes round while health answers: both are told, with their timing."""
    context = tmp_path_factory.mktemp("circle")
    (context / "Procfile").write_text("web: python app.py\n")
    (context / "app.py").write_text(CIRCLE)
    digest = SnapshotRegistry(moon.registry).push("registry.moon/circle", context, ["Procfile", "app.py"])
    settings = parse("""
services: {circle: {source: c, image: registry.moon/circle, health: {ready: /ready, timeout_s: 1}}}
""")
    services = CloudRunServices(PROJECT, REGION, moon.endpoint)
    made = images(settings, f"registry.moon/circle@{digest}")
    rollout = deploy(RUN, settings, made, services, FakeSecrets())
    health = wait(settings, rollout, HttpProbe(timeout_s=0.6), CloudLogging(PROJECT, moon.endpoint))
    assert rollout.serving
    assert not health.healthy
    alive = [check for check in health.checks if check.kind == "health"]
    able = [check for check in health.checks if check.kind == "ready"]
    assert all(check.ok for check in alive)
    assert not any(check.ok for check in able)
    assert max(check.latency_s for check in alive) < min(check.latency_s for check in able)
    assert "/ready was not ready within 1 s; the last answer was ReadTimeout" in health.reason
    assert "its health answers 200 after" in health.reason
