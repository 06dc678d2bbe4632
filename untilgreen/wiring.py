"""The only place that picks adapters. Heavy imports happen when an adapter is first asked for."""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from untilgreen.deploy.secrets_environment import refuse_leaks
from untilgreen.deploy.wanted import binding
from untilgreen.errors import ConfigError
from untilgreen.knowledge import read as read_knowledge
from untilgreen.ledger import Ledger
from untilgreen.model.cycle import Run
from untilgreen.model.suite import Outcome
from untilgreen.redaction import LAST_NET, Redactor
from untilgreen.settings import FILE, AnalystSettings, PrebuiltImage, Service, Settings, parse

if TYPE_CHECKING:
    from untilgreen.model.analysis import Approval
    from untilgreen.ports import (
        Analyst,
        Builder,
        Checker,
        Fixer,
        History,
        Logs,
        Metrics,
        Narrator,
        Probe,
        Redaction,
        Secrets,
        Services,
        StandIns,
        Suite,
        Watcher,
    )

STATE = ".untilgreen"
"""Where a repository's loops live, unless a user names another place."""


class Workshop:
    """What the steps of one run work with, each made when first needed.

    Args:
        run: which loop, cycle and commit.
        settings: of the tested commit.
    """

    def __init__(self, run: Run, settings: Settings) -> None:
        self.run = run
        self.settings = settings
        self.root = Path(run.root)
        self.ledger = Ledger(Path(run.state), run.loop)
        self.folder = self.ledger.cycle_folder(run.cycle)

    @cached_property
    def history(self) -> History:
        """The user's repository."""
        return open_history(self.root)

    @cached_property
    def builders(self) -> dict[str, Builder]:
        """What makes each service's image."""
        folder = emulator_state(self.root, self.settings) / "registry"
        target = self.settings.cloud.target
        return {name: builder_of(name, wanted, target, folder) for name, wanted in self.settings.services.items()}

    @cached_property
    def checker(self) -> Checker:
        """What parses sources for the image gate."""
        from untilgreen.adapters.ruff_checker import RuffChecker  # noqa: PLC0415 - adapters are loaded late

        return RuffChecker()

    @cached_property
    def services(self) -> Services:
        """Cloud Run."""
        from untilgreen.adapters.cloud_run import CloudRunServices  # noqa: PLC0415 - Google's clients take 1.5 s

        cloud = self.settings.cloud
        return CloudRunServices(cloud.project, cloud.region, self.run.endpoint)

    @cached_property
    def secrets(self) -> Secrets:
        """Secret Manager."""
        from untilgreen.adapters.secret_manager import SecretManager  # noqa: PLC0415 - Google's clients take 1.5 s

        shortest = self.settings.secrets.minimum_length
        return SecretManager(self.settings.cloud.project, self.run.endpoint, shortest=shortest)

    @cached_property
    def redaction(self) -> Redaction:
        """What must not be written down: read once a process, kept in its memory only."""
        cloud, services = self.settings.cloud, self.settings.services.values()
        bound = [binding(env, named) for service in services for env, named in service.secrets.items()]
        if not bound or (cloud.target == "emulator" and not self.run.endpoint):
            return Redactor()
        versions = sorted({(secret.secret, secret.version) for secret in bound})
        key = (self.run.loop, cloud.project, self.run.endpoint, *versions)
        return LAST_NET.learn(key, lambda: self.secrets.redaction(bound))

    @cached_property
    def logs(self) -> Logs:
        """Cloud Logging."""
        from untilgreen.adapters.cloud_logging import CloudLogging  # noqa: PLC0415 - Google's clients take 1.5 s

        return CloudLogging(self.settings.cloud.project, self.run.endpoint, redaction=self.redaction)

    @cached_property
    def metrics(self) -> Metrics:
        """Cloud Monitoring."""
        from untilgreen.adapters.cloud_monitoring import CloudMonitoring  # noqa: PLC0415 - Google's clients take 1.5 s

        return CloudMonitoring(self.settings.cloud.project, self.run.endpoint)

    @cached_property
    def probe(self) -> Probe:
        """Health checks."""
        from untilgreen.adapters.http_probe import HttpProbe  # noqa: PLC0415 - adapters are loaded late

        return HttpProbe()

    @cached_property
    def suite(self) -> Suite:
        """The user's tests."""
        from untilgreen.adapters.pytest_suite import PytestSuite  # noqa: PLC0415 - adapters are loaded late

        return PytestSuite(redaction=self.redaction)

    @cached_property
    def stand_ins(self) -> StandIns:
        """What breaks services on purpose."""
        from untilgreen.adapters.breaking_proxy import BreakingProxy  # noqa: PLC0415 - adapters are loaded late

        return BreakingProxy()

    def analysts(self) -> tuple[Analyst, ...]:
        """Return those beside the built-in one."""
        return tuple(analyst_of(wanted, self.root) for wanted in self.settings.analysts)

    def fixers(self) -> tuple[Fixer, ...]:
        """Return who may offer fixes."""
        from untilgreen.adapters.patch_queue import PatchQueue  # noqa: PLC0415 - adapters are loaded late

        return tuple(PatchQueue(self.root / wanted.folder) for wanted in self.settings.fixers)


