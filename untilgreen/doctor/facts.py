"""What the doctor sees. No judgement here, and no secret's value: rules read it, tests make it up."""

from __future__ import annotations

from enum import StrEnum

from untilgreen.model.delivery import SecretStatus
from untilgreen.model.document import Document


class Unseen(Document):
    """What could not be looked at."""

    why: str


class GitSeen(Document):
    """The git program."""

    version: str
    """As it says itself; empty when there is none on PATH."""


class RepositorySeen(Document):
    """The user's working tree."""

    commit: str = ""
    uncommitted: tuple[str, ...] = ()
    """Paths that differ from the commit, untracked ones among them."""
    error: str = ""
    """Why there is nothing to test; empty when there is."""


class SettingsSeen(Document):
    """untilgreen.yaml."""

    commit: str
    """Where it was read; empty when it is not committed and the working copy was read."""
    services: tuple[str, ...] = ()
    error: str = ""
    """Why it cannot be used; empty when it can."""


class ContextSeen(Document):
    """One service's build context in the commit."""

    service: str
    source: str
    files: int
    procfile: bool
    builder: str = "snapshot"
    """snapshot, command or prebuilt."""
    program: str = ""
    """What a build command starts first."""
    on_path: bool = True
    """Whether that program can be found."""


class BuildSeen(Document):
    """What images are made from, and by what."""

    emulated: bool
    """Whether services run in the emulator."""
    contexts: tuple[ContextSeen, ...]


class InterpreterSeen(Document):
    """The Python that runs the tests."""

    python: str
    version: str = ""
    pytest: str = ""
    """pytest's version; empty when it cannot be imported."""
    error: str = ""


class CollectionSeen(Document):
    """What pytest finds without running it."""

    path: str
    collected: int
    minimum: int
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    crash: str = ""
    """Why the runner could not even start."""


class CloudSeen(Document):
    """How the cloud is reached."""

    target: str
    endpoint: str = ""
    project: str = ""
    identity: str = ""
    """Whose credentials are used, as far as they say."""
    error: str = ""


class ApiProblem(StrEnum):
    """Why an API gives no answer."""

    PERMISSION = "permission"  # it is there and says no
    DISABLED = "disabled"  # the project has not switched it on
    UNREACHABLE = "unreachable"  # nothing answered in time
    REFUSED = "refused"  # any other refusal


class ApiSeen(Document):
    """One call to one API."""

    api: str
    needs: str
    """The permission that the call asks for."""
    needed: bool = True
    """Whether a loop fails without it."""
    problem: ApiProblem | None = None
    message: str = ""
    """The platform's own text."""


class SecretsSeen(Document):
    """Each binding of each service, and what a service needs and nothing binds."""

    statuses: tuple[SecretStatus, ...]
    unbound: dict[str, tuple[str, ...]] = {}
    """Service -> env names."""


class ServerSeen(Document):
    """The Prefect server."""

    named: str = ""
    """What PREFECT_API_URL says."""
    api: str = ""
    """The one that answers; empty when none does."""
    version: str = ""
    client: str = ""
    """The version of Prefect in this environment."""


class EnvironmentSeen(Document):
    """Names of environment variables that are set to something. Never their values."""

    names: tuple[str, ...]


class DiskSeen(Document):
    """Room where loops, images and logs are kept."""

    place: str
    free: int
    """Bytes."""
    writable: bool = True


class Facts(Document):
    """All that was seen, each part by itself: one that fails keeps no other from being looked at."""

    git: GitSeen | Unseen
    repository: RepositorySeen | Unseen
    settings: SettingsSeen | Unseen
    build: BuildSeen | Unseen
    interpreter: InterpreterSeen | Unseen
    collection: CollectionSeen | Unseen
    cloud: CloudSeen | Unseen
    apis: tuple[ApiSeen, ...] | Unseen
    secrets: SecretsSeen | Unseen
    server: ServerSeen | Unseen
    environment: EnvironmentSeen | Unseen
    disk: DiskSeen | Unseen
