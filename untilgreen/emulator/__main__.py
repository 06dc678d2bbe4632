"""Starts the emulator: `python -m untilgreen.emulator --state DIR`.

When it is ready it prints one line of JSON:

    endpoint      127.0.0.1:PORT, without TLS: for `cloud.endpoint` in our settings, or a client's own channel
    tls           localhost:PORT, with TLS: for any client's `client_options={"api_endpoint": ...}`, no other code
    environment   variables with which every client trusts that and, with --invoker-iam, finds its metadata server
    faults        the file that makes it difficult while it runs; its form is told in faults.py
    pid           of this process

It ends on SIGTERM and SIGINT, and keeps its state for the next start.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from untilgreen.emulator.lean_imports import skip_clients

skip_clients()

from untilgreen.emulator import parent  # noqa: E402 - nothing of Google's may be imported before that
from untilgreen.emulator.cloud import Cloud, Running, StateTaken  # noqa: E402 - as above
from untilgreen.emulator.fault_source import FILE  # noqa: E402 - as above
from untilgreen.emulator.faults import FaultError, Faults  # noqa: E402 - as above
from untilgreen.emulator.port_book import LOOPBACK  # noqa: E402 - as above
from untilgreen.emulator.scaling import MOST, PENDING_S, Scaling  # noqa: E402 - as above
from untilgreen.emulator.seed import SeedError  # noqa: E402 - as above
from untilgreen.emulator.server import Ports, PortTaken, listen  # noqa: E402 - as above
from untilgreen.emulator.state import StateBroken  # noqa: E402 - as above
from untilgreen.emulator.tls import certificate  # noqa: E402 - as above

USAGE = 2


def main() -> int:
    """Run until told to stop, and return the exit code."""
    arguments = _parser().parse_args()
    try:
        asyncio.run(_serve(arguments))
    except PortTaken as error:
        return _complain(f"{error} is in use. Choose another --port, or leave it out to take any free one.")
    except StateTaken as error:
        return _complain(f"another emulator uses {error}. End it, or choose another --state.")
    except (SeedError, StateBroken) as error:
        return _complain(str(error))
    except FaultError as error:
        return _complain(f"faults: {error}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m untilgreen.emulator", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, required=True, help="folder of everything that it keeps")
    parser.add_argument("--port", type=int, default=0, help="gRPC port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--tls-port", type=int, default=0, help="the same with TLS")
    parser.add_argument("--seed", type=Path, help="YAML file with the secrets and the faults to start with")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started it ends")
    faults = parser.add_argument_group("faults")
    faults.add_argument("--fault", action="append", metavar="METHODS:CODE[:0.3][:2x][:lost]", help="calls that fail")
    faults.add_argument("--latency", action="append", metavar="METHODS:200ms", help="calls that take longer")
    faults.add_argument("--fault-seed", type=int, metavar="N", help="makes the same calls fail again")
    faults.add_argument("--ingestion-delay", metavar="2s-5s", help="how long log entries stay unseen")
    faults.add_argument("--read-quota", metavar="60/1m", help="how often log entries may be listed")
    faults.add_argument("--page-token-life", metavar="24h", help="how old a page token of log entries may be")
    faults.add_argument("--metrics-interval", metavar="60s", help="how often resources are sampled; every 2 s")
    faults.add_argument("--metrics-delay", metavar="60s-240s", help="how long samples of resources stay unseen")
    running = parser.add_argument_group("running")
    running.add_argument("--invoker-iam", action="store_true", help="services are private until a policy opens them")
    running.add_argument("--max-instances", type=_count, default=MOST, metavar="N", help="of one revision; %(default)s")
    running.add_argument(
        "--pending", type=float, default=PENDING_S, metavar="S", help="a request's wait for a free one; %(default)s s"
    )
    running.add_argument(
        "--idle", type=float, default=0.0, metavar="S", help="stops instances unasked for so long; never by itself"
    )
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of instances")
    return int(text)


def _running(arguments: argparse.Namespace) -> Running:
    return Running(Scaling(arguments.max_instances, arguments.pending, arguments.idle), arguments.invoker_iam)


def _faults(arguments: argparse.Namespace) -> dict[str, Any]:
    names = [field.name for field in fields(Faults)]
    return {name: value for name in names if (value := getattr(arguments, name)) is not None}


async def _serve(arguments: argparse.Namespace) -> None:
    started_by = os.getppid()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    state: Path = arguments.state.absolute()
    cloud = Cloud(state, arguments.seed, _faults(arguments), _running(arguments))
    try:
        await cloud.take_up()
        trusted = certificate(state / "tls")
        ports = Ports(arguments.port, arguments.tls_port)
        server, ports = await listen(cloud.methods, LOOPBACK, ports, (trusted.key, trusted.chain))
        ready = _ready(ports, trusted.roots, state / FILE)
        ready["environment"] |= await cloud.environment()
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await _until(stop, started_by if arguments.with_parent else 0)
        await server.stop(0.2)
    finally:
        await cloud.close()


def _ready(ports: Ports, roots: Path, faults: Path) -> dict[str, Any]:
    return {
        "endpoint": f"{LOOPBACK}:{ports.plain}",
        "tls": f"localhost:{ports.tls}",
        "environment": {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots), "no_grpc_proxy": f"localhost,{LOOPBACK}"},
        "faults": str(faults),
        "pid": os.getpid(),
    }


async def _until(stop: asyncio.Event, started_by: int) -> None:
    ends: list[asyncio.Task[object]] = [asyncio.create_task(_wait(stop))]
    if started_by:
        ends.append(asyncio.create_task(_gone(started_by)))
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()


async def _wait(stop: asyncio.Event) -> object:
    return await stop.wait()


async def _gone(started_by: int) -> object:
    await parent.gone(started_by)
    return None


def _complain(text: str) -> int:
    sys.stderr.write(f"emulator: {text}\n")
    return USAGE


if __name__ == "__main__":
    sys.exit(main())
