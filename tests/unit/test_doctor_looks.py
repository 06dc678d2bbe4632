"""How the doctor looks: through the ports of the loop, and without stopping at the first thing that fails."""

from __future__ import annotations

from pathlib import Path

from untilgreen.checkup import NOWHERE, collection, context, secrets
from untilgreen.doctor.facts import SecretsSeen
from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOrder, SuiteOutput, Watcher
from untilgreen.settings import Service, parse
from untilgreen.testing import FakeSecrets, FakeSuite

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


class BrokenSuite:
    """A runner that cannot start."""

    def run(self, _order: SuiteOrder, _watcher: Watcher) -> SuiteOutput:
        raise SuiteCrashed("no such interpreter")


def test_tests_are_collected_by_the_runner_of_the_loop(tmp_path: Path) -> None:
    """The order is the loop's own with --collect-only, and services are nowhere."""
    suite = FakeSuite({"e2e/test_a.py::test_tea": (Outcome.PASSED,)})
    seen = collection(SETTINGS, tmp_path, suite)
    (order,) = suite.orders
    assert (seen.collected, seen.minimum) == (1, 2)
    assert order.args == ("-k", "tea", "--collect-only")
    assert order.env == {"SHOP_URL": f"http://{NOWHERE}/v1"}


def test_a_runner_that_cannot_start_is_a_fact(tmp_path: Path) -> None:
    """The doctor goes on and keeps the runner's own words."""
    assert collection(SETTINGS, tmp_path, BrokenSuite()).crash == "no such interpreter"


def test_a_context_is_looked_up_in_the_commit() -> None:
    """Only files below the source count, and the root is a source, too."""
    files = ("apps/shop/Procfile", "apps/shop/main.py", "apps/shopping/x.py", "Procfile")
    shop = context("shop", SETTINGS.services["shop"], files)
    assert (shop.files, shop.procfile) == (2, True)
    whole = context("all", Service(source="./", image="registry.example/all"), files)
    assert (whole.files, whole.procfile) == (4, True)
    assert context("none", Service(source="apps/sho", image="registry.example/x"), files).files == 0


def test_a_build_command_names_its_program() -> None:
    """The first word of a command line that is no assignment is what must be on PATH."""
    builder = {"kind": "command", "command": "A=1 surely-no-such-program build ."}
    service = Service.model_validate({"source": ".", "image": "registry.example/x", "builder": builder})
    seen = context("x", service, ("main.py",))
    assert (seen.program, seen.on_path) == ("surely-no-such-program", False)


def test_needs_without_a_binding_are_reported_beside_the_secrets() -> None:
    """What a service declares that it needs and nothing binds is no matter of the platform."""
    seen = secrets(SETTINGS, FakeSecrets())
    assert isinstance(seen, SecretsSeen)
    assert seen.unbound == {"shop": ("API_URL",)}
    assert [status.binding.secret for status in seen.statuses] == ["jwt-key"]
