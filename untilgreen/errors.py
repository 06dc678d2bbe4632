"""What stops a loop. A failing test is a result and never one of these.

    UntilgreenError
    |- ConfigError           exit 2   the settings or the command line are wrong
    |- SecretCheckFailed     exit 3
    |- BuildFailed           exit 3
    |- RolloutFailed         exit 3
    |- Unhealthy             exit 3
    |- CloudUnavailable      exit 3   transient: worth another try
    |- SuiteCrashed          exit 4
    |- EvidenceIncomplete    exit 4
    |- AnalysisUnreadable    exit 4   of one analyst: the loop goes on without it
    |- FixUnusable           exit 5   of one fixer: the loop goes on without it
    |- RepositoryError       exit 2
    |- ServerUnavailable     exit 2
    |- EnvironmentTaken      exit 2
    |- ApprovalBroken        exit 5   what would be applied is not what was approved

The docstring of each is the message when none is given. A message says where, what, and what to do.
"""

from __future__ import annotations

from typing import ClassVar


class UntilgreenError(Exception):
    """Something stopped the loop."""

    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        """Return the message, or the docstring when there is none."""
        return super().__str__() or (self.__doc__ or "").strip()


class ConfigError(UntilgreenError):
    """The settings cannot be used. Compare them with docs/reference/settings.md."""


class RepositoryError(UntilgreenError):
    """The git repository cannot be read. Run untilgreen inside one, or name it with --repo."""


class ServerUnavailable(UntilgreenError):
    """The Prefect server does not answer. Look at its log, or set PREFECT_API_URL to one that does."""


class EnvironmentTaken(UntilgreenError):
    """Another loop works on this environment. Wait for it, or turn it out with --take-over."""


class BuildFailed(UntilgreenError):
    """An image could not be built."""

    exit_code = 3


class SecretCheckFailed(UntilgreenError):
    """A secret that a service needs cannot be used."""

    exit_code = 3


class RolloutFailed(UntilgreenError):
    """A service could not be deployed."""

    exit_code = 3


class Unhealthy(UntilgreenError):
    """A service does not answer on its health path."""

    exit_code = 3


class CloudUnavailable(UntilgreenError):
    """The cloud's API does not answer right now. Trying again may help."""

    exit_code = 3


class SuiteCrashed(UntilgreenError):
    """The test runner ended without saying how the tests ended."""

    exit_code = 4


class EvidenceIncomplete(UntilgreenError):
    """Something that the verdict needs could not be collected."""

    exit_code = 4


class AnalysisUnreadable(UntilgreenError):
    """An analyst failed, or wrote something that is no analysis."""

    exit_code = 4


class FixUnusable(UntilgreenError):
    """A fixer failed, or made something that is not taken over."""

    exit_code = 5

    def __init__(self, rule: str, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.rule = rule
        """For example `fixer.time` or `fixer.symlink`."""
        self.refused = refused
        """True when it made something that must not be taken over; False when it made nothing."""


class ApprovalBroken(UntilgreenError):
    """What would be applied is not what was approved. Nothing was applied."""

    exit_code = 5
