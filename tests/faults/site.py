"""A project with one service, the steps that bring it to the cloud, and whatever makes them difficult."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import run_v2, secretmanager_v1
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.iam.v1 import iam_policy_pb2, policy_pb2

from tests.acceptance.shop_project import FILES, SERVICE, commit
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.adapters.google_connection import connect
from untilgreen.adapters.local_cloud import LocalCloud
from untilgreen.build.step import build
from untilgreen.deploy.step import deploy
from untilgreen.errors import UntilgreenError
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Images, Rollout
from untilgreen.ports import Secrets, Services
from untilgreen.wait.step import wait
from untilgreen.wiring import STATE, Workshop, open_history, read_settings

PROJECT, REGION = "emulator-moon", "moon-central1"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
ACCOUNT = f"shop@{PROJECT}.iam.gserviceaccount.com"
GOOD = SERVICE.replace(
    "    def page(self):\n",
    "    def page(self):\n"
    "        if self.path == '/slow':\n"
    "            import time; time.sleep(4)\n"
    "        if self.path == '/eat':\n"
    "            import time; held = bytearray(300 * 2**20); time.sleep(4)\n",
)
"""An app that serves, and can be asked to be slow or to take much memory."""

SETTINGS = """\
cloud: {{state: {state}, endpoint: "{endpoint}"}}
services:
  {service}:
    source: shop
    image: registry.example/{service}
    account: {account}
    health: {{startup_s: {startup_s}, timeout_s: {timeout_s}, identity_s: {identity_s}}}
{more}
suite: {{path: e2e, env: {{SHOP_URL: "{{{service}.url}}"}}}}
"""


@dataclass
class Site:
    """One project on an emulator that others may use as well.

    Args:
        cloud: where it goes.
        state: the emulator's folder.
        root: the repository's folder.
        service: its name, which nobody else has.
    """

    cloud: LocalCloud
    state: Path
    root: Path
    service: str = field(default_factory=lambda: f"shop-{uuid.uuid4().hex[:8]}")
    loop: str = field(default_factory=lambda: f"loop-{uuid.uuid4().hex[:8]}")
    cycle: int = 1

    def write(self, app: str = GOOD, more: str = "", files: dict[str, str | None] | None = None, **health: Any) -> Site:
        """Commit a version of the project.

        Args:
            app: the service's code.
            more: further lines of its settings, indented by four.
            files: further files; None leaves one out.
            health: `startup_s`, `timeout_s` and `identity_s`.
        """
        times = {"startup_s": 5, "timeout_s": 5, "identity_s": 10, **health}
        settings = SETTINGS.format(
            state=self.state,
            endpoint=self.cloud.endpoint,
            service=self.service,
            account=ACCOUNT,
            more=more,
            **times,
        )
        for path, content in {**FILES, "shop/main.py": app, "untilgreen.yaml": settings, **(files or {})}.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.write_text(content)
        commit(self.root, "a version")
        return self

    def shop(self) -> Workshop:
        """Return what the steps of this cycle work with."""
        history = open_history(self.root)
        head = history.resolve("HEAD")
        run = Run(
            loop=self.loop,
            cycle=self.cycle,
            commit=head,
            root=str(self.root),
            state=str(self.root / STATE),
            endpoint=self.cloud.endpoint,
        )
        return Workshop(run, read_settings(history, head))

    def build(self) -> Images:
        """Make the image."""
        shop = self.shop()
        return build(
            shop.settings,
            shop.run.commit,
            shop.history,
            builders=shop.builders,
            checker=shop.checker,
            workdir=self.root.parent / "context",
        )

    def deploy(
        self, images: Images | None = None, *, services: Services | None = None, secrets: Secrets | None = None
    ) -> Rollout:
        """Build and roll out."""
        shop = self.shop()
        return deploy(
            shop.run,
            shop.settings,
            images or self.build(),
            services or shop.services,
            secrets or shop.secrets,
            probe=shop.probe,
            logs=shop.logs,
            history=shop.history,
        )

    def wait(self, rollout: Rollout) -> Health:
        """Wait for health."""
        shop = self.shop()
        return wait(shop.settings, rollout, shop.probe, shop.logs)

    def ending(self) -> Ending:
        """Build, deploy and wait, and say how that ended, as a command would."""
        try:
            rollout = self.deploy()
            health = self.wait(rollout)
        except UntilgreenError as error:
            return Ending(error.exit_code, type(error).__name__, str(error))
        served = rollout.of(self.service)
        code = 0 if rollout.serving and health.healthy else 3
        return Ending(code, served.reason, health.reason or served.message, rollout, health)

    def impatient(self, patience_s: float = 2) -> CloudRunServices:
        """Return Cloud Run for somebody who does not wait long for it."""
        return CloudRunServices(PROJECT, REGION, self.cloud.endpoint, patience_s)

    @cached_property
    def stranger(self) -> run_v2.ServicesClient:
        """Somebody else who has the same rights."""
        return connect(run_v2.ServicesClient, ServicesGrpcTransport, self.cloud.endpoint)

    @property
    def name(self) -> str:
        """The service's full name."""
        return f"{PARENT}/services/{self.service}"

    @contextmanager
    def faults(self, **faults: Any) -> Iterator[None]:
        """Make the cloud difficult for a while."""
        part = self.cloud.faults.with_suffix(".part")
        part.write_text(json.dumps(faults))
        part.replace(self.cloud.faults)
        try:
            yield
        finally:
            self.cloud.faults.unlink(missing_ok=True)

    def secret(self, value: bytes = b"", *, access: bool = True, disabled: bool = False) -> str:
        """Make a secret and return its short name; an empty value leaves it without a version."""
        keeper = connect(
            secretmanager_v1.SecretManagerServiceClient, SecretManagerServiceGrpcTransport, self.cloud.endpoint
        )
        short = f"key-{uuid.uuid4().hex[:8]}"
        wanted = {"replication": {"automatic": {}}}
        name = keeper.create_secret(parent=f"projects/{PROJECT}", secret_id=short, secret=wanted).name
        if value:
            version = keeper.add_secret_version(parent=name, payload={"data": value}).name
            if disabled:
                keeper.disable_secret_version(name=version)
        if access:
            role, member = "roles/secretmanager.secretAccessor", f"serviceAccount:{ACCOUNT}"
            policy = policy_pb2.Policy(bindings=[policy_pb2.Binding(role=role, members=[member])])
            keeper.set_iam_policy(request=iam_policy_pb2.SetIamPolicyRequest(resource=name, policy=policy))
        return short

    def gone(self) -> bool:
        """Tell whether there is no such service at all."""
        try:
            self.stranger.get_service(name=self.name)
        except NotFound:
            return True
        return False


@dataclass(frozen=True)
class Ending:
    """How bringing a service to the cloud ended.

    Args:
        code: the exit code of a command that does this.
        reason: the platform's or ours; the error's class if one was raised.
        message: what a person reads.
        rollout: None when an error came first.
        health: likewise.
    """

    code: int
    reason: str
    message: str
    rollout: Rollout | None = None
    health: Health | None = None