def analyst_of(wanted: AnalystSettings, root: Path) -> Analyst:
    """Return whom the settings name.

    Args:
        wanted: a part of the settings.
        root: of the repository.

    Raises:
        ConfigError: its file cannot be read, or its extra is not installed.
    """
    if wanted.kind == "command":
        from untilgreen.adapters.command_analyst import CommandAnalyst  # noqa: PLC0415 - adapters are loaded late

        return CommandAnalyst(wanted.command, wanted.pass_env, wanted.timeout_s)
    if wanted.kind == "model":
        from untilgreen.adapters.model_analyst import ModelAnalyst  # noqa: PLC0415 - an extra that not all have

        return ModelAnalyst(wanted.model, wanted.most_characters, wanted.timeout_s)
    from untilgreen.adapters.recorded_analyst import RecordedAnalyst  # noqa: PLC0415 - adapters are loaded late

    return RecordedAnalyst(root / wanted.file)


def builder_of(name: str, service: Service, target: str, folder: Path) -> Builder:
    """Return what makes a service's image.

    Args:
        name: the service's.
        service: its settings.
        target: `emulator` or `gcp`.
        folder: where the emulator keeps images.

    Raises:
        ConfigError: Cloud Run cannot start what this builder makes.
    """
    from untilgreen.adapters.command_builder import CommandBuilder  # noqa: PLC0415 - adapters are loaded late
    from untilgreen.adapters.snapshot_registry import SnapshotRegistry  # noqa: PLC0415 - as above

    wanted = service.builder
    if wanted.kind == "command":
        return CommandBuilder(
            wanted.command,
            digest_command=wanted.digest_command,
            digest_file=wanted.digest_file,
            check=wanted.check,
            timeout_s=wanted.timeout_s,
        )
    if wanted.kind == "prebuilt":
        return _prebuilt(wanted, SnapshotRegistry(folder).resolve if target == "emulator" else None)
    if target != "emulator":
        raise ConfigError(
            f"{FILE}: services.{name}.builder: a snapshot starts in the emulator only. Set a builder of kind `command` "
            f"or `prebuilt`."
        )
    return SnapshotRegistry(folder)


def _prebuilt(wanted: PrebuiltImage, local: Callable[[str, str, str], str] | None) -> Builder:
    from untilgreen.adapters.command_builder import DigestCommand  # noqa: PLC0415 - adapters are loaded late
    from untilgreen.adapters.prebuilt_images import PrebuiltImages, ask_registry  # noqa: PLC0415 - as above

    command = DigestCommand(wanted.digest_command) if wanted.digest_command else None
    return PrebuiltImages(wanted.tag, wanted.digest, command or local or ask_registry)


