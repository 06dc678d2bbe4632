"""A PostgreSQL of our own for tests, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

PASSWORD = "pg-Vog3lbeere-7731"


class Database(NamedTuple):
    """Where it is."""

    port: int

    @property
    def url(self) -> str:
        """Return what Prefect's server is told."""
        return f"postgresql+asyncpg://prefect:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def ask(self, query: str) -> str:
        """Return what a query gives, as text."""
        words = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "prefect", "-d", "postgres", "-tAc", query)
        return _run("psql", *words, env={"PGPASSWORD": PASSWORD}).strip()


def program(name: str) -> str:
    """Return where a program of PostgreSQL is; empty when it is not installed."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ.get("PATH", os.defpath)])) or ""


def missing() -> str:
    """Return why there can be no PostgreSQL here, or nothing."""
    absent = [name for name in ("initdb", "postgres", "psql") if not program(name)]
    if absent:
        return f"PostgreSQL is not installed here: no {', '.join(absent)}"
    return "root may not run PostgreSQL, and there is no other user" if os.geteuid() == 0 and not _user() else ""


@contextmanager
def database() -> Iterator[Database]:
    """Run a PostgreSQL on a port of its own, with a password."""
    folder = Path(tempfile.mkdtemp(prefix="untilgreen-pg-"))  # its user could not enter pytest's own folders
    try:
        (folder / "word").write_text(PASSWORD)
        for path in (folder, folder / "word"):
            shutil.chown(path, _user() or os.geteuid())
        made = ("--auth=scram-sha-256", f"--pwfile={folder / 'word'}", "--no-sync", "--encoding=UTF8", "--locale=C")
        _run("initdb", "-D", str(folder / "data"), "-U", "prefect", *made, **_as_user())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        with _serving(folder, port):
            yield Database(port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _serving(folder: Path, port: int) -> Iterator[None]:
    options = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")
    command = [program("postgres"), "-D", str(folder / "data"), "-p", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *(word for option in options for word in ("-c", option))],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_as_user(),
        )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # on SIGTERM it would wait for whoever is still connected
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _run(name: str, *words: str, env: dict[str, str] | None = None, **more: Any) -> str:
    done = subprocess.run(
        [program(name), *words], env={**os.environ, **(env or {})}, cwd="/", capture_output=True, text=True,
        check=False, timeout=60, **more,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _as_user() -> dict[str, Any]:
    """Return the arguments that start a process as somebody whom PostgreSQL accepts."""
    if os.geteuid() != 0:
        return {}
    known = pwd.getpwnam(_user())
    return {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}


def _user() -> str:
    """Return whom PostgreSQL runs as when we are root; empty when we are not, or there is nobody."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), "") if os.geteuid() == 0 else ""
