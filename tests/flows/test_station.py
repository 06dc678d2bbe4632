"""A station as a team runs it: its server asks for a word and keeps its runs in PostgreSQL, a worker does the loops."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.shop_project import FILES, SERVICE, SETTINGS, TESTS, commit
from tests.flows.database import PASSWORD, Database, database, missing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WORD = "team:Brombeer-4471-hecke"
CHECK = '    assert not [name for name in os.environ if "AUTH_STRING" in name or "DATABASE" in name]\n'
"""A test that knew the word could approve a fix; all six fail if they do."""
SHOP = {
    **FILES,
    "untilgreen.yaml": SETTINGS.replace("approve:", "  negative: {when: never}\napprove:"),
    "e2e/test_shop.py": TESTS.replace("(item):\n", "(item):\n    import time; time.sleep(3)\n") + CHECK,
}
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}


class Station:
    """Everything that `untilgreen up` started, as its users reach it."""

    def __init__(self, folder: Path, place: Database | None) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTEST_"))}
        hasty = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "3"}
        server = {"PREFECT_SERVER_API_AUTH_STRING": WORD, **hasty}
        if place:
            server["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = place.url
        self.root, self.home, self.database = folder / "shop", folder / "home", place
        self.strange = {**kept, "UNTILGREEN_HOME": str(self.home)}
        self.environment = {**self.strange, **server}
        self.said: list[str] = []

    def untilgreen(self, *arguments: str, code: int = 0, **more: str) -> str:
        """Run a command, and return everything that it said."""
        command = [sys.executable, "-m", "untilgreen", *arguments, "--repo", str(self.root)]
        done = subprocess.run(
            command[:-2] if arguments == ("down",) else command,
            env={**self.environment, **more}, capture_output=True, text=True, check=False, timeout=400,
        )  # fmt: skip
        self.said += [done.stdout, done.stderr]
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def api(self) -> str:
        """Return where the server is."""
        return str(json.loads((self.home / "server.json").read_text())["api"])

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Ask the server as somebody who knows the word."""
        user, _, password = WORD.partition(":")
        known: dict[str, Any] = {"json": body} if body or method == "POST" else {}
        answer = httpx.request(method, f"{self.api}/{path}", auth=(user, password), timeout=30, **known)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def deployment(self, name: str) -> dict[str, Any]:
        """Return a deployment."""
        return dict(self.ask("GET", f"deployments/name/until-green/{name}"))

    def start(self, name: str) -> str:
        """Press Run at a deployment; return the run."""
        return str(self.ask("POST", f"deployments/{self.deployment(name)['id']}/create_flow_run")["id"])

    def state(self, run: str) -> tuple[str, str]:
        """Return type and name of a run's state."""
        state = self.ask("GET", f"flow_runs/{run}")["state"]
        return state["type"], state["name"]

    def await_state(self, run: str, *names: str) -> tuple[str, str]:
        """Wait until a run's state, or its type, is one of these."""

        def there() -> tuple[str, str] | None:
            state = self.state(run)
            return state if {*state} & {*names} else None

        return await_(there, f"{run}: {names}")

    def files(self) -> Iterator[Path]:
        """Go through everything that was written."""
        for folder in (self.home, self.root):
            yield from (file for file in folder.rglob("*") if file.is_file())


def await_(what: Callable[[], Any], words: str, patience_s: float = 300) -> Any:
    """Wait until something is there, and return it."""
    until = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < until, words
        time.sleep(0.3)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """Bring everything up for a project; with PostgreSQL where there is one."""
    with ExitStack() as stack:
        place = None if missing() else stack.enter_context(database())
        station = Station(tmp_path_factory.mktemp("team"), place)
        for path, content in SHOP.items():
            (station.root / path).parent.mkdir(parents=True, exist_ok=True)
            (station.root / path).write_text(content)
        commit(station.root, "begin")
        stack.callback(station.untilgreen, "down")
        station.untilgreen("up", "--port", str(free_port()))
        yield station


def test_every_deployment_is_registered(station: Station) -> None:
    """Prefect took all of prefect.yaml: who runs by a clock, who waits its turn, and whose repository it is."""
    known = {name: station.deployment(name) for name in ("nightly", "by-hand", "one-cycle")}
    assert [schedule["schedule"]["cron"] for schedule in known["nightly"]["schedules"]] == ["0 2 * * *"]
    assert known["by-hand"]["schedules"] == known["one-cycle"]["schedules"] == []
    limits = {name: deployment["concurrency_options"]["collision_strategy"] for name, deployment in known.items()}
    assert limits == {"nightly": "CANCEL_NEW", "by-hand": "ENQUEUE", "one-cycle": "ENQUEUE"}
    for deployment in known.values():
        assert deployment["parameters"]["request"]["repository"] == str(station.root)


