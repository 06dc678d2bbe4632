"""The whole emulated cloud, put together."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import IO

from untilgreen.emulator.cloud_logging import CloudLogging
from untilgreen.emulator.iam import Policies
from untilgreen.emulator.logs_store import LogStore
from untilgreen.emulator.operations import Operations
from untilgreen.emulator.port_book import PortBook
from untilgreen.emulator.processes import Reaper
from untilgreen.emulator.registry import Registry
from untilgreen.emulator.revisions import Revisions
from untilgreen.emulator.rollout import Rollouts
from untilgreen.emulator.rpc import Method
from untilgreen.emulator.run_services import RunServices
from untilgreen.emulator.secret_manager import SecretManager
from untilgreen.emulator.secret_vault import Vault
from untilgreen.emulator.seed import plant
from untilgreen.emulator.traffic import Routes
from untilgreen.emulator.workload import Grounds


class StateTaken(OSError):
    """Another emulator uses this state."""


class Cloud:
    """All services of the cloud, on one folder.

    Args:
        state: the folder; made if it is not there.
        seed: YAML file with the first secrets, or None.

    Raises:
        StateTaken: another emulator uses the folder.
        SeedError: the seed cannot be used.
    """

    def __init__(self, state: Path, seed: Path | None) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(state / "emulator.lock")
        vault, policies = Vault(), Policies()
        if seed:
            plant(seed, vault, policies)
        instances = state / "instances"
        shutil.rmtree(instances, ignore_errors=True)
        instances.mkdir()
        self._logs = LogStore(state / "logs-1.sqlite")
        self._reaper = Reaper()
        ports = PortBook(state / "ports.json")
        secret_manager = SecretManager(vault, policies)
        grounds = Grounds(ports, self._reaper, instances)
        self._revisions = Revisions(Registry(state / "registry"), secret_manager, grounds, self._logs)
        self._routes = Routes(ports, self._logs)
        operations = Operations()
        self._rollouts = Rollouts(self._revisions, self._routes, operations)
        services = RunServices(self._revisions, self._rollouts, self._routes, operations, policies)
        self.methods: dict[str, Method] = {
            **services.methods(),
            **self._revisions.methods(),
            **operations.methods(),
            **CloudLogging(self._logs).methods(),
            **secret_manager.methods(),
        }

    async def close(self) -> None:
        """Stop every process and let go of everything."""
        await self._rollouts.close()
        await self._routes.shut()
        await self._revisions.stop_all()
        self._reaper.close()
        self._logs.close()
        self._lock.close()


def _lock(file: Path) -> IO[str]:
    held = file.open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise StateTaken(str(file.parent)) from None
    return held
