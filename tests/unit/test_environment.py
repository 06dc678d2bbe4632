"""One loop per environment: two never change the same services at once."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from untilgreen.environment import LEASE_S, Environment, Tenant, tenancy
from untilgreen.errors import EnvironmentTaken

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def watch() -> Watch:
    """Return the clock of all machines."""
    return Watch()


def environment(tmp_path: Path, watch: Watch) -> Environment:
    return Environment(tmp_path, "shop-europe-west1", watch)


def gone(tmp_path: Path, *, host: str = "", until: datetime | None = None) -> Tenant:
    """Leave the row of a run whose process is gone."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    there = Tenant(
        loop="night", token="t", host=host or socket.gethostname(), pid=ended.pid, since=NOON, seen=NOON, until=until
    )
    file = tmp_path / "environments" / "shop-europe-west1.json"
    file.parent.mkdir()
    file.write_text(there.model_dump_json())
    return there


def test_a_second_loop_is_told_who_is_there(tmp_path: Path, watch: Watch) -> None:
    """Whoever comes second learns which loop, process and machine is there, and what to do."""
    told = pytest.raises(EnvironmentTaken, match=r"loop night .*process \d+ on .*--take-over")
    with tenancy(environment(tmp_path, watch), "night"), told:
        environment(tmp_path, watch).enter("day")
    environment(tmp_path, watch).enter("day")


def test_a_dead_run_makes_room_at_once(tmp_path: Path, watch: Watch) -> None:
    """A process that is gone on this machine holds nothing."""
    gone(tmp_path)
    environment(tmp_path, watch).enter("day")


def test_another_machines_run_makes_room_after_the_lease(tmp_path: Path, watch: Watch) -> None:
    """Of another machine only signs of life tell whether it lives."""
    gone(tmp_path, host="elsewhere")
    with pytest.raises(EnvironmentTaken):
        environment(tmp_path, watch).enter("day")
    watch.sleep(LEASE_S + 1)
    environment(tmp_path, watch).enter("day")


def test_a_loop_that_waits_for_a_person_keeps_its_place(tmp_path: Path, watch: Watch) -> None:
    """While a person is asked nobody else enters though the process is gone, until the time for the answer is over."""
    gone(tmp_path, until=NOON + timedelta(hours=8))
    watch.sleep(3600)
    with pytest.raises(EnvironmentTaken, match="waiting for a person until 2026-01-01 20:00 UTC"):
        environment(tmp_path, watch).enter("day")
    environment(tmp_path, watch).enter("night")
    watch.sleep(LEASE_S + 1)


def test_an_answer_that_never_came_makes_room(tmp_path: Path, watch: Watch) -> None:
    """When the time for an answer is over, others may enter."""
    gone(tmp_path, until=NOON + timedelta(hours=8))
    watch.sleep(9 * 3600)
    environment(tmp_path, watch).enter("day")


def test_whoever_is_turned_out_notices(tmp_path: Path, watch: Watch) -> None:
    """After a take-over the first one's next sign of life is refused, and its leaving changes nothing."""
    first, second = environment(tmp_path, watch), environment(tmp_path, watch)
    first.enter("night")
    second.enter("day", take_over=True)
    with pytest.raises(EnvironmentTaken, match="loop day"):
        first.renew()
    first.leave()
    there = second.tenant()
    assert there is not None
    assert there.loop == "day"


def test_a_sign_of_life_does_not_end_the_waiting(tmp_path: Path, watch: Watch) -> None:
    """The beat goes on while a person is asked, and leaves the time for the answer as it is."""
    mine = environment(tmp_path, watch)
    mine.enter("night")
    with mine.asking(NOON + timedelta(hours=1)):
        mine.renew()
        there = mine.tenant()
        assert there is not None
        assert there.until == NOON + timedelta(hours=1)
    there = mine.tenant()
    assert there is not None
    assert there.until is None


def test_a_suspension_keeps_the_place(tmp_path: Path, watch: Watch) -> None:
    """What ends the process but not the loop leaves the row; anything else removes it."""
    mine = environment(tmp_path, watch)
    with pytest.raises(SystemExit), tenancy(mine, "night", stays=(SystemExit,)):
        raise SystemExit
    assert mine.tenant() is not None
    mine.leave()
    with pytest.raises(ValueError, match="x"), tenancy(mine, "night", stays=(SystemExit,)):
        raise ValueError("x")
    assert mine.tenant() is None


def test_an_unreadable_row_lets_nobody_in(tmp_path: Path, watch: Watch) -> None:
    """What cannot be read is an error that names the file, never free room."""
    file = tmp_path / "environments" / "shop-europe-west1.json"
    file.parent.mkdir()
    file.write_text("{")
    with pytest.raises(EnvironmentTaken, match=r"shop-europe-west1\.json: cannot be read"):
        environment(tmp_path, watch).enter("day")


def test_of_many_at_once_one_enters(tmp_path: Path, watch: Watch) -> None:
    """However many find a dead run's row at the same moment, one gets the place."""
    gone(tmp_path)
    entered: list[int] = []
    start = threading.Barrier(16)

    def come(number: int) -> None:
        start.wait()
        try:
            environment(tmp_path, watch).enter(f"loop-{number}")
        except EnvironmentTaken:
            return
        entered.append(number)

    crowd = [threading.Thread(target=come, args=(n,)) for n in range(16)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert len(entered) == 1