def test_nobody_is_let_in_without_the_word(station: Station) -> None:
    """Without it, or with another one, the server says 401, and our command says which variable to set."""
    for auth in (None, ("team", "guessed")):
        assert httpx.get(f"{station.api}/admin/version", auth=auth).status_code == httpx.codes.UNAUTHORIZED
    for more, trouble in (({}, "is not set"), ({"PREFECT_API_AUTH_STRING": "team:guessed"}, "is not what it wants")):
        station.environment, known = station.strange, station.environment
        try:
            said = station.untilgreen("run", code=2, **more)
        finally:
            station.environment = known
        assert f"PREFECT_API_AUTH_STRING {trouble}" in said
        assert "guessed" not in said


def test_the_nightly_run_begins_by_itself_and_alone(station: Station) -> None:
    """Its schedule, moved to a few seconds from now, starts it; one more meanwhile is cancelled; it ends Green."""
    nightly = station.deployment("nightly")
    soon = datetime.now(UTC) + timedelta(seconds=8)
    # Should the scheduler be late, the next minute will do.
    moved = {"interval": 60, "anchor_date": soon.isoformat(), "timezone": "UTC"}
    (schedule,) = nightly["schedules"]
    place = f"deployments/{nightly['id']}/schedules/{schedule['id']}"
    station.ask("PATCH", place, schedule=moved, active=True)
    mine = {"deployments": {"id": {"any_": [nightly["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}

    def begun() -> Any:
        runs = [run for run in station.ask("POST", "flow_runs/filter", **mine) if run["state"]["type"] == "RUNNING"]
        return runs and runs[0]

    run = await_(begun, "the nightly run does not begin")
    station.ask("PATCH", place, active=False)
    assert run["auto_scheduled"]
    assert station.await_state(station.start("nightly"), *ENDED) == ("CANCELLED", "Cancelled")
    assert station.await_state(run["id"], *ENDED) == ("COMPLETED", "Green")


def test_one_look_at_a_defect_is_red_and_the_next_waits(station: Station) -> None:
    """The deployment one-cycle ends Red and changes nothing; a second one is kept waiting for its place."""
    (station.root / "shop/main.py").write_text(SERVICE.replace("len(item) * 10", "len(item) * 11"))
    commit(station.root, "break it")
    first = station.start("one-cycle")
    station.await_state(first, "Running")
    second = station.start("one-cycle")
    station.await_state(second, "AwaitingConcurrencySlot")
    station.ask("POST", f"flow_runs/{second}/set_state", state={"type": "CANCELLED"}, force=True)
    assert station.await_state(first, *ENDED) == ("FAILED", "Red")
    branches = subprocess.run(["git", "branch", "--list"], cwd=station.root, capture_output=True, text=True, check=True)  # noqa: S607 - git from the path
    assert branches.stdout.split() == ["*", "main"]


def test_up_again_says_what_runs(station: Station) -> None:
    """A second `up` starts nothing: it says that server and worker ran already."""
    before = (station.home / "up.json").read_text()
    said = station.untilgreen("up")
    assert said.count("it ran already") == 2
    assert (station.home / "up.json").read_text() == before


def test_runs_are_kept_in_postgresql(station: Station) -> None:
    """The server wrote its deployments into PostgreSQL, and made no SQLite file beside it."""
    if station.database is None:
        pytest.skip(missing())
    assert "nightly" in station.database.ask("select name from deployment").split()
    assert list(station.home.rglob("prefect.db")) == []


def test_no_word_is_written_or_said(station: Station) -> None:
    """Neither the word nor the database's password stands in any log, report, state or command line."""
    forms = [WORD, WORD.partition(":")[2], base64.b64encode(WORD.encode()).decode(), PASSWORD]
    commands = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if os.access(file, os.R_OK)]
    written = {str(file): file.read_bytes() for file in station.files()}
    assert len(written) > 20
    for form in forms:
        assert [name for name, content in written.items() if form.encode() in content] == []
        assert [said for said in station.said if form in said] == []
        assert not any(form.encode() in command for command in commands)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_start_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    """Whoever interrupts `up` while the server starts finds no process of it afterwards."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTEST_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "untilgreen", "up", "--port", str(free_port())],
        env={**kept, "UNTILGREEN_HOME": str(tmp_path)}, cwd=tmp_path, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    try:
        assert "server: starting" in process.stderr.readline()
        await_((tmp_path / "server.json").exists, "no server was started")
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, said
    assert "what had been started was ended again" in said
    assert (left := homed(tmp_path)) == [], left


def homed(home: Path) -> list[str]:
    """Return the processes that work for this home."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"UNTILGREEN_HOME={home}\0".encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it ended meanwhile, or is somebody else's
            continue
    return found
