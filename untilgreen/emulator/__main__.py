"""Starts the emulator: `python -m untilgreen.emulator --state DIR`.

When it is ready it prints one line, `{"endpoint": "127.0.0.1:PORT", "pid": N}`. It ends on SIGTERM and SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from untilgreen.emulator.lean_imports import skip_clients

skip_clients()

from untilgreen.emulator import parent  # noqa: E402 - nothing of Google's may be imported before that
from untilgreen.emulator.cloud import Cloud, StateTaken  # noqa: E402 - as above
from untilgreen.emulator.port_book import LOOPBACK  # noqa: E402 - as above
from untilgreen.emulator.seed import SeedError  # noqa: E402 - as above
from untilgreen.emulator.server import PortTaken, listen  # noqa: E402 - as above

USAGE = 2


def main() -> int:
    """Run until told to stop, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m untilgreen.emulator", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of registry, logs and ports")
    parser.add_argument("--port", type=int, default=0, help="gRPC port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--seed", type=Path, help="YAML file with the secrets to start with")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started it ends")
    arguments = parser.parse_args()
    try:
        asyncio.run(_serve(arguments))
    except PortTaken as error:
        return _complain(f"{error} is in use. Choose another --port, or leave it out to take any free one.")
    except StateTaken as error:
        return _complain(f"another emulator uses {error}. End it, or choose another --state.")
    except SeedError as error:
        return _complain(str(error))
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    started_by = os.getppid()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    cloud = Cloud(arguments.state.absolute(), arguments.seed)
    try:
        server, port = await listen(cloud.methods, LOOPBACK, arguments.port)
        sys.stdout.write(json.dumps({"endpoint": f"{LOOPBACK}:{port}", "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        await _until(stop, started_by if arguments.with_parent else 0)
        await server.stop(0.2)
    finally:
        await cloud.close()


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
