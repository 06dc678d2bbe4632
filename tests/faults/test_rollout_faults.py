"""What can be wrong with a revision: each row is provoked, and read as a person reads it."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from google.cloud import run_v2

from tests.faults.site import GOOD, Site
from untilgreen.model.delivery import ServingStatus
from untilgreen.testing import FakeSecrets

CONTAINER = "HEALTH_CHECK_CONTAINER_ERROR"
NEVER_LISTENED = "failed to start and listen on the port defined provided by the PORT=8080 environment variable"
PROBE_FAILED = "failed the configured startup probe checks"

EXITS = "import sys\nprint('cannot find my settings', file=sys.stderr)\nsys.exit(3)\n"
DEAF = "import time\ntime.sleep(600)\n"
ELSEWHERE = GOOD.replace('int(os.environ["PORT"])', 'int(os.environ["PORT"]) + 1')
TARDY = "import time\ntime.sleep(4)\n" + GOOD
SICK = GOOD.replace('return {"ok": True}', 'raise KeyError("ledger")')
GREEDY = "import time\nheld = bytearray(300 * 2**20)\ntime.sleep(2)\n" + GOOD

slow = pytest.mark.slow


@dataclass(frozen=True)
class Row:
    """One failure.

    Args:
        make: writes the project.
        code: the exit code.
        reason: the platform's, or ours.
        message: a pattern of what a person reads.
        last: a pattern of one of the last lines of container and platform.
        exit_code: what the container ended with.
    """

    make: Callable[[Site], Site]
    code: int
    reason: str
    message: str
    last: str = ""
    exit_code: int | None = None


def row(name: str, *given: object, marks: pytest.MarkDecorator | tuple[()] = (), **more: object) -> object:
    return pytest.param(Row(*given, **more), id=name, marks=marks)  # type: ignore[arg-type]  # rows are checked by use


def app(code: str, **health: int) -> Callable[[Site], Site]:
    return lambda site: site.write(code, **health)


def bound(value: bytes, **how: bool) -> Callable[[Site], Site]:
    return lambda site: site.write(more=f"    secrets: {{KEY: {site.secret(value, **how)}:1}}")


def more(line: str, code: str = GOOD) -> Callable[[Site], Site]:
    return lambda site: site.write(code, more=f"    {line}")


def file(path: str, content: str | None) -> Callable[[Site], Site]:
    return lambda site: site.write(files={path: content})


VALUE = b"b2f6c1e0-4d3a-4f6b-9a55-0c4f2f0f7d11"

ROWS = [
    row("exits", app(EXITS), 3, CONTAINER, NEVER_LISTENED, "cannot find my settings", exit_code=3),
    row("never listens", app(DEAF, startup_s=2), 3, CONTAINER, NEVER_LISTENED, "status DEADLINE_EXCEEDED", marks=slow),
    row("other port", app(ELSEWHERE, startup_s=2), 3, CONTAINER, NEVER_LISTENED, "port 8080", marks=slow),
    row("too slow", app(TARDY, startup_s=2), 3, CONTAINER, NEVER_LISTENED, "probe failed 2 times", marks=slow),
    row("slow enough", app(TARDY, startup_s=20), 0, "", "", marks=slow),
    row("health is 500", app(SICK, startup_s=2), 3, CONTAINER, PROBE_FAILED, "KeyError: 'ledger'", marks=slow),
    row(
        "no program",
        file("shop/Procfile", "web: pythn main.py\n"),
        3,
        CONTAINER,
        NEVER_LISTENED,
        "Application failed to start",
        marks=slow,
    ),
    row("no Procfile", file("shop/Procfile", None), 3, "BuildFailed", "holds no Procfile with a line `web: COMMAND`"),
    row("secret missing", more("secrets: {KEY: none:1}"), 3, "SECRET_MISSING", "KEY: Secret .*/none was not found"),
    row("secret without version", bound(b""), 3, "SECRET_NO_VERSION", "KEY: Secret .* has no version 1", marks=slow),
    row(
        "secret disabled",
        bound(VALUE, disabled=True),
        3,
        "SECRET_DISABLED",
        "KEY: Version 1 of .* is DISABLED. Enable or replace it.",
        marks=slow,
    ),
    row(
        "secret denied",
        bound(VALUE, access=False),
        3,
        "SECRET_DENIED",
        "KEY: Permission denied on secret: .* for Revision service account shop@emulator-moon",
    ),
    row("secret fine", bound(VALUE), 0, "", "", marks=slow),
    row("needs unbound", more("needs: [API_KEY]"), 3, "SECRET_NOT_BOUND", "needs names API_KEY, and neither env nor"),
    row(
        "memory at the start",
        more("memory: 128Mi", GREEDY),
        3,
        CONTAINER,
        NEVER_LISTENED,
        "Memory limit of 128 MiB exceeded",
        exit_code=-9,
        marks=[slow, pytest.mark.skipif(sys.platform != "linux", reason="no limit holds elsewhere")],
    ),
]


@pytest.mark.parametrize("expected", ROWS)
def test_each_failure_is_told(site: Site, expected: Row) -> None:
    """Exit code, reason, message, and the container's own last words are those of the row; no other answer passes."""
    ending = expected.make(site).ending()
    assert (ending.code, ending.reason) == (expected.code, expected.reason)
    assert re.search(expected.message, ending.message)
    if ending.rollout:
        served = ending.rollout.of(site.service)
        assert served.exit_code == expected.exit_code
        assert any(re.search(expected.last, line) for line in served.last_words) or not expected.last
        assert VALUE.decode() not in ending.rollout.model_dump_json()


