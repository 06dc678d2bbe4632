"""The port Services while the platform has a bad day: what may pass by itself is asked again, the rest is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.contract.moon import PROJECT, REGION, Moon
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.errors import CloudUnavailable, RolloutFailed
from untilgreen.model.delivery import ServiceState, Template

TRANSIENT = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "DEADLINE_EXCEEDED")


@pytest.fixture
def faults(moon: Moon) -> Iterator[Callable[[str], None]]:
    """Return what makes calls fail from now on, until the end of the test."""
    file = moon.registry.parent / "faults.json"

    def fail(*rules: str) -> None:
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps({"fault": rules}))
        draft.replace(file)

    yield fail
    file.unlink(missing_ok=True)


def rolled_out(moon: Moon, name: str, number: int, patience_s: float = 10) -> ServiceState:
    """Roll one revision out."""
    env = {"NUMBER": str(number)}
    template = Template(service=name, image=moon.good, account=f"app@{PROJECT}.iam.gserviceaccount.com", env=env)
    services = CloudRunServices(PROJECT, REGION, moon.endpoint, patience_s)
    return services.apply(template.model_copy(update={"health_path": "/"}), f"{name}-{number}")


@pytest.mark.parametrize("code", TRANSIENT)
@pytest.mark.parametrize("method", ["CreateService", "UpdateService", "GetService", "GetRevision"])
def test_transient_faults_are_ridden_out(moon: Moon, faults: Callable[[str], None], method: str, code: str) -> None:
    """Two faults of a transient kind in any call, and the rollout still succeeds."""
    name = moon.name()
    if method == "UpdateService":
        rolled_out(moon, name, 1)
    faults(f"{method}:{code}:2x")
    state = rolled_out(moon, name, 2)
    assert (state.ready, state.latest_ready) == (True, f"{name}-2")


@pytest.mark.parametrize("method", ["CreateService", "UpdateService"])
def test_a_lost_answer_makes_nothing_twice(moon: Moon, faults: Callable[[str], None], method: str) -> None:
    """When a call did its work and only its answer was lost, the next look finds the work done."""
    name = moon.name()
    before = rolled_out(moon, name, 1).generation if method == "UpdateService" else 0
    faults(f"{method}:UNAVAILABLE:1x:lost")
    state = rolled_out(moon, name, 2)
    assert (state.ready, state.latest_created, state.generation) == (True, f"{name}-2", before + 1)


@pytest.mark.parametrize("method", ["UpdateService", "GetService"])
def test_permanent_faults_are_not_asked_again(moon: Moon, faults: Callable[[str], None], method: str) -> None:
    """A fault that will not pass by itself ends the rollout at once, though a second try would have succeeded."""
    name = moon.name()
    rolled_out(moon, name, 1)
    faults(f"{method}:INTERNAL:1x")
    with pytest.raises(RolloutFailed, match="Internal error"):
        rolled_out(moon, name, 2)


def test_patience_ends(moon: Moon, faults: Callable[[str], None]) -> None:
    """A cloud that stays away is CloudUnavailable after the patience that was asked for."""
    faults("GetService:UNAVAILABLE")
    with pytest.raises(CloudUnavailable, match="does not answer"):
        rolled_out(moon, moon.name(), 1, patience_s=0.3)


@pytest.mark.parametrize(
    "rules",
    [
        ("WaitOperation:UNAVAILABLE",),
        ("WaitOperation:UNIMPLEMENTED",),
        ("WaitOperation:UNIMPLEMENTED", "GetOperation:INTERNAL"),
    ],
)
def test_nobody_tells_of_the_operation(moon: Moon, faults: Callable[..., None], rules: tuple[str, ...]) -> None:
    """When the operation cannot be asked for, the service's own conditions decide."""
    faults(*rules)
    name = moon.name()
    assert rolled_out(moon, name, 1).latest_ready == f"{name}-1"
