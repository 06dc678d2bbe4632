"""What is known of a secret without its value: how it is bound, what was looked at, and what is wrong with it."""

from __future__ import annotations

from enum import StrEnum

from untilgreen.model.document import Document


class SecretBinding(Document):
    """An environment variable that takes its value from a secret. Never the value."""

    env: str
    secret: str
    version: str = "latest"


class SecretProblem(StrEnum):
    """Why a secret cannot be relied on."""

    MISSING = "missing"  # no secret of that name
    NO_VERSION = "no_version"  # the pinned version does not exist
    DISABLED = "disabled"  # the version is disabled or destroyed
    DENIED = "denied"  # the runtime's own service account may not read it
    UNCONFIRMED = "unconfirmed"  # nobody could tell whether the runtime's own service account may read it
    EMPTY = "empty"  # the value has no visible character
    WHITE_SPACE = "white_space"  # the value begins or ends with white space
    PLACEHOLDER = "placeholder"  # the value is what somebody wrote until there is a real one
    TOO_SHORT = "too_short"  # the value has fewer characters than the settings ask for
    VALUE_NOT_READ = "value_not_read"  # the deployer may not read the value, so nobody has looked at it
    UNPINNED = "unpinned"  # `latest`: what a revision gets depends on when it starts
    WRONG_ENVIRONMENT = "wrong_environment"  # its label names another environment than the one deployed to
    NOT_BOUND = "not_bound"  # the service declares that it needs it, the template does not bind it
    UNDECLARED = "undeclared"  # the source reads it without a default, the template does not bind it
    PLAIN = "plain"  # a credential stands openly in the template's environment
    UNEQUAL = "unequal"  # services that must share it are given different values


class Severity(StrEnum):
    """What a problem does to the rollout."""

    BLOCKING = "blocking"  # nothing is rolled out
    WARNING = "warning"  # told, and rolled out


class SecretCheck(StrEnum):
    """What is looked at."""

    EXISTS = "exists"  # there is a secret of that name
    VERSION = "version"  # the version is there and enabled
    ACCESS = "access"  # the runtime's own account may read it
    CONTENT = "content"  # the value is no placeholder, has no stray white space, is long enough
    PINNED = "pinned"  # a version is named
    ENVIRONMENT = "environment"  # its label names the right environment
    BOUND = "bound"  # what the service needs is given to it
    SHARED = "shared"  # services that must share it are given the same value


class SecretFinding(Document):
    """One thing that is wrong with a binding."""

    problem: SecretProblem
    severity: Severity = Severity.BLOCKING
    message: str = ""
    """Where, what, and what to do; the platform's own text where it has one. Never a value."""


class SecretStatus(Document):
    """One binding as the platform sees it, or an env name that something is wrong with."""

    service: str
    binding: SecretBinding
    account: str
    """The runtime service account whose access was asked for."""
    problem: SecretProblem | None = None
    """The worst one."""
    severity: Severity = Severity.BLOCKING
    """Of the worst problem; means nothing without one."""
    message: str = ""
    """Of all blocking problems, or else of the worst one."""
    further: tuple[SecretFinding, ...] = ()
    """What else is wrong, the worst first."""
    checks: tuple[SecretCheck, ...] = ()
    """What was looked at."""
    unchecked: tuple[SecretCheck, ...] = ()
    """What could not be looked at: never a pass."""
    version: str = ""
    """The number that the binding's version meant at that moment; empty when it means none."""
    labels: dict[str, str] = {}
    """The secret's labels."""

    @property
    def usable(self) -> bool:
        """Tell whether nothing that is known forbids a rollout with it."""
        return self.problem is None or self.severity is Severity.WARNING

    @property
    def findings(self) -> tuple[SecretFinding, ...]:
        """Return all that is wrong, the worst first."""
        if self.problem is None:
            return ()
        return (SecretFinding(problem=self.problem, severity=self.severity, message=self.message), *self.further)
