"""What a user can set, in `untilgreen.yaml` at the root of their repository.

Unknown keys are errors. Every default has its reason beside it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError

from untilgreen.deploy.secrets_policy import SecretSettings
from untilgreen.errors import ConfigError
from untilgreen.model.document import Document

FILE = "untilgreen.yaml"

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,48}$")]
"""Cloud Run's own rule for service names, a little shorter to leave room for revision suffixes."""


class Part(Document):
    """A part of the settings: the text under each one is its description in the reference and in editors."""

    model_config = ConfigDict(use_attribute_docstrings=True)


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


class SuiteSettings(Part):
    """The e2e tests and how to run them."""

    path: str = "e2e"
    """Folder or file of the tests, relative to the repository's root."""
    python: str = ""
    """Interpreter of the tests' own environment; empty means the one that runs untilgreen."""
    args: tuple[str, ...] = ()
    """Handed to pytest as they are."""
    workers: int = Field(default=8, ge=1, le=64)
    """I/O-bound tests want more workers than cores; 64 bounds a mistake."""
    env: dict[str, str] = {}
    """`{name.url}` stands for a deployed service's URL."""
    minimum: int = Field(default=1, ge=1)
    """Fewer collected tests than this are never green."""
    deadline_s: float = Field(default=1800, gt=0)
    """When the whole run is stopped, reruns included. Half an hour bounds a suite that hangs; a slow one wants more."""
    test_timeout_s: float = Field(default=60, gt=0)
    """How long one test may take. A minute leaves room for a cold start and slow answers."""
    reruns: int = Field(default=1, ge=0, le=5)
    """How often a failed test is run again on the same revision. One is enough to tell flaky from persistent."""


class RecordedAnalyst(Part):
    """An analyst whose analyses lie in a file: another team's, an agent's, yesterday's."""

    kind: Literal["file"] = "file"
    """So far the only kind."""
    file: str
    """JSON, relative to the repository's root; its form stands in the demo's README."""


class PatchQueue(Part):
    """Fixes that lie in a folder as patches, tried in the order of their names."""

    kind: Literal["patch_queue"] = "patch_queue"
    """So far the only kind."""
    folder: str
    """Relative to the repository's root. A patch names the cause that it removes in its header."""


class Approve(Part):
    """Who says yes before a fix is committed."""

    mode: Literal["policy", "ask", "never"] = "ask"
    """policy: what the review approves is applied. ask: a human decides. never: only report."""
    timeout_s: int = Field(default=86_400, ge=1)
    """How long a human may take; then nothing is changed. A day covers a night and a morning."""


class RollbackSettings(Part):
    """When services go back to the revision that was good before."""

    on_failure: bool = True
    """When a service cannot be deployed or is not healthy: half a rollout is worse than none."""
    when_worse: bool = False
    """When a cycle's tests pass less often than the one's before. Off: a loop wants to see and mend what fails."""


class Settings(Part):
    """Everything a loop needs to know that is not a secret."""

    cloud: Cloud = Cloud()
    """Where services run."""
    services: dict[Name, Service] = Field(min_length=1)
    """Name on Cloud Run -> how it is built, deployed and known to be healthy. At least one."""
    secrets: SecretSettings = SecretSettings()
    """How strictly secrets are checked before anything is rolled out."""
    suite: SuiteSettings = SuiteSettings()
    """The e2e tests and how to run them."""
    analysts: tuple[RecordedAnalyst, ...] = ()
    """Beside the built-in one."""
    fixers: tuple[PatchQueue, ...] = ()
    """Who may offer fixes. Without any, a loop ends after the first red cycle with its causes."""
    approve: Approve = Approve()
    """Who says yes before a fix is committed."""
    rollback: RollbackSettings = RollbackSettings()
    """When services go back to the revision that was good before."""
    max_cycles: int = Field(default=5, ge=1, le=50)
    """A loop that has not become green after five fixes needs a person."""


def parse(text: str, name: str = FILE) -> Settings:
    """Read settings from YAML.

    Raises:
        ConfigError: with file, line, and what to do, for each thing that is wrong.
    """
    try:
        data = yaml.safe_load(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        raise ConfigError(f"{where}: this is not YAML: {getattr(error, 'problem', error)}. Mend the line.") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{name}: it must hold settings such as `services:`. `untilgreen init` writes a first one.")
    try:
        return _checked(Settings.model_validate(data), name)
    except ValidationError as error:
        problems = [_sentence(name, node, problem) for problem in error.errors()]
        raise ConfigError("\n".join(problems)) from None


def _checked(settings: Settings, name: str) -> Settings:
    """Refuse references to services that do not exist, and dependencies that go round."""
    known = set(settings.services)
    for service, wanted in settings.services.items():
        for other in wanted.depends_on:
            if other not in known:
                raise ConfigError(
                    f"{name}: services.{service}.depends_on names {other!r}, which is not a service here."
                )
    for member in (member for group in settings.secrets.shared for member in group):
        if member.partition(".")[0] not in known:
            raise ConfigError(f"{name}: secrets.shared names {member!r}, whose service is not one here.")
    in_order(settings)
    return settings


def in_order(settings: Settings) -> tuple[str, ...]:
    """Return the services so that each comes after those it depends on."""
    done: list[str] = []

    def visit(service: str, path: tuple[str, ...]) -> None:
        if service in path:
            raise ConfigError(f"{FILE}: depends_on goes round: {' -> '.join((*path, service))}. Remove one.")
        if service not in done:
            for other in settings.services[service].depends_on:
                visit(other, (*path, service))
            done.append(service)

    for service in settings.services:
        visit(service, ())
    return tuple(done)


def _sentence(name: str, node: Any, problem: Any) -> str:
    """Say where, what, and what to do about one problem."""
    path = ".".join(str(part) for part in problem["loc"])
    line = _line(node, problem["loc"])
    what = {
        "extra_forbidden": "no such setting; remove it or correct its spelling",
        "missing": "this setting is needed; add it",
    }.get(problem["type"], f"{problem['msg']}, not {problem['input']!r}")
    return f"{name}:{line}: {path}: {what}"


def _line(node: Any, location: tuple[Any, ...]) -> int:
    """Return the line, from 1, of the deepest node on the way to a setting."""
    line = node.start_mark.line
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == part), None)
            if not found:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line
    return int(line) + 1