def open_history(root: Path) -> History:
    """Return the repository at a path.

    Raises:
        RepositoryError: there is none.
    """
    from untilgreen.adapters.git import Git  # noqa: PLC0415 - adapters are loaded late

    return Git(root)


def read_settings(history: History, commit: str) -> Settings:
    """Read the settings of a commit: what is tested is what is committed.

    Raises:
        ConfigError: there are none, or they are wrong.
    """
    text = history.read(commit, FILE)
    if text is None:
        raise ConfigError(f"{FILE}: commit {commit[:12]} has no such file at its root. Add and commit one.")
    settings = parse(text)
    read_knowledge(history, commit, settings.knowledge)  # a mistake in it must not wait until the tests are over
    return settings


@contextmanager
def cloud(root: Path, settings: Settings) -> Iterator[str]:
    """Provide the cloud for the time of a loop.

    Yields:
        The emulator's endpoint; empty for Google Cloud.

    Raises:
        ConfigError: the environment would write secrets into a log, or the seed does not exist.
    """
    refuse_leaks(os.environ)
    # Google's clients take 1.5 s to load: they come while the emulator starts and the first images are built.
    threading.Thread(target=_load_clients, name="load-clients", daemon=True).start()
    wanted = settings.cloud
    if wanted.target == "gcp" or wanted.endpoint:
        yield wanted.endpoint
        return
    from untilgreen.adapters.local_cloud import emulator  # noqa: PLC0415 - adapters are loaded late

    seed = root / wanted.seed if wanted.seed else None
    if seed and not seed.is_file():
        raise ConfigError(f"{FILE}: cloud.seed: {seed} does not exist. Correct the path, or remove the setting.")
    with emulator(emulator_state(root, settings), seed) as endpoint:
        yield endpoint


def _load_clients() -> None:
    for name in ("cloud_run", "cloud_logging", "secret_manager", "cloud_monitoring"):
        importlib.import_module(f"untilgreen.adapters.{name}")


def emulator_state(root: Path, settings: Settings) -> Path:
    """Return where the emulator keeps what it knows."""
    return root / settings.cloud.state


class _LogNarrator:
    """Narrates into the standard log, which Prefect shows in its UI."""

    def __init__(self) -> None:
        self._log = logging.getLogger("untilgreen")

    def say(self, step: str, text: str) -> None:
        self._log.info("%s: %s", step, LAST_NET.mask(text))

    def note(self, step: str, text: str) -> None:
        self.say(step, text)

    def suite(self) -> Watcher:
        return self

    def collected(self, total: int) -> None:
        self._log.info("suite: %s tests", total)

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        if outcome.bad:
            self._log.info("suite: %s %s", outcome, LAST_NET.mask(nodeid))


_narrator: ContextVar[Narrator | None] = ContextVar("narrator", default=None)


@contextmanager
def narrated_by(narrator: Narrator) -> Iterator[None]:
    """Let somebody listen to every step inside."""
    token = _narrator.set(narrator)
    try:
        yield
    finally:
        _narrator.reset(token)


def narrator() -> Narrator:
    """Return who tells people what happens: the terminal's, or the log."""
    return _narrator.get() or _LogNarrator()


Asker = Callable[[str], "Approval"]
"""Shows what is offered and returns what the person decided."""

_asker: ContextVar[Asker | None] = ContextVar("asker", default=None)


@contextmanager
def asked_by(asker: Asker) -> Iterator[None]:
    """Let a person at the terminal approve, instead of the Prefect UI."""
    token = _asker.set(asker)
    try:
        yield
    finally:
        _asker.reset(token)


def asker() -> Asker | None:
    """Return who asks the person at the terminal; None when nobody sits there."""
    return _asker.get()
