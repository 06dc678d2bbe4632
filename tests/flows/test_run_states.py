"""Why a loop ended is how its flow run's state is named: the list of runs in the UI says it without a click."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from untilgreen.model.cycle import Stop

ROOT = Path(__file__).parents[2]

NAMES = {
    "green green": "Green",
    "max_cycles red": "Red",
    "max_cycles unproven": "Unproven",
    "no_fix red": "Red",
    "no_fix broken": "Broken",
    "time red": "OutOfTime",
    "cost red": "OutOfBudget",
    "no_progress red": "NoProgress",
    "breaker red": "Broken",
    "regression red": "Regression",
    "all_rejected red": "Rejected",
    "not_approved red": "NotApproved",
    "waiting red": "AwaitingApproval",
}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_server_shows_why_each_run_ended(prefect_environment: dict[str, str], tmp_path: Path) -> None:
    """Only proven green is Completed; every other end is Failed, by its reason's name and with the reason in words."""
    command = [sys.executable, "-m", "tests.flows.states_show", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=prefect_environment, capture_output=True, text=True, check=False, timeout=400
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    kind, name, message = seen.pop("wrong revision")
    assert (kind, name, "nope" in message) == ("FAILED", "RepositoryError", True)
    assert {end: name for end, (_, name, _) in seen.items()} == NAMES
    for end, (kind, _, message) in seen.items():
        assert kind == ("COMPLETED" if end == "green green" else "FAILED")
        assert message == f"because of {end.split()[0]}"


def test_every_reason_is_shown() -> None:
    """No way to end is left out of the table above, but those in which no flow is left to name anything."""
    assert {end.split()[0] for end in NAMES} == {*Stop} - {Stop.INTERRUPTED, Stop.ERROR}
