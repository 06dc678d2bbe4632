"""What the steps of one run work with."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from untilgreen.deploy.wanted import binding
from untilgreen.fix.quarantine import Bounds
from untilgreen.ledger import Ledger, write_whole
from untilgreen.model.cycle import Run
from untilgreen.redaction import LAST_NET, Redactor
from untilgreen.settings import AnalystSettings, FixerSettings, Settings
from untilgreen.wait.timeline import FILE as LOOKS
from untilgreen.wait.timeline import Timeline
from untilgreen.wiring.builders import builder_of
from untilgreen.wiring.clouds import emulator_state
from untilgreen.wiring.repository import open_history

if TYPE_CHECKING:
    from untilgreen.collect.bundle import Bundle
    from untilgreen.model.analysis import Publication
    from untilgreen.ports import (
        Analyst,
        Builder,
        Checker,
        Courier,
        Fixer,
        History,
        Logs,
        Metrics,
        Probe,
        Redaction,
        Secrets,
        Services,
        StandIns,
        Suite,
    )
    from untilgreen.ssot.index import Store


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
    def courier(self) -> Courier:
        """What takes notices to people."""
        from untilgreen.adapters.apprise_courier import AppriseCourier  # noqa: PLC0415 - adapters are loaded late

        return AppriseCourier(self.settings.notify.urls)

    @cached_property
    def checker(self) -> Checker:
        """What parses sources for the image gate."""
        from untilgreen.adapters.ruff_checker import RuffChecker  # noqa: PLC0415 - adapters are loaded late

        return RuffChecker()

    @cached_property
    def index(self) -> Store:
        """What was read of sources, by their content: all loops of a repository share it."""
        from untilgreen.ssot.store import FolderStore  # noqa: PLC0415 - only step fix needs it

        return FolderStore(Path(self.run.state) / "index")

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
        """Health checks, each of which is kept."""
        from untilgreen.adapters.http_probe import HttpProbe  # noqa: PLC0415 - adapters are loaded late

        return Timeline(HttpProbe(), self.folder / LOOKS)

    @cached_property
    def repeater(self) -> Probe:
        """Makes a request of a test again: no look at anybody's health, so none is kept."""
        from untilgreen.adapters.http_probe import HttpProbe  # noqa: PLC0415 - adapters are loaded late

        return HttpProbe(timeout_s=10)

    @cached_property
    def suite(self) -> Suite:
        """The user's tests."""
        from untilgreen.adapters.pytest_suite import PytestSuite  # noqa: PLC0415 - adapters are loaded late

        suite = PytestSuite(redaction=self.redaction)
        suite.tidy(Path(self.run.state))
        return suite

    @cached_property
    def stand_ins(self) -> StandIns:
        """What breaks services on purpose."""
        from untilgreen.adapters.breaking_proxy import BreakingProxy  # noqa: PLC0415 - adapters are loaded late

        return BreakingProxy()

    def analysts(self) -> tuple[Analyst, ...]:
        """Return those beside the built-in one."""
        return tuple(analyst_of(wanted, self.root) for wanted in self.settings.analysts)

    def fixers(self, bundle: Bundle) -> tuple[Fixer, ...]:
        """Return who may offer fixes, with the evidence that they are given."""
        return tuple(fixer_of(wanted, self, bundle) for wanted in self.settings.fixers)

    def queues(self) -> tuple[Fixer, ...]:
        """Return the fixers whose fixes lie ready: what is malformed in them is said before anything is rolled out.

        Raises:
            ConfigError: a folder does not exist, or holds what is no patch.
        """
        from untilgreen.adapters.patch_queue import PatchQueue  # noqa: PLC0415 - adapters are loaded late

        wanted = (fixer for fixer in self.settings.fixers if fixer.kind == "patch_queue")
        return tuple(PatchQueue(self.root / queue.folder) for queue in wanted)

    def publish(
        self, what: Literal["push", "pull_request"], command: tuple[str, ...], places: dict[str, str]
    ) -> Publication:
        """Run one of the user's own commands on the loop's branch."""
        from untilgreen.adapters.publish_command import publish  # noqa: PLC0415 - adapters are loaded late

        names = self.settings.fixing.publish_env
        return publish(what, command, self.root, places, pass_env=names, redactor=self.redaction.scrub)

    def keep_output(self, name: str, text: str) -> None:
        """Keep what a fixer printed about one analysis."""
        write_whole(self.folder / "fixers" / f"{name}.txt", text)


def fixer_of(wanted: FixerSettings, shop: Workshop, bundle: Bundle) -> Fixer:
    """Return whom the settings name.

    Args:
        wanted: a part of the settings.
        shop: of the cycle whose causes are to be mended.
        bundle: its evidence.

    Raises:
        ConfigError: its folder does not exist, or holds what is no patch.
    """
    if wanted.kind == "command":
        from untilgreen.adapters.command_fixer import CommandFixer  # noqa: PLC0415 - adapters are loaded late

        return CommandFixer(
            shop.history,
            shop.run.commit,
            bundle,
            wanted.command,
            pass_env=wanted.pass_env,
            timeout_s=wanted.timeout_s,
            bounds=Bounds(paths=wanted.paths, most_lines=shop.settings.fixing.most_lines),
            keep=shop.keep_output,
            redactor=shop.redaction.scrub,
        )
    if wanted.kind == "settings":
        from untilgreen.fix.settings_fixer import SettingsFixer  # noqa: PLC0415 - only when asked for

        return SettingsFixer(shop.history, shop.run.commit, bundle)
    from untilgreen.adapters.patch_queue import PatchQueue  # noqa: PLC0415 - adapters are loaded late

    return PatchQueue(shop.root / wanted.folder)


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
