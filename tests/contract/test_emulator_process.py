"""The emulator as a process: how it starts, how it ends, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from tests.contract.emulator_cloud import GOOD, PARENT, get, service, shared, start, stop

COMMAND = (sys.executable, "-m", "untilgreen.emulator", "--state")


def children_of(state: Path) -> list[int]:
    """Return the processes that work in an emulator's folder."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if str(link.readlink()).startswith(str(state / "instances")):
                found.append(int(link.parent.name))
        except OSError:
            continue
    return found


def vanishes(state: Path) -> bool:
    """Tell whether all processes of an emulator are gone before long."""
    for _ in range(100):
        if not children_of(state):
            return True
        time.sleep(0.05)
    return False


def test_unknown_methods_are_refused_by_name() -> None:
    """What is not emulated answers UNIMPLEMENTED with its name, unary or streaming, known to Google or not."""
    jobs = run_v2.JobsClient(transport=JobsGrpcTransport(channel=shared().channel))
    with pytest.raises(exceptions.MethodNotImplemented, match=r"/google.cloud.run.v2.Jobs/GetJob is not emulated"):
        jobs.get_job(name=f"{PARENT}/jobs/j")
    stream = shared().channel.stream_stream("/some.Service/Talk")
    with pytest.raises(grpc.RpcError) as error:
        next(stream(iter([b""])))
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert error.value.details() == "/some.Service/Talk is not emulated"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_orphans(tmp_path: Path, how: signal.Signals) -> None:
    """However the emulator ends, kill -9 included, its containers and their children end with it."""
    cloud = start(tmp_path)
    cloud.deploy(service("one", cloud.push("import subprocess, sys; subprocess.Popen(['sleep', '600'])\n" + GOOD)))
    assert len(children_of(tmp_path)) == 2
    cloud.channel.close()
    os.kill(cloud.process.pid, how)
    code = cloud.process.wait(timeout=10)
    assert code == (-9 if how == signal.SIGKILL else 0)
    assert vanishes(tmp_path)
    if cloud.process.stdout:
        cloud.process.stdout.close()


def test_ends_with_its_parent(tmp_path: Path) -> None:
    """With --with-parent the emulator ends when the process that started it has ended, not merely its thread."""
    starter = (
        "import subprocess, sys, threading, time\n"
        "def go():\n"
        f"    global p; p = subprocess.Popen({[*COMMAND, str(tmp_path), '--with-parent']!r}, stdout=subprocess.PIPE)\n"
        "    print(p.stdout.readline().decode(), flush=True)\n"
        "t = threading.Thread(target=go); t.start(); t.join(); time.sleep(0.5); print(p.poll(), flush=True)\n"
    )
    output = subprocess.run([sys.executable, "-c", starter], capture_output=True, check=True, timeout=20).stdout
    ready, _, alive = output.decode().strip().partition("\n")
    assert alive.strip() == "None"
    pid = json.loads(ready)["pid"]
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.05)
    raise AssertionError("it outlived its parent")


@pytest.mark.parametrize("fault", ["port", "state", "seed"])
def test_faults_at_start_are_one_line(tmp_path: Path, fault: str) -> None:
    """What keeps it from starting is told in one line, with exit code 2 and no traceback."""
    arguments = [str(tmp_path / "state")]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        if fault == "port":
            arguments += ["--port", str(taken.getsockname()[1])]
        if fault == "state":
            arguments = [str(shared().state)]
        if fault == "seed":
            (tmp_path / "seed.yaml").write_text("project: p\nsecrets: {a: {value: planted, wrong: 1}}\n")
            arguments += ["--seed", str(tmp_path / "seed.yaml")]
        ended = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert {"port": "is in use", "state": "another emulator", "seed": "secrets.a"}[fault] in ended.stderr
    assert "planted" not in ended.stderr


def test_what_survives_a_restart(tmp_path: Path) -> None:
    """After the emulator was started again a service has the same URL, and the old log entries are still there."""
    urls, counts = [], []
    for number in (1, 2):
        cloud = start(tmp_path)
        urls.append(cloud.deploy(service("one", cloud.push(GOOD))).uri)
        get(urls[-1])
        counts.append(len(cloud.eventually('log_id("run.googleapis.com/requests")', number)))
        cloud.channel.close()
        stop(cloud)
    assert urls[0] == urls[1]
    assert counts == [1, 2]


def test_memory_stays_small() -> None:
    """The emulator's own process needs no more than 150 MB."""
    status = Path(f"/proc/{shared().process.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 150_000


def test_imports_nothing_else_of_the_package() -> None:
    """The emulator is the outside world: it imports no other module of untilgreen, and none of Google's clients."""
    code = (
        "import runpy, sys\n"
        "try: runpy.run_module('untilgreen.emulator', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m.startswith('untilgreen') and 'emulator' not in m and m != 'untilgreen'],\n"
        "      [m for m in sys.modules if m.startswith('google.cloud') and '.services' in m])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert ended.stdout.strip().endswith("[] []")