def test_a_refused_service_is_not_touched(site: Site) -> None:
    """A rollout that a check refuses makes nothing, not even the service."""
    ending = more("needs: [API_KEY]")(site).ending()
    assert ending.rollout
    assert ending.rollout.of(site.service).status is ServingStatus.REFUSED
    assert site.gone()


def test_the_old_revision_goes_on_serving(site: Site) -> None:
    """A new revision that exits leaves the old one with all traffic, and the report names both."""
    first = site.write().ending()
    assert first.rollout
    site.cycle = 2
    second = site.write(EXITS).ending()
    assert second.rollout
    served = second.rollout.of(site.service)
    assert (second.code, served.status, served.reason) == (3, ServingStatus.FAILED, CONTAINER)
    assert served.serving_revision == served.previous_revision == first.rollout.of(site.service).revision
    assert served.revision != served.serving_revision


def test_the_platform_s_own_check_of_secrets(site: Site) -> None:
    """What our check did not see, the platform refuses in its own words, one line for each variable."""
    denied = site.secret(VALUE, access=False)
    site.write(more=f"    secrets: {{A: {denied}:1, B: none:1}}")
    served = site.deploy(secrets=FakeSecrets()).of(site.service)
    assert (served.status, served.reason) == (ServingStatus.FAILED, "SECRETS_ACCESS_CHECK_FAILED")
    first, second = served.message.splitlines()[-2:]
    where = r"spec\.template\.spec\.containers\[0\]\.env\[\d\]\.value_from\.secret_key_ref\.name: "
    assert re.search(where + f"Permission denied on secret: .*/{denied}/versions/1 for Revision service account", first)
    assert re.search(where + "Secret .*/none/versions/1 was not found", second)


def test_an_image_that_vanished(site: Site) -> None:
    """An image that is gone when the revision is made is named by its digest."""
    images = site.write().build()
    shutil.rmtree(site.state / "registry" / "registry.example" / site.service)
    served = site.deploy(images).of(site.service)
    assert (served.status, served.reason) == (ServingStatus.FAILED, "CONTAINER_MISSING")
    assert served.message == f"Image '{images.of(site.service).reference}' not found."


def test_a_pin_is_told_and_undone(site: Site) -> None:
    """Traffic that somebody has pinned is named, and moves to what is deployed."""
    assert site.write().ending().code == 0
    state = site.stranger.get_service(name=site.name)
    pinned = state.latest_ready_revision.rpartition("/")[2]
    kind = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
    state.traffic = [run_v2.TrafficTarget(type_=kind, revision=pinned, percent=100)]
    site.stranger.update_service(service=state).result(timeout=20)
    site.cycle = 2
    ending = site.write(GOOD + "# two\n").ending()
    assert ending.code == 0
    assert ending.rollout
    assert f"traffic is pinned: 100 % goes to {pinned}" in "".join(ending.rollout.notes)
    assert ending.rollout.of(site.service).serving_revision == ending.rollout.of(site.service).revision != pinned
