"""Server, pool, deployments and worker on one machine, for the loopback interface only: up, and down again by pid."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from untilgreen.adapters import prefect_login, prefect_server
from untilgreen.errors import ConfigError, ServerUnavailable
from untilgreen.ledger import write_whole
from untilgreen.project import project

POOL = "untilgreen"
_PATIENCE_S = 20.0
"""A worker lets its runs end what they are at; then it is killed."""

Say = Callable[[str], None]
Started = dict[str, dict[str, str]]
"""`server` and `worker` -> pid and the moment it was born, by which a number that was given anew is known."""


def up(repo: Path, port: int, say: Say) -> str:
    """Start what is missing; what runs already is left alone.

    Args:
        repo: the repository that deployments work on.
        port: of the server; 0 takes the usual one, or any when that is taken.
        say: is told what happens.

    Returns:
        Where to look.

    Raises:
        ConfigError: the port is taken by something else, or the server wants a word that was not set.
        ServerUnavailable: the server, or the worker, did not start; its log says why.
    """
    before = _started()
    try:
        api = _server(port, say)
        prefect_login.admitted(api)
        _deploy(api, repo, say)
        _worker(api, say)
    except BaseException:
        _stop({name: which for name, which in _started().items() if before.get(name) != which}, say)
        _remember(before)
        raise
    if not prefect_login.headers():
        say(f"server: whoever is on this machine can start and approve; {prefect_login.SERVERS} asks for a word")
    return api.removesuffix("/api")


def down(say: Say) -> int:
    """Stop what `up` started, and nothing else; return how many processes that were."""
    stopped = _stop(_started(), say)
    _remember({})
    return stopped


def _server(port: int, say: Say) -> str:
    api = prefect_server.find()
    if api:
        if port and f":{port}/" not in api:
            raise ConfigError(
                f"A server runs at {api} already. `untilgreen down` stops it, or leave out --port {port}."
            )
        say(f"server: {api.removesuffix('/api')} (it ran already)")
        return api
    if port and not prefect_server.free(port):
        raise ConfigError(
            f"127.0.0.1:{port} is taken by another program. Choose another --port, or end that program: "
            f"`ss -ltnp sport = :{port}` names it."
        )
    say("server: starting; the first start takes up to 40 s")
    with _unbroken():
        pid = prefect_server.start(port)
        _remember({**_started(), "server": _identity(pid)})
    return prefect_server.wait()


def _deploy(api: str, repo: Path, say: Say) -> None:
    """Register pool and deployments; both commands may be given again and again."""
    _prefect(api, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    plan = yaml.safe_load((project() / "prefect.yaml").read_text("utf-8"))
    for deployment in plan["deployments"]:
        if "request" in deployment["parameters"]:
            deployment["parameters"]["request"]["repository"] = str(repo)
    with tempfile.TemporaryDirectory(prefix="untilgreen-up-") as folder:
        file = Path(folder) / "prefect.yaml"
        file.write_text(yaml.safe_dump(plan, sort_keys=False), "utf-8")
        _prefect(api, "deploy", "--all", "--prefect-file", str(file))
    say(f"deployments: {', '.join(d['name'] for d in plan['deployments'])}, for {repo}")


def _worker(api: str, say: Say) -> None:
    if _runs(_started().get("worker", {})):
        say("worker: it ran already")
        return
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    log = prefect_server.home() / "worker.log"
    with _unbroken(), log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command, env=_environment(api), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        _remember({**_started(), "worker": _identity(process.pid)})
    time.sleep(1)
    if process.poll() is not None:
        raise ServerUnavailable(f"The worker ended at once. Its log is {log}.")
    say(f"worker: process {process.pid}; its log is {log}")


@contextmanager
def _unbroken() -> Iterator[None]:
    """Let Ctrl-C wait until what was started is written down: nobody could end it otherwise."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda n, _: came.append(n)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def _prefect(api: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
        command, cwd=project(), env=_environment(api), capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        raise ServerUnavailable(f"prefect {' '.join(arguments[:2])} failed: {words[0]}")


def _environment(api: str) -> dict[str, str]:
    own = {"PREFECT_API_URL": api, "PREFECT_HOME": str(prefect_server.home() / "prefect")}
    return {**prefect_login.of_client(os.environ), **prefect_server.QUIET, **own}


def _stop(started: Started, say: Say) -> int:
    """End processes, the worker before the server that it talks to."""
    alive = [(name, int(started[name]["pid"])) for name in ("worker", "server") if _runs(started.get(name, {}))]
    for name, pid in alive:
        _end(pid)
        say(f"{name}: process {pid} ended")
    return len(alive)


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + _PATIENCE_S
    while _born(pid) and time.monotonic() < until:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.1)
    with suppress(ProcessLookupError):  # each is the first of a session of its own: what it left behind ends, too
        os.killpg(pid, signal.SIGKILL)


def _identity(pid: int) -> dict[str, str]:
    return {"pid": str(pid), "born": _born(pid)}


def _runs(which: dict[str, str]) -> bool:
    return bool(which) and bool(which.get("born")) and _born(int(which["pid"])) == which["born"]


def _born(pid: int) -> str:
    """Return when a process began, in the kernel's count; empty when there is none, or it is only not buried yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _file() -> Path:
    return prefect_server.home() / "up.json"


def _started() -> Started:
    try:
        found: Any = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(started: Started) -> None:
    write_whole(_file(), json.dumps(started))
