"""How the doctor looks: through the steps and ports of the loop, and without stopping at the first thing that fails."""

from __future__ import annotations

from pathlib import Path

from untilgreen.checkup.clouds import secrets_seen
from untilgreen.checkup.images import context_seen
from untilgreen.checkup.suites import NOWHERE, collection
from untilgreen.doctor.facts import Unseen
from untilgreen.errors import CloudUnavailable, SuiteCrashed
from untilgreen.model.cycle import Run
from untilgreen.model.secrets import SecretBinding, SecretStatus
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOrder, SuiteOutput, Watcher
from untilgreen.settings import Service, parse
from untilgreen.testing import FakeChecker, FakeSecrets, FakeSuite

SETTINGS = parse(
    """\
services:
  shop:
    source: apps/shop
    image: registry.example/shop
    secrets: {JWT_KEY: "jwt-key:1"}
    needs: [JWT_KEY, API_URL]
suite: {path: e2e, minimum: 2, args: [-k, tea], env: {SHOP_URL: "{shop.url}/v1"}}
"""
)
SHOP = SETTINGS.services["shop"]
RUN = Run(loop="doctor", cycle=1, commit="c0ffee", root="/nowhere", state="/nowhere")


class BrokenSuite:
    """A runner that cannot start."""

    def run(self, _order: SuiteOrder, _watcher: Watcher) -> SuiteOutput:
        raise SuiteCrashed("no such interpreter")


class SilentSecrets(FakeSecrets):
    """A Secret Manager that does not answer."""

    def check(self, service: str, binding: SecretBinding, account: str) -> SecretStatus:
        raise CloudUnavailable(f"{service} {binding.env} {account}: try again")


def test_tests_are_collected_by_the_runner_of_the_loop(tmp_path: Path) -> None:
    """The order is the loop's own with --collect-only, and services are nowhere."""
    suite = FakeSuite({"e2e/test_a.py::test_tea": (Outcome.PASSED,)})
    seen = collection(SETTINGS, tmp_path, suite, "python")
    (order,) = suite.orders
    assert (seen.collected, seen.minimum) == (1, 2)
    assert order.args == ("-k", "tea", "--collect-only")
    assert order.env == {"SHOP_URL": f"http://{NOWHERE}/v1"}


def test_a_runner_that_cannot_start_is_a_fact(tmp_path: Path) -> None:
    """The doctor goes on and keeps the runner's own words."""
    assert collection(SETTINGS, tmp_path, BrokenSuite(), "python").crash == "no such interpreter"


def test_a_build_context_is_looked_at_as_the_image_gate_does(tmp_path: Path) -> None:
    """Files that an ignore file keeps out do not count, and what the gate finds is kept."""
    folder = tmp_path / "apps" / "shop"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text("import gone\n")
    (folder / "gone.py").write_text("")
    (folder / "Procfile").write_text("web: python main.py\n")
    (folder / ".dockerignore").write_text("gone.py\n")
    seen = context_seen("shop", SHOP, tmp_path, FakeChecker(), "")
    assert (seen.files, seen.procfile, seen.error) == (3, True, "")
    assert any("gone" in found.message for found in seen.findings)


def test_a_source_that_is_not_there_is_a_fact(tmp_path: Path) -> None:
    """The doctor keeps why there is no context, beside why its builder cannot work."""
    seen = context_seen("shop", Service(source="nowhere", image="x"), tmp_path, FakeChecker(), "docker is down")
    assert "nowhere" in seen.error
    assert seen.error.endswith("docker is down")


def test_secrets_are_checked_as_before_a_rollout() -> None:
    """Each binding gets a status, and so does what a service needs and nothing binds."""
    seen = secrets_seen(RUN, SETTINGS, FakeSecrets())
    assert not isinstance(seen, Unseen)
    assert [(status.binding.env, status.usable) for status in seen] == [("JWT_KEY", True), ("API_URL", False)]


def test_secrets_that_cannot_be_asked_for_are_not_checked() -> None:
    """A fault in the middle is no pass."""
    seen = secrets_seen(RUN, SETTINGS, SilentSecrets())
    assert isinstance(seen, Unseen)
    assert "try again" in seen.why
