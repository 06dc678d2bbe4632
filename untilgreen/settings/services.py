"""Settings: where services run, and how each is built, deployed and known to be healthy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from untilgreen.settings.part import Name, Part


class Cloud(Part):
    """Where services run."""

    target: Literal["emulator", "gcp"] = "emulator"
    """The emulator is the default because nothing can be broken in it."""
    project: str = "emulator-moon"
    """Google Cloud project id. The default names no project that could exist."""
    region: str = "moon-central1"
    """For example `europe-west1`. The default names no region that could exist."""
    endpoint: str = ""
    """host:port of an emulator that already runs; empty starts one for the time of the loop."""
    seed: str = ""
    """Emulator only: a YAML file with the secrets it starts with, relative to the repository's root."""
    state: str = ".untilgreen/emulator"
    """Emulator only: where it keeps images, logs and services, relative to the repository's root."""
    metrics_wait_s: float = Field(default=300, ge=0)
    """How long step collect waits at most, when tests failed, for the samples of memory and CPU of the last test: Cloud
    Monitoring takes one a minute and shows it up to four minutes later. Without them no claim about resources can be
    judged; 0 does not wait."""

    log_entries: int = Field(default=120_000, ge=1_000)
    """How many log entries step collect reads at most of all that services logged; Cloud Logging gives 60,000 a minute.
    Of what is beyond, it reads the traces of failing tests, errors and what the platform says, and no silence of the
    log counts as proof. The request log is always read whole."""


class HealthSettings(Part):
    """When a service counts as healthy."""

    path: str = "/health"
    """Must answer 2xx when the service can work. It is the platform's startup probe as well, because an open port
    is not health."""
    ready: str = ""
    """A second path that says whether it can work, reported apart; empty means there is none."""
    consecutive: int = Field(default=2, ge=1)
    """Answers in a row: one 200 may come from an instance that is about to die."""
    timeout_s: float = Field(default=60, gt=0)
    """How long to wait for them."""
    startup_s: int = Field(default=30, ge=1, le=240)
    """How long the platform lets a container start; Cloud Run's own limit is 240."""
    identity_s: float = Field(default=60, gt=0)
    """How long to wait until the request log shows who answered: Cloud Logging needs seconds, at worst a minute."""


class SnapshotBuilder(Part):
    """For the emulator: the build context as it is, started by its Procfile."""

    kind: Literal["snapshot"] = "snapshot"
    """The default: it needs no tool."""


class CommandBuilder(Part):
    """Any command line that builds and pushes: docker, gcloud builds, ko, pack."""

    kind: Literal["command"] = "command"
    """Chosen by name."""
    command: str | tuple[str, ...] = Field(min_length=1)
    """A list is started as it is, a text by the shell. `{context}` and `{root}` stand for the folders of the exported
    build context and commit, `{image}`, `{commit}` and `{service}` for what they say. The last `sha256:...` that it
    prints is the digest."""
    digest_command: str | tuple[str, ...] = ""
    """Run afterwards, prints the digest; for commands that do not."""
    digest_file: str = ""
    """Written by the command, holds the digest; relative to the exported commit. For commands that do not print it."""
    check: tuple[str, ...] = ()
    """Fails when the builder's engine is down; run before anything is built. docker and podman have theirs."""
    timeout_s: float = Field(default=1800, gt=0)
    """A build that takes longer than half an hour waits for something."""


class PrebuiltImage(Part):
    """An image that somebody else has built and pushed."""

    kind: Literal["prebuilt"] = "prebuilt"
    """Nothing is built here."""
    tag: str = ""
    """`{commit}` stands for the tested commit. Resolved to a digest before the rollout: a tag may move."""
    digest: str = Field(default="", pattern=r"^(sha256:[0-9a-f]{64})?$")
    """Instead of a tag."""
    digest_command: str | tuple[str, ...] = ""
    """Prints the digest of the tag, where the registry asks for credentials. Placeholders as in `command`, and
    `{tag}`."""


Builder = Annotated[SnapshotBuilder | CommandBuilder | PrebuiltImage, Field(discriminator="kind")]


class Service(Part):
    """One Cloud Run service and how its image is made."""

    source: str
    """Build context, relative to the repository's root."""
    image: str
    """Registry and name, without tag: `europe-docker.pkg.dev/project/repo/name`."""
    builder: Builder = SnapshotBuilder()
    """How the image is made; see the kinds below."""
    python: str = Field(default="", pattern=r"^(3\.\d{1,2})?$")
    """The image's Python, for example `"3.11"`. Empty: told from the Dockerfile and its like."""
    port: int = Field(default=8080, ge=1, le=65535)
    """Where the container listens; the platform tells it in PORT. 8080 is Cloud Run's own default."""
    account: str = ""
    """Runtime service account; empty means the project's default one."""
    memory: str = "512Mi"
    """Limit of one instance, as Kubernetes writes it. 512Mi is Cloud Run's own default."""
    env: dict[str, str] = {}
    """`{name.url}` stands for the URL of another service."""
    secrets: dict[str, str] = {}
    """Env name -> `secret` or `secret:version`."""
    needs: tuple[str, ...] = ()
    """Env names without which it must not be rolled out."""
    depends_on: tuple[Name, ...] = ()
    """Services that must serve before this one is rolled out. Those that do not wait for one another go side by
    side."""
    health: HealthSettings = HealthSettings()
    """When it counts as healthy."""
    strategy: Literal["replace", "canary"] = "replace"
    """canary: a new revision answers under a URL of its own first, and gets traffic only when it is well there."""
    smoke: tuple[str, ...] = ()
    """Canary only: further paths that must answer 2xx there."""
