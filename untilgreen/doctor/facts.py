"""What the doctor sees. No judgement here, and no secret's value: rules read it, tests make it up."""

from __future__ import annotations

from enum import StrEnum

from untilgreen.model.delivery import GateFinding
from untilgreen.model.document import Document
from untilgreen.model.secrets import SecretStatus


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
    """One service's build context in the commit, and what makes its image."""

    service: str
    source: str
    files: int = 0
    procfile: bool = False
    builder: str = "snapshot"
    """snapshot, command or prebuilt."""
    error: str = ""
    """Why no image can be made of it; empty when one can."""
    findings: tuple[GateFinding, ...] = ()
    """What the image gate says."""


class BuildSeen(Document):
    """What images are made from, and by what."""

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
    """Environment variables that make somebody write secrets down. Never their values."""

    leaks: tuple[str, ...] = ()
    """What a loop refuses to run under, in the words of its refusal."""
    names: tuple[str, ...] = ()
    """All that are set to something."""


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
    secrets: tuple[SecretStatus, ...] | Unseen
    """Each binding, and each env name that should be one."""
    server: ServerSeen | Unseen
    environment: EnvironmentSeen | Unseen
    disk: DiskSeen | Unseen
