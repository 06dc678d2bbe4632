"""The whole emulated cloud, put together."""

from __future__ import annotations

import fcntl
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from untilgreen.emulator.cloud_logging import CloudLogging
from untilgreen.emulator.fault_source import FILE, FaultSource
from untilgreen.emulator.faults import Faults
from untilgreen.emulator.gate import Gate
from untilgreen.emulator.iam import Policies
from untilgreen.emulator.invoker import Invokers
from untilgreen.emulator.logs_store import LogStore
from untilgreen.emulator.metadata_server import Identities, MetadataServer
from untilgreen.emulator.monitoring import CloudMonitoring
from untilgreen.emulator.monitoring_sampler import Pace, Sampler
from untilgreen.emulator.monitoring_store import MonitoringStore
from untilgreen.emulator.operations import Operations
from untilgreen.emulator.port_book import PortBook
from untilgreen.emulator.processes import Reaper
from untilgreen.emulator.protos import Message
from untilgreen.emulator.registry import Registry
from untilgreen.emulator.restart import take_up
from untilgreen.emulator.revisions import Revisions
from untilgreen.emulator.rollout import Rollouts
from untilgreen.emulator.rpc import Method
from untilgreen.emulator.run_services import RunServices
from untilgreen.emulator.scaling import Scaling
from untilgreen.emulator.seal import Seal
from untilgreen.emulator.secret_manager import SecretManager
from untilgreen.emulator.secret_vault import Vault
from untilgreen.emulator.seed import plant
from untilgreen.emulator.seed import read as read_seed
from untilgreen.emulator.state import State
from untilgreen.emulator.traffic import Routes
from untilgreen.emulator.workload import Grounds


class StateTaken(OSError):
    """Another emulator uses this state."""


@dataclass(frozen=True)
class Running:
    """How services run here.

    Args:
        scaling: what holds for the instances of all revisions.
        invoker_iam: whether only those may call a service whom its policy names, as on Cloud Run.
    """

    scaling: Scaling = field(default_factory=Scaling)
    invoker_iam: bool = False


class Cloud:
    """All services of the cloud, on one folder.

    Args:
        state: the folder; made if it is not there.
        seed: YAML file with the first secrets and with faults, or None.
        faults: from the command line; they add to the seed's.
        running: how services run.

    Raises:
        StateTaken: another emulator uses the folder.
        StateBroken: what is in the folder cannot be read.
        SeedError: the seed cannot be used.
        FaultError: the faults cannot be used.
    """

    def __init__(
        self, state: Path, seed: Path | None, faults: Mapping[str, Any], running: Running | None = None
    ) -> None:
        running = running or Running()
        state.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(state / "emulator.lock")
        self._state = State(state / "cloud-1.sqlite")
        seal = Seal(state / "secrets.key")
        vault, policies = Vault(self._state, seal), Policies(self._state)
        sown = read_seed(seed) if seed else None
        if sown:
            plant(sown, vault, policies, self._state, seal)
        instances = state / "instances"
        shutil.rmtree(instances, ignore_errors=True)
        instances.mkdir()
        self._logs = LogStore(state / "logs-2.sqlite", self._ingestion_delays)
        self._metrics = MonitoringStore(state / "metrics-1.sqlite")
        self._sampler = Sampler(self._metrics, self._pace, self._logs)
        self._reaper = Reaper()
        ports = PortBook(state / "ports.json")
        secret_manager = SecretManager(vault, policies)
        identities, invokers = self._doorkeepers(policies) if running.invoker_iam else (None, None)
        self._identities = identities
        self._outside: MetadataServer | None = None
        grounds = Grounds(ports, self._reaper, instances, running.scaling, identities, watch=self._sampler.watch)
        self._revisions = Revisions(
            Registry(state / "registry"), secret_manager, grounds, self._logs, self._state.shelf("revision")
        )
        self._routes = Routes(ports, self._sampler, invokers)
        self._operations = operations = Operations(self._state)
        kept = self._state.shelf("service")
        self._rollouts = Rollouts(self._revisions, self._routes, operations, kept)
        self._services = RunServices(
            self._revisions, self._rollouts, self._routes, operations, policies=policies, kept=kept
        )
        methods: dict[str, Method] = {
            **self._services.methods(),
            **self._revisions.methods(),
            **operations.methods(),
            **CloudLogging(self._logs, self._latest_faults).methods(),
            **secret_manager.methods(),
            **CloudMonitoring(self._metrics, self._latest_faults).methods(),
        }
        self._faults = FaultSource(state / FILE, _joined(sown.faults if sown else {}, faults), methods)
        self._chance = random.Random(0)  # noqa: S311 - delays log entries, guards nothing
        self.methods = Gate(self._faults, self._state).guard(methods)

    async def environment(self) -> dict[str, str]:
        """Return the variables with which programs outside get tokens, if anybody asks for tokens here."""
        if self._identities and not self._outside:
            self._outside = await self._identities.open_outside()
        return self._outside.environment() if self._outside else {}

    async def take_up(self) -> None:
        """Go on where the emulator before this one ended."""
        self._sampler.start()
        await take_up(self._services.all(), self._revisions, self._routes, self._rollouts, self._operations)

    async def close(self) -> None:
        """Stop every process and let go of everything. What is under way goes on at the next start."""
        self._state.close()
        await self._rollouts.close()
        await self._routes.shut()
        await self._revisions.stop_all()
        await self._sampler.stop()
        if self._outside:
            self._outside.close()
        self._reaper.close()
        self._metrics.close()
        self._logs.close()
        self._lock.close()

    def _doorkeepers(self, policies: Policies) -> tuple[Identities, Invokers]:
        from untilgreen.emulator.tokens import Tokens  # noqa: PLC0415 - 0.1 s that only those pay who ask for tokens

        tokens = Tokens()
        return Identities(tokens), Invokers(policies, tokens, self._known)

    def _known(self) -> Mapping[str, Message]:
        return self._services.all()

    def _latest_faults(self) -> Faults:
        return self._faults.latest()

    def _ingestion_delays(self, count: int) -> list[float]:
        span = self._latest_faults().ingestion_delay
        return [span.draw(self._chance) for _ in range(count)]

    def _pace(self) -> Pace:
        faults = self._latest_faults()
        return Pace(faults.metrics_interval, lambda: faults.metrics_delay.draw(self._chance))


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return both: lists one after the other, and of other values the second."""
    both = {**first, **second}
    for name in first.keys() & second.keys():
        if isinstance(first[name], list) and isinstance(second[name], list):
            both[name] = [*first[name], *second[name]]
    return both


def _lock(file: Path) -> IO[str]:
    held = file.open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise StateTaken(str(file.parent)) from None
    return held
